import { compiledStep } from '../../../machines/index.ts'
import type { CompensateSpec } from '../../core/graph/graph-index.ts'
import type { FullClock } from '../environment/clock.ts'
import { fireAfter } from '../environment/timers.ts'
import { InputError } from '../../core/errors.ts'
import type { CompensationError } from '../../core/errors.ts'
import type { UndoView } from './execution-view.ts'
import type { StepState } from './step-state.ts'

const { completed, failed } = compiledStep.stateCode

/** A step that may have to be undone. */
export interface EffectiveStep extends StepState {
  readonly idempotencyKey: string
  /** What it did is undone: its result is not to be found any more, and its next attempt is another deed. */
  forgetResult(): void
}

/** What is known of what one step did. */
export interface Verdict {
  /** What it made; undefined where that is not known. */
  readonly output: unknown
  readonly isUncertain: boolean
}

/** Undoes what a step did, once, for all who need that. */
export interface EffectUndo {
  /** Resolves once it is undone, or with why it can't be. */
  run(): Promise<CompensationError | undefined>
  /** Stops it for a reason: it goes on elsewhere. */
  giveUp(reason: unknown): void
  /** Resolves when it is over. */
  readonly done: Promise<void>
}

/** What one step with `compensate` has done in one execution, as far as that is known. */
export class Effect {
  /** The step itself. */
  step: EffectiveStep
  /** How far it is undone; undefined as long as that has not begun. */
  view: UndoView | undefined
  /** What undoes it, once that is to be done. */
  undo: EffectUndo | undefined
  /** Its undoing has begun: what an attempt brings from now on is not remembered. */
  isUndone = false
  /** Attempts whose functions have not come to an end. */
  #open = 0
  /** An attempt ended so that nobody knows what it did. */
  #isUncertain = false
  #made: { readonly value: unknown } | undefined
  #key: string | undefined
  #onIdle: (() => void) | undefined
  #inputs: Record<string, unknown> | undefined

  constructor(step: EffectiveStep) {
    this.step = step
  }

  get spec(): CompensateSpec {
    return this.step.planStep.spec.compensate!
  }

  /** The key that the attempts of the step had. */
  get stepIdempotencyKey(): string {
    return (this.#key ??= this.step.idempotencyKey)
  }

  /** What the function was given. */
  get inputs(): Record<string, unknown> {
    return this.#inputs ?? this.step.inputs
  }

  /** Whether an attempt ended so that nobody knows what it did. */
  get isUncertain(): boolean {
    return this.#isUncertain
  }

  /** Whether the step has ended without a value of its own: by a failure, in the place of which a fallback may stand. */
  get hasFailed(): boolean {
    const { state, error } = this.step
    return this.#made === undefined && (state === failed || (state === completed && error !== undefined))
  }

  /** Whether there is nothing to undo, whatever still comes. */
  get isNone(): boolean {
    if (this.view?.status === 'undone') return true
    return this.#made === undefined && !this.#isUncertain && this.#open === 0
  }

  /** Whether it may have done something of which no value is on record, and that is not being undone. */
  get isUnknown(): boolean {
    const { state, error } = this.step
    return this.view === undefined && !this.isNone && (state !== completed || error !== undefined)
  }

  /** An attempt begins. */
  began(step: EffectiveStep): void {
    this.step = step
    this.#inputs = undefined
    this.#open++
  }

  /** An attempt has made a value. */
  made(value: unknown): void {
    this.#made = { value }
    this.#ended()
  }

  /** An attempt that was given up has made a value: it is the step's own where no other attempt has made one. */
  madeLate(value: unknown): void {
    this.#made ??= { value }
    this.#ended()
  }

  /** An attempt threw: it has done nothing, unless its function returned what does not fit. */
  failed(error: unknown, timedOut: boolean): void {
    const { step } = this
    // One that was given up may still run.
    if (timedOut) {
      this.#isUncertain = true
      return
    }
    const returned = error instanceof InputError && error.code === 'OUTPUT_INVALID' && error.step === step.step
    if (returned && error.executionId === step.execution.place.executionId) this.#isUncertain = true
    this.#ended()
  }

  /** An attempt that was given up came to an end without a value; `knewOf`: perhaps because it was given up. */
  endedLate(knewOf: boolean): void {
    if (knewOf) this.#isUncertain = true
    this.#ended()
  }

  /** The attempt that runs works for another execution now. */
  handedOver(): void {
    this.#ended()
  }

  /** Its undoing begins. */
  undoBegins(): void {
    // Before what it is made of counts this undoing.
    void this.stepIdempotencyKey
    this.isUndone = true
    this.step.forgetResult()
  }

  /** What it did before the execution was restored here. */
  restored(verdict: Verdict, view: UndoView | undefined, inputs: Record<string, unknown> | undefined): void {
    this.view = view?.status === 'pending' ? undefined : view
    this.#inputs = inputs
    if (verdict.isUncertain) this.#isUncertain = true
    else this.#made = { value: verdict.output }
  }

  /** What has to be undone, once nothing of it runs any more, or after so long; undefined where it did nothing after all. */
  async verdict(clock: FullClock, waitMs: number): Promise<Verdict | undefined> {
    if (this.#open > 0) await this.#idle(clock, waitMs)
    if (this.#made !== undefined) return { output: this.#output(this.#made.value), isUncertain: false }
    return this.isNone ? undefined : { output: undefined, isUncertain: true }
  }

  /** What others were given, where the step has a value: what an attempt brought late may have been on record before it. */
  #output(made: unknown): unknown {
    const { state, error, output } = this.step
    return state === completed && error === undefined ? output : made
  }

  /** Nobody here wants the verdict any more. */
  giveUp(): void {
    this.#onIdle?.()
  }

  #idle(clock: FullClock, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = fireAfter(clock, waitMs, resolve)
      this.#onIdle = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  #ended(): void {
    if (--this.#open === 0) this.#onIdle?.()
  }
}

/** What the steps of one execution that have `compensate` did. It exists only where there are such steps. */
export class Effects {
  readonly #byStep = new Map<string, Effect>()

  /** What a step did; undefined where no attempt of it was made. */
  of(step: string): Effect | undefined {
    return this.#byStep.get(step)
  }

  /** The same, made where there is none. */
  for(step: EffectiveStep): Effect {
    let effect = this.#byStep.get(step.step)
    if (effect === undefined) this.#byStep.set(step.step, (effect = new Effect(step)))
    return effect
  }

  /** Whether there is nothing to undo. */
  get areNone(): boolean {
    for (const effect of this.#byStep.values()) if (!effect.isNone) return false
    return true
  }

  /** Names of the steps that may have done something of which no value is on record. */
  get unknown(): readonly string[] {
    return [...this.#byStep].flatMap(([step, effect]) => (effect.isUnknown ? [step] : []))
  }

  /** How far the steps are undone, by their names; undefined where none is. */
  get views(): Readonly<Record<string, UndoView>> | undefined {
    const views = [...this.#byStep].flatMap(([step, { view }]) => (view === undefined ? [] : [[step, view] as const]))
    return views.length === 0 ? undefined : Object.fromEntries(views)
  }
}
