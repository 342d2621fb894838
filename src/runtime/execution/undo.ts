import { compiledExecution } from '../../../machines/index.ts'
import { CompensationError, LeaseLostError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { CompensateSpec } from '../../core/graph/graph-index.ts'
import { describeThrown } from '../../core/thrown.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import { decideRetry } from '../steps/retry-decision.ts'
import type { WorkPlace } from '../steps/step-work.ts'
import { UndoAttempt } from '../steps/undo-attempt.ts'
import type { UndoOutcome } from '../steps/undo-attempt.ts'
import type { Undoings } from '../results/undoings.ts'
import { elapsedSince } from '../environment/clock.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import type { Effect, EffectUndo, Verdict } from './effects.ts'
import type { Emitter } from './emitter.ts'
import type { UndoView } from './execution-view.ts'
import type { UndoRecorder } from './recorder.ts'
import { changeTo } from './shown-end.ts'
import type { Changing } from './shown-end.ts'
import { withResolvers } from '../../core/own-promise.ts'

/** How often an undoing that is tried once may begin: a death says nothing about it, but it may be what kills them. */
export const mostBeginnings = 3

/** How often an undoing may begin, where the processes that do it die. */
function attemptsWithDeaths({ maxAttempts }: Pick<CompensateSpec, 'maxAttempts'>): number {
  return maxAttempts > 1 ? maxAttempts : mostBeginnings
}

/** The execution whose step is undone. */
export interface UndoingExecution extends WorkPlace, Changing {
  readonly place: ErrorPlace
  readonly setup: WorkPlace['setup'] & {
    readonly itemKey?: string | undefined
    readonly undoings?: Pick<Undoings, 'of'> | undefined
  }
  readonly options: WorkPlace['options'] & { readonly random: () => number }
  readonly emitter: Emitter | undefined
  readonly recorder: UndoRecorder | undefined
}

/** Undoes what one step of one execution did: attempt after attempt, until it is undone or no attempt is left. */
export class Undo implements EffectUndo {
  readonly #execution: UndoingExecution
  readonly #effect: Effect
  readonly #reason: unknown
  readonly #verdict: Promise<Verdict | undefined>
  #beganAt = 0
  #close: ((reason: unknown) => void) | undefined
  #wait: Timer | undefined
  #isGivenUp = false
  #outcome: Promise<CompensationError | undefined> | undefined
  readonly #over = withResolvers()

  constructor(execution: UndoingExecution, effect: Effect, reason: unknown) {
    this.#execution = execution
    this.#effect = effect
    this.#reason = reason
    this.#verdict = effect.verdict(execution.clock, effect.spec.waitMs)
  }

  /** Resolves when it is over, whoever lets it begin. */
  get done(): Promise<void> {
    return this.#over.promise
  }

  run(): Promise<CompensationError | undefined> {
    if (this.#outcome === undefined) {
      this.#outcome = this.#run()
      const { resolve } = this.#over
      void this.#outcome.then(
        () => resolve(),
        () => resolve(),
      )
    }
    return this.#outcome
  }

  async #run(): Promise<CompensationError | undefined> {
    const { view } = this.#effect
    if (view?.status === 'undone') return undefined
    if (view?.status === 'failed') return this.#errorOf(view.error, view.attempt, undefined)
    const verdict = await this.#verdict
    if (verdict === undefined || this.#isGivenUp) return undefined
    const { clock } = this.#execution
    const at = clock.now()
    this.#beganAt = clock.elapsed()
    this.#emit(at, { type: 'undo.started', isUncertain: verdict.isUncertain })
    this.#effect.undoBegins()
    if (view?.status === 'running' && view.attempt >= attemptsWithDeaths(this.#effect.spec))
      return this.#fail(view, this.#deathIn(view.attempt), undefined)
    const waitMs = view?.dueAt === undefined ? 0 : view.dueAt - at
    if (waitMs > 0) await this.#delay(waitMs)
    return this.#try(verdict, (view?.attempt ?? 0) + 1, view?.startedAt ?? at)
  }

  giveUp(reason: unknown): void {
    this.#isGivenUp = true
    this.#effect.giveUp()
    this.#wait?.cancel()
    this.#close?.(reason)
  }

  async #try(verdict: Verdict, attempt: number, startedAt: number): Promise<CompensationError | undefined> {
    const { isUncertain } = verdict
    const base = { isUncertain, attempt, startedAt, endedAt: undefined, dueAt: undefined, error: undefined }
    const { clock } = this.#execution
    for (; ; base.attempt++) {
      await this.#show({ ...base, status: 'running' })
      const outcome = await this.#attempt(verdict, base.attempt)
      const at = clock.now()
      if (outcome.isUndone) {
        await this.#show({ ...base, status: 'undone', endedAt: at })
        this.#ended(at, 'undone', base.attempt, undefined)
        return undefined
      }
      const { error } = outcome
      const decision = decideRetry(this.#effect.spec, error, base.attempt, this.#execution)
      const { delayMs } = decision
      this.#emit(at, { type: 'undo.attempt-failed', attempt: base.attempt, error, delayMs })
      if (delayMs === undefined) return this.#fail(base, error, decision.policyError)
      await this.#show({ ...base, status: 'retrying', dueAt: at + delayMs, error })
      await this.#delay(delayMs)
    }
  }

  async #fail(view: Omit<UndoView, 'status'>, error: unknown, policyError: unknown): Promise<CompensationError> {
    const { attempt } = view
    const at = this.#execution.clock.now()
    await this.#show({ ...view, status: 'failed', endedAt: at, error })
    this.#ended(at, 'failed', attempt, error)
    return this.#errorOf(error, attempt, policyError)
  }

  #deathIn(attempt: number): LeaseLostError {
    const { place } = this.#execution
    const { name } = this.#effect.spec
    const message = `the process died during attempt ${attempt} to undo step "${name}"`
    return new LeaseLostError(message, { ...place, step: name, attempt })
  }

  #attempt(verdict: Verdict, attempt: number): Promise<UndoOutcome> {
    const { spec, stepIdempotencyKey } = this.#effect
    const execution = this.#execution
    const request = {
      ...verdict,
      spec,
      step: spec.name,
      inputs: this.#effect.inputs,
      reason: this.#reason,
      attempt,
      stepIdempotencyKey,
      idempotencyKey: digest(canonicalize([stepIdempotencyKey, 'undo'])),
      execution,
    }
    return new Promise((resolve) => {
      if (this.#isGivenUp) return
      const { context, emitter, item } = execution
      const begin = (): void => void (this.#close = UndoAttempt.begin(request, resolve))
      if (emitter === undefined) context.run(begin)
      else emitter.around(context, { step: spec.name, item, isUndo: true }, begin)
    })
  }

  /** Resolves after a while; never, where it is given up meanwhile. */
  #delay(ms: number): Promise<void> {
    const { clock } = this.#execution
    return new Promise((resolve) => {
      if (!this.#isGivenUp) this.#wait = fireAfter(clock, ms, resolve)
    })
  }

  /** Shows how far it is, once that is on record where it has to be. */
  async #show(view: UndoView): Promise<void> {
    if (this.#isGivenUp) await new Promise(() => {})
    this.#effect.view = view
    const { recorder, setup, item } = this.#execution
    if (recorder !== undefined) {
      const undoings = setup.undoings?.of(this.#effect.spec.name, item) ?? 0
      await recorder.noteUndo(this.#effect, view, { itemKey: setup.itemKey, undoings })
    }
    const { state, settled } = this.#execution
    // The loser of a race may be undone when its execution has ended.
    if (!compiledExecution.isFinal[state]!) changeTo(this.#execution, { type: 'PROGRESS', settled })
  }

  #errorOf(cause: unknown, attempts: number, policyError: unknown): CompensationError {
    const { place } = this.#execution
    const { name } = this.#effect.spec
    const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`
    const policy = policyError === undefined ? '' : ` (its own policy threw: ${describeThrown(policyError)})`
    const item = place.item === undefined ? '' : ` for item ${place.item}`
    return new CompensationError(
      `what step "${name}" did could not be undone${item} after ${tries}: ${describeThrown(cause)}${policy}`,
      { ...place, step: name, attempt: attempts },
      cause,
    )
  }

  #ended(at: number, status: 'undone' | 'failed', attempt: number, error: unknown): void {
    const durationMs = elapsedSince(this.#execution.clock, this.#beganAt, undefined, at)
    this.#emit(at, { type: 'undo.ended', status, attempt, durationMs, error })
  }

  #emit(at: number, event: UndoEventOf<Parameters<Emitter['undo']>[1]>): void {
    const { emitter, item } = this.#execution
    emitter?.undo(at, { ...event, step: this.#effect.spec.name, item })
  }
}

type UndoEventOf<Event> = Event extends { readonly step: string } ? Omit<Event, 'step' | 'item'> : never
