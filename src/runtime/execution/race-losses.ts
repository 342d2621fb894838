import { RaceLostError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { PlanStep } from '../../core/graph/plan.ts'
import { Compensation } from './compensation.ts'
import type { Compensated } from './compensation.ts'
import { lostSteps } from './lost-steps.ts'
import type { RaceState } from './lost-steps.ts'
import type { StepState } from './step-state.ts'

/** An execution whose races may leave something to undo. */
interface LosingExecution extends Compensated {
  readonly runs: readonly (StepState | undefined)[]
  readonly place: ErrorPlace
}

/**
 * What the losers of an execution's races did, which is undone as soon as their race is decided, whatever the execution comes to. It exists only
 * where a loser did something.
 */
export class RaceLosses {
  readonly #execution: LosingExecution
  readonly #compensations: Compensation[] = []
  /** Why steps are undone, by race, until that begins. */
  readonly #reasons: ReadonlyMap<string, unknown>[] = []
  /** What won races is on its way to the record. */
  readonly #notes: Promise<void>[] = []
  #isWaiting = false
  #underWay = 0
  #isGivenUp = false
  #onUndone: () => void = () => {}
  #done: Promise<void> | undefined

  constructor(execution: LosingExecution) {
    this.#execution = execution
  }

  /** Whether something of them is not undone, and may still be. */
  get areOpen(): boolean {
    return this.#underWay > 0
  }

  /** Resolves once nothing of them is undone any more: what could not be undone stays. */
  get done(): Promise<void> {
    if (!this.areOpen) return Promise.resolve()
    return (this.#done ??= new Promise((resolve) => (this.#onUndone = resolve)))
  }

  /** A race is decided. */
  add(race: PlanStep, state: RaceState): void {
    const { plan, effects, place } = this.#execution
    const port = race.portNames[race.portSlots.indexOf(state.winners.get(race.position)!)]!
    const winner = plan.types[state.winners.get(race.position)!]!.name
    const lost = lostSteps(plan, race, state)
      .map((position) => plan.steps[position]!.spec.name)
      .filter((step) => effects?.of(step)?.isNone === false)
    if (lost.length === 0) return
    const reasons = new Map(
      lost.map((step) => [step, new RaceLostError(race.spec.name, port, winner, { ...place, step })]),
    )
    const { recorder, runs } = this.#execution
    const run = runs[race.position]
    if (recorder !== undefined && run !== undefined) this.#notes.push(recorder.noteDecided(run))
    this.#underWay++
    this.#reasons.push(reasons)
    void this.#undoOnceDecided()
  }

  /** Stops it for a reason: it goes on elsewhere. */
  giveUp(reason: unknown): void {
    this.#isGivenUp = true
    for (const compensation of this.#compensations) compensation.giveUp(reason)
  }

  /** What one race has made needless may be so because of what won another: before any of it is undone, all of that is on record. */
  async #undoOnceDecided(): Promise<void> {
    if (this.#isWaiting) return
    this.#isWaiting = true
    while (this.#notes.length > 0) await Promise.all(this.#notes.splice(0))
    this.#isWaiting = false
    if (!this.#isGivenUp) for (const reasons of this.#reasons.splice(0)) void this.#undo(reasons)
  }

  async #undo(reasons: ReadonlyMap<string, unknown>): Promise<void> {
    const compensation = new Compensation(this.#execution.plan, [this.#execution], (step) => reasons.get(step), reasons)
    this.#compensations.push(compensation)
    await compensation.done
    if (--this.#underWay === 0) {
      this.#done = undefined
      this.#onUndone()
    }
  }
}
