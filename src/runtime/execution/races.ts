import { compiledStep } from '../../../machines/index.ts'
import { RaceLostError, StepSkippedError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import { isRace } from '../../core/graph/plan.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { StepView } from './execution-view.ts'
import { abandonLost } from './child-execution.ts'
import type { LaunchQueue } from './launch-queue.ts'
import { failUnbegun } from './step-ending.ts'
import type { RaceState } from './lost-steps.ts'
import type { StepHost } from './step-host.ts'
import { StepRun } from './step-run.ts'

/** An execution with races. */
export interface RacingHost extends StepHost {
  readonly hasEnded: boolean
  readonly keepsRuns: boolean
  readonly runs: (StepRun | undefined)[]
  /** A race is decided: what its losers did is to be undone. */
  raceDecided(race: PlanStep, state: RaceState): void
  /** A step has ended of which nobody needs anything any more. */
  stepDropped(run: StepRun | undefined): void
}

type SlotState = 'filled' | 'denied' | undefined

/**
 * The races of one execution: which of their ports came first, and which can't come any more. Only executions that have races have this, so
 * that steps which need all of their inputs pay nothing for it.
 */
export class Races implements RaceState {
  readonly #host: RacingHost
  readonly #plan: Plan
  readonly #racers: readonly (readonly number[])[]
  readonly #queue: LaunchQueue
  readonly #slots: SlotState[]
  readonly #errors = new Map<number, unknown>()
  readonly winners = new Map<number, number>()
  readonly dropped = new Set<number>()
  /** Steps that never begin again: what they led to was there already in an earlier life. */
  readonly #withheld = new Set<number>()
  /** Of them, those of which something that is there was made in an earlier life. */
  readonly #taken = new Set<number>()
  /** Races of which no port can come any more, and that have not failed yet. */
  readonly #hopeless: number[] = []
  #hasBegun = false
  #isFailing = false

  constructor(host: RacingHost, queue: LaunchQueue, racers: readonly (readonly number[])[]) {
    this.#host = host
    this.#plan = host.plan
    this.#racers = racers
    this.#queue = queue
    this.#slots = new Array<SlotState>(host.plan.types.length)
  }

  /**
   * Takes over, before the start, what is known of steps that ended in an earlier life: the first of them wins where no record says what did.
   * Before what a decided race needs no more is looked for.
   */
  restore(views: ReadonlyMap<string, StepView>): void {
    const { runs } = this.#host
    for (const step of this.#plan.steps.filter(isRace)) {
      const { position, portNames, portSlots } = step
      const known = runs[position]
      const port = portNames.indexOf(known?.first?.port ?? views.get(step.spec.name)?.winner ?? '')
      if (port !== -1) this.winners.set(position, portSlots[port]!)
      if (known?.hasEnded === true || known?.first !== undefined) continue
      const ended = portSlots.flatMap((slot) => {
        const run = runs[this.#plan.producers[slot]!]
        return run?.hasOutput === true ? [{ slot, run }] : []
      })
      const [first] = ended.toSorted((one, other) => one.run.endedAt! - other.run.endedAt!)
      if (first !== undefined) this.#note(step, first.slot, first.run.output)
    }
  }

  /** These steps never begin again: what they led to is there already. */
  withhold(positions: readonly number[]): void {
    const { cancelled } = compiledStep.stateCode
    // Those that take a value come behind the one that makes it.
    for (const position of positions.toSorted((one, other) => other - one)) {
      this.#withheld.add(position)
      const run = this.#host.runs[position]
      if (run?.state === cancelled) this.dropped.add(position)
      // What failed for good was not given up, nor what had its value, which is on no record.
      else if (run?.hasEnded === true) continue
      else if (this.#wasTaken(position)) this.#taken.add(position)
      else this.dropped.add(position)
    }
  }

  /** Whether something that is there, or has failed, was made of what a step made in an earlier life. */
  #wasTaken(position: number): boolean {
    const { dependants, steps } = this.#plan
    const { outputSlot } = steps[position]!
    const { cancelled } = compiledStep.stateCode
    return (
      dependants[outputSlot]!.some((taker) => {
        const run = this.#host.runs[taker]
        if (run?.hasEnded !== true || run.state === cancelled) return this.#taken.has(taker)
        // One that was skipped for another failure was never given anything.
        return run.hasOutput || run.error !== undefined
      }) || this.#racers[outputSlot]!.some((race) => this.winners.get(race) === outputSlot)
    )
  }

  /** What the losers did of races that were decided in an earlier life is undone. */
  undoLosers(): void {
    for (const position of this.winners.keys()) this.#host.raceDecided(this.#plan.steps[position]!, this)
  }

  /** Lets those begin that are decided from the start: a port was given, or came in an earlier life. */
  begin(): void {
    this.#hasBegun = true
    const { runs, values } = this.#host
    for (const step of this.#plan.steps.filter(isRace)) {
      const { position, portSlots } = step
      const run = runs[position]
      if (run?.hasEnded === true) continue
      if (run?.first !== undefined || run?.isExhausted === true) this.#queue.release(position)
      else if (this.#plan.waitsFor[position] === 0) this.#note(step, portSlots[0]!, values[portSlots[0]!])
    }
    this.#failHopeless()
  }

  /** A value is there: it wins the races that are not decided. */
  filled(slot: number, value: unknown): void {
    this.#slots[slot] = 'filled'
    const racers = this.#racers[slot]!
    for (let i = 0; i < racers.length && !this.#host.hasEnded; i++) {
      const step = this.#plan.steps[racers[i]!]!
      if (!this.#isOpen(step.position) || this.winners.has(step.position)) continue
      this.#note(step, slot, value)
      this.#queue.release(step.position)
      this.#dropLosers(step, slot)
      this.#host.raceDecided(step, this)
    }
  }

  /** A value will never come: races that have no port left fail. */
  denied(slot: number, error: unknown): void {
    this.#slots[slot] = 'denied'
    this.#errors.set(slot, error)
    for (const position of this.#racers[slot]!) {
      if (!this.#isOpen(position) || this.winners.has(position)) continue
      const isHopeless = this.#plan.steps[position]!.portSlots.every((port) => this.#slots[port] === 'denied')
      if (isHopeless) this.#hopeless.push(position)
    }
    this.#failHopeless()
  }

  #note({ position, portNames, portSlots }: PlanStep, slot: number, value: unknown): void {
    const { runs } = this.#host
    const run = (runs[position] ??= new StepRun(this.#host, this.#plan.steps[position]!))
    run.first = { port: portNames[portSlots.indexOf(slot)]!, value }
    this.winners.set(position, slot)
  }

  /** A loop, not recursion: one that fails may leave another without a port. */
  #failHopeless(): void {
    if (!this.#hasBegun || this.#isFailing) return
    this.#isFailing = true
    for (let next = this.#hopeless.shift(); next !== undefined; next = this.#hopeless.shift()) {
      if (this.#host.hasEnded) break
      const step = this.#plan.steps[next]!
      const run = (this.#host.runs[next] ??= new StepRun(this.#host, step))
      failUnbegun(run, this.#errorOf(step))
    }
    this.#isFailing = false
  }

  #errorOf({ spec, portNames, portSlots }: PlanStep): AggregateError {
    const errors = portSlots.map((slot) => this.#errors.get(slot))
    const each = portNames.map((port, index) => `${port}: ${whyNot(errors[index])}`).join('; ')
    return new AggregateError(errors, `no input of the race "${spec.name}" came: ${each}`)
  }

  /** What only the losers need is given up: dependants before what they consumed. */
  #dropLosers(race: PlanStep, winner: number): void {
    const { producers, steps, types } = this.#plan
    const port = race.portNames[race.portSlots.indexOf(winner)]!
    const open = race.portSlots.filter((slot) => slot !== winner).map((slot) => producers[slot]!)
    for (let position = open.pop(); position !== undefined; position = open.pop()) {
      if (position === -1 || this.dropped.has(position) || this.#withheld.has(position) || this.#host.hasEnded) continue
      const { outputSlot, portSlots, spec } = steps[position]!
      // What has come is kept; one that has failed may have left others running.
      // As records are restored, one that has ended may bring its value only later.
      const restored = this.#host.runs[position]
      const hasCome = this.#slots[outputSlot] === 'filled' || restored?.hasOutput === true
      if (hasCome || this.#isNeeded(outputSlot)) continue
      if (this.#slots[outputSlot] === undefined && restored?.hasEnded !== true) {
        const place = { ...this.#host.place, step: spec.name }
        this.#drop(position, new RaceLostError(race.spec.name, port, types[winner]!.name, place))
      }
      for (const slot of portSlots) open.push(producers[slot]!)
    }
  }

  #drop(position: number, reason: RaceLostError): void {
    const { runs, keepsRuns, recorder, clock } = this.#host
    // What is there was made of it, and of what it was made of: that is kept.
    if (this.#wasTaken(position)) {
      this.#taken.add(position)
      this.#withheld.add(position)
    } else this.dropped.add(position)
    this.#queue.withhold(position)
    const begun = runs[position]
    const run =
      begun ?? (keepsRuns ? (runs[position] = new StepRun(this.#host, this.#plan.steps[position]!)) : undefined)
    this.#host.stepDropped(run)
    if (run === undefined) return
    // What began to wait in an earlier life is no attempt yet in this one.
    const isOpen = run.attempt > 0 || run.startedAt !== undefined
    if (isOpen && run.persist !== undefined) recorder?.noteCancelled(run, reason)
    if (isOpen) abandonLost(this.#host, run, reason)
    run.drop(reason, clock.now(), begun !== undefined)
  }

  /** Whether something else on the way to the target takes the value. */
  #isNeeded(slot: number): boolean {
    const { isWanted, dependants } = this.#plan
    if (isWanted[slot]!) return true
    return (
      dependants[slot]!.some((position) => this.#isOpen(position)) ||
      this.#racers[slot]!.some((position) => this.#isOpen(position) && !this.winners.has(position))
    )
  }

  /** Whether a step may still need its inputs. */
  #isOpen(position: number): boolean {
    if (this.dropped.has(position) || this.#withheld.has(position)) return false
    return this.#slots[this.#plan.steps[position]!.outputSlot] === undefined
  }
}

/** Why an input did not come. What a skipped step's own error advises, to take it in a race, is what has been done. */
function whyNot(error: unknown): string {
  return error instanceof StepSkippedError
    ? `step "${error.step}" was skipped, since its when returned false`
    : describeThrown(error)
}
