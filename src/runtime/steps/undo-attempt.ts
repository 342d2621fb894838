import type { InterceptorChain } from '../../core/contracts/interceptor.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import { StepTimeoutError } from '../../core/errors.ts'
import type { CompensateSpec } from '../../core/graph/graph-index.ts'
import type { CompensateContext } from '../../core/language/compensation.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import { lateNext } from './intercepted-step.ts'
import type { WorkPlace } from './step-work.ts'

/** What an attempt to undo a step is given. */
export interface UndoRequest {
  readonly spec: CompensateSpec
  readonly step: string
  readonly output: unknown
  readonly inputs: Record<string, unknown>
  readonly isUncertain: boolean
  readonly reason: unknown
  readonly attempt: number
  /** That of the step's own attempts. */
  readonly stepIdempotencyKey: string
  readonly idempotencyKey: string
  readonly execution: WorkPlace
}

/** What came of an attempt to undo a step. */
export type UndoOutcome = { readonly isUndone: true } | { readonly isUndone: false; readonly error: unknown }

/** One try to undo what a step did, and the context that its `compensate` gets. What comes after it was closed changes nothing. */
export class UndoAttempt implements CompensateContext {
  readonly #request: UndoRequest
  readonly #onEnded: (outcome: UndoOutcome) => void
  readonly #controller = new AbortController()
  #timer: Timer | undefined
  #isOpen = true
  #log: Logger | undefined
  /** Where an interceptor has changed them. */
  #headers: Readonly<Record<string, string>> | undefined

  constructor(request: UndoRequest, onEnded: (outcome: UndoOutcome) => void) {
    this.#request = request
    this.#onEnded = onEnded
  }

  get inputs(): Record<string, unknown> {
    return this.#request.inputs
  }

  get isUncertain(): boolean {
    return this.#request.isUncertain
  }

  get reason(): unknown {
    return this.#request.reason
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get attempt(): number {
    return this.#request.attempt
  }

  get executionId(): string {
    return this.#request.execution.id
  }

  get stepName(): string {
    return this.#request.step
  }

  get item(): number | undefined {
    return this.#request.execution.item
  }

  get idempotencyKey(): string {
    return this.#request.idempotencyKey
  }

  get stepIdempotencyKey(): string {
    return this.#request.stepIdempotencyKey
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#headers ?? this.#request.execution.options.headers
  }

  get app(): unknown {
    return this.#request.execution.options.app
  }

  get log(): Logger {
    return (this.#log ??= this.#request.execution.options.logger.child({
      executionId: this.executionId,
      step: this.stepName,
      undo: this.attempt,
    }))
  }

  /** Begins an attempt; gives what ends it from outside, for a reason. */
  static begin(request: UndoRequest, onEnded: (outcome: UndoOutcome) => void): (reason: unknown) => void {
    const attempt = new UndoAttempt(request, onEnded)
    void attempt.#run()
    return (reason) => attempt.#close(reason)
  }

  async #run(): Promise<void> {
    const { spec, output } = this.#request
    this.#armTimeout()
    try {
      const chain = this.#request.execution.options.interceptors?.compensate
      await (chain === undefined ? spec.run(output, this) : this.#runBy(chain))
      this.#end({ isUndone: true })
    } catch (error) {
      this.#end({ isUndone: false, error })
    }
  }

  async #runBy(chain: InterceptorChain<'compensate'>): Promise<unknown> {
    const { spec, output, reason, execution } = this.#request
    const { executionId, stepName: step, item, attempt, inputs, isUncertain, headers, app } = this
    const graph = execution.place.graph!
    const call = { executionId, graph, step, item, attempt, output, inputs, isUncertain, reason, headers, app }
    return chain(call, async (passed) => {
      this.#headers = passed.headers
      // An interceptor that has taken its time begins nothing any more.
      if (!this.#isOpen) throw this.signal.aborted ? this.signal.reason : lateNext('compensate', this)
      return spec.run(output, this)
    })
  }

  #armTimeout(): void {
    const { spec, step, attempt, execution } = this.#request
    const { timeoutMs } = spec
    if (timeoutMs === undefined) return
    const timeOut = (): void => {
      const error = new StepTimeoutError(timeoutMs, { ...execution.place, step, attempt }, 'the compensation of step')
      this.#end({ isUndone: false, error })
      this.#controller.abort(error)
    }
    this.#timer = fireAfter(execution.clock, timeoutMs, () => execution.context.run(timeOut))
  }

  #end(outcome: UndoOutcome): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#timer?.cancel()
    this.#onEnded(outcome)
  }

  #close(reason: unknown): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#timer?.cancel()
    this.#controller.abort(reason)
  }
}
