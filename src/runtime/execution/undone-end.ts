import type { ErrorPlace } from '../../core/docket-error.ts'
import type { EndTriggers } from '../environment/end-triggers.ts'
import { Compensation, withUndoErrors } from './compensation.ts'
import type { Compensated } from './compensation.ts'
import type { Effects } from './effects.ts'
import { reported } from './end-report.ts'
import type { ExecutionSetup } from './execution-setup.ts'
import type { BatchPart } from './part.ts'
import { changeTo, reportEnd } from './shown-end.ts'
import type { EndEvent, EndedExecution } from './shown-end.ts'

/** An execution that has ended, as far as its work goes. */
export interface UndoableExecution extends Compensated, Omit<EndedExecution, keyof Compensated> {
  readonly effects: Effects | undefined
  readonly place: ErrorPlace
  readonly part: BatchPart | undefined
  readonly setup: Compensated['setup'] & EndedExecution['setup'] & Pick<ExecutionSetup, 'onCallerLeft'>
  readonly options: Compensated['options'] & { readonly signal: AbortSignal | undefined }
  /** What may end its caller's wait. */
  readonly triggers: EndTriggers | undefined
}

/** The end of an execution whose steps have done what is to be undone: it is seen as ended once that is done. */
export class UndoneEnd {
  readonly #execution: UndoableExecution
  readonly #event: EndEvent
  readonly #error: unknown
  readonly #beganAt: number
  readonly #noted: Promise<void> | undefined
  #compensation: Compensation | undefined
  #isReported = false
  #isOver = false

  constructor(execution: UndoableExecution, event: EndEvent, error: unknown, beganAt: number) {
    this.#execution = execution
    this.#event = event
    this.#error = error
    this.#beganAt = beganAt
    const { options, part, emitter, context } = execution
    changeTo(execution, { type: 'COMPENSATE', error, at: event.at })
    if (part === undefined) emitter?.executionCompensating(event.at, error)
    // Before anything is undone it is on record why, where anything is: whoever goes on with it must not bring it to another end.
    const noted = (this.#noted = execution.recorder?.noteCompensating(error, execution.setup.itemKey))
    if (event.type === 'TIME_OUT' || options.signal?.aborted === true) this.reportNow()
    const undone = noted === undefined ? this.#undo() : noted.then(() => this.#undo())
    this.done = undone.then((errors) => context.run(() => this.#end(errors)))
  }

  /** Whether it is still undone here. */
  get isUnderWay(): boolean {
    return !this.#isOver
  }

  /** Resolves once all is undone, as far as it can be, and reported. */
  readonly done: Promise<void>

  /** The caller's own signal or time ends its wait; the undoing goes on. Of a durable execution the end itself is reported once it is written. */
  reportNow(): void {
    const { setup } = this.#execution
    if (this.#isReported) return
    if (this.#noted !== undefined) {
      void this.#noted.then(() => setup.onCallerLeft?.(this.#error))
      return
    }
    this.#isReported = true
    setup.onFailed(this.#error, reported)
  }

  /** Gives it up here: it goes on elsewhere. */
  release(event: EndEvent, error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#execution.triggers?.stop()
    this.#compensation?.giveUp(error)
    reportEnd(this.#execution, event, error, this.#beganAt)
  }

  #undo(): Compensation['done'] {
    // Given up meanwhile, it never ends here.
    if (this.#isOver) return new Promise(() => {})
    this.#compensation = new Compensation(this.#execution.plan, [this.#execution], () => this.#error)
    return this.#compensation.done
  }

  #end(errors: Awaited<Compensation['done']>): void {
    const { clock } = this.#execution
    if (this.#isOver) return
    this.#isOver = true
    this.#execution.triggers?.stop()
    withUndoErrors(this.#error, errors)
    reportEnd(this.#execution, { ...this.#event, at: clock.now() }, this.#error, this.#beganAt, this.#isReported)
  }
}

/** The end of an execution that has first to undo what its steps did; undefined where there is nothing to undo, or its batch does that. */
export function undoneEndOf(
  execution: UndoableExecution,
  event: EndEvent,
  error: unknown,
  beganAt: number,
): UndoneEnd | undefined {
  const { effects, part } = execution
  if (effects === undefined || event.type === 'SUCCEED' || event.type === 'RELEASE' || effects.areNone) return undefined
  return part?.undoLater() === true ? undefined : new UndoneEnd(execution, event, error, beganAt)
}
