import type { Plan } from '../../core/graph/plan.ts'
import { endLeftChildren } from './child-execution.ts'
import type { StepView } from './execution-view.ts'
import { LaunchQueue } from './launch-queue.ts'
import type { Launcher } from './launch-queue.ts'
import { Races } from './races.ts'
import type { RacingHost } from './races.ts'
import { restoreSteps } from './restored-steps.ts'
import { StepRun } from './step-run.ts'

/** An execution, as far as its values go. */
interface FlowHost extends Launcher, RacingHost {
  readonly clock: RacingHost['clock']
  readonly hasEnded: boolean
  readonly values: unknown[]
  /** All that is wanted of it is there. */
  succeed(): void
}

const noWinners: ReadonlyMap<number, number> = new Map()

/**
 * What follows from the values of one execution: which steps begin, which never will, and when all that is wanted is there. A value decrements
 * the counters of the steps that take it, and a step at zero starts: its cost does not depend on how many steps there are.
 */
export class ValueFlow {
  readonly #host: FlowHost
  readonly #plan: Plan
  readonly #queue: LaunchQueue
  /** Only where the plan has races. */
  readonly #races: Races | undefined
  #wantedLeft: number
  #hasBegun = false
  #isRestored = false

  constructor(host: FlowHost) {
    const { plan } = host
    this.#host = host
    this.#plan = plan
    this.#queue = new LaunchQueue(host, plan)
    this.#races = plan.racers === undefined ? undefined : new Races(host, this.#queue, plan.racers)
    this.#wantedLeft = plan.wantedLater
  }

  /** Whether steps are being started right now. */
  get isLaunching(): boolean {
    return this.#queue.isDraining
  }

  /** How many of the values that are wanted are not there. */
  get wantedLeft(): number {
    return this.#wantedLeft
  }

  /** By position, of the races that are decided, the slot of the port that won. */
  get winners(): ReadonlyMap<number, number> {
    return this.#races?.winners ?? noWinners
  }

  /** Whether a step that has not begun never does. */
  isWithheld(position: number): boolean {
    return this.#queue.isWithheld(position)
  }

  /** Takes over what records or a snapshot say of the steps, before anything begins; gives those that have ended. */
  restore(views: ReadonlyMap<string, StepView>): readonly StepRun[] {
    this.#isRestored = true
    return restoreSteps(this.#host, this.#queue, this.#races, views)
  }

  /** The values that the caller gives are there: the steps begin that need nothing else. */
  begin(): void {
    const host = this.#host
    if (host.hasEnded) return
    this.#hasBegun = true
    const { part, plan } = host
    if (part !== undefined) {
      for (const slot of plan.wanted) if (plan.isLeaf[slot]!) part.onFilled(slot, host.values[slot])
    }
    this.#races?.undoLosers()
    if (this.#wantedLeft === 0) {
      this.#endLeftChildren()
      host.succeed()
      return
    }
    this.#races?.begin()
    if (host.hasEnded) return
    this.#endLeftChildren()
    this.#queue.begin(plan.initial)
    this.#drain()
  }

  /** What the losers of races did that an earlier life has decided is undone, and children end whose steps have ended without them. */
  endWhatWasLeft(): void {
    this.#endLeftChildren()
    this.#races?.undoLosers()
  }

  #endLeftChildren(): void {
    if (this.#isRestored) endLeftChildren(this.#host, (position) => this.isWithheld(position))
  }

  /** A value is there. */
  fill(slot: number, value: unknown): void {
    const host = this.#host
    const plan = this.#plan
    host.values[slot] = value
    if (plan.isWanted[slot]!) {
      host.part?.onFilled(slot, value)
      if (--this.#wantedLeft === 0 && this.#hasBegun) {
        host.succeed()
        return
      }
    }
    if (this.#races !== undefined) {
      this.#races.filled(slot, value)
      if (host.hasEnded) return
    }
    this.#queue.supply(plan.dependants[slot]!)
    this.#drain()
  }

  /** A value will never come, and the execution can do without: steps that can't are skipped, the others go on. */
  deny(missing: number, error: unknown): void {
    const host = this.#host
    const { plan } = host
    const { slots, skipped } = this.#queue.deny(plan, missing)
    for (const slot of slots) if (plan.isWanted[slot]!) this.#wantedLeft--
    for (const position of skipped) {
      const run = (host.runs[position] = new StepRun(host, plan.steps[position]!))
      host.stepDropped(undefined)
      run.skip(error)
      if (host.hasEnded) return
    }
    for (const slot of slots) {
      this.#races?.denied(slot, error)
      host.part?.onDenied(slot, error)
    }
    if (host.hasEnded) return
    if (this.#wantedLeft === 0 && this.#hasBegun) host.succeed()
    else this.#drain()
  }

  #drain(): void {
    if (this.#hasBegun) this.#queue.drain()
  }
}
