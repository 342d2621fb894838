import { StepTimeoutError } from '../../core/errors.ts'
import type { Tries } from '../../core/graph/graph-index.ts'
import type { DurableCall } from '../../core/graph/durable-context.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import { isRecord } from '../../core/is-record.ts'
import { AsyncContext } from '../environment/async-context.ts'
import { fireAfter, fireAt } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import type { Checkpoint } from './checkpoints.ts'
import { decideRetry } from './retry-decision.ts'
import type { WorkPlace } from './step-work.ts'
import type { Verb, VerbWork } from './verb.ts'

/** Counts functions that are under way, whether somebody waits for them or not. */
export interface CallCounter {
  callBegan(): void
  callEnded(): void
}

/** A function that is called by a durable one, and how it is tried. */
export interface CallRequest {
  readonly run: (call: DurableCall) => unknown
  readonly work: CallCounter
  readonly tries: Tries & { readonly name: string }
  readonly timeoutMs: number | undefined
  readonly step: string
  readonly execution: WorkPlace
  readonly idempotencyKey: () => string
}

/** What has to be known of a call to go on with it elsewhere. */
interface Progress {
  /** Attempts that have failed. */
  readonly failed: number
  readonly details: unknown
}

/** Calls a function until it succeeds, or no further attempt is due. */
export class FunctionCall implements VerbWork {
  readonly #verb: Verb
  readonly #request: CallRequest
  #progress: Progress
  #attempt: CallAttempt | undefined
  #wait: Timer | undefined
  /** That of the call: further attempts see what the first one did. */
  readonly #context: AsyncContext

  constructor(verb: Verb, request: CallRequest, known: Checkpoint | undefined) {
    this.#verb = verb
    this.#request = request
    this.#context = request.tries.maxAttempts > 1 ? new AsyncContext() : request.execution.context
    this.#progress = isRecord(known?.value) ? (known.value as unknown as Progress) : { failed: 0, details: undefined }
    const dueAt = known?.dueAt
    if (dueAt !== undefined && dueAt > request.execution.clock.now()) this.#waitUntil(dueAt, true)
    else this.#try()
  }

  stop(reason: unknown): void {
    this.#wait?.cancel()
    this.#attempt?.close(reason)
  }

  #try(): void {
    const isHeld = this.#request.execution.setup.checkpoints?.mayBegin?.() ?? true
    if (isHeld === true) this.#call()
    else if (isHeld !== false) void isHeld.then((isStillHeld) => isStillHeld && this.#isOpen && this.#call())
  }

  #call(): void {
    const { failed, details } = this.#progress
    const attempt = new CallAttempt(this.#request, failed + 1, details, {
      succeeded: (value) => this.#verb.succeed(value, this.#now),
      failed: (error) => this.#failed(error),
      heartbeat: (news) => {
        this.#progress = { ...this.#progress, details: news }
        this.#verb.note(this.#progress)
      },
    })
    this.#attempt = attempt
    attempt.begin()
  }

  #failed(error: unknown): void {
    const { tries, execution } = this.#request
    const { delayMs, isRepeated } = decideRetry(tries, error, this.#progress.failed + 1, execution, true)
    if (delayMs === undefined) {
      this.#verb.fail(error, this.#now)
      return
    }
    if (!isRepeated) this.#progress = { ...this.#progress, failed: this.#progress.failed + 1 }
    // In a turn of its own: there may be attempts without end.
    if (delayMs === 0) execution.clock.setImmediate(() => this.#context.run(() => this.#tryAgain()))
    else this.#waitUntil(this.#now + delayMs, false)
  }

  #waitUntil(dueAt: number, isKnown: boolean): void {
    const { clock } = this.#request.execution
    this.#verb.waits(dueAt, this.#progress, isKnown)
    this.#wait = fireAt(clock, dueAt, () => this.#context.run(() => this.#verb.goesOn(() => this.#tryAgain())))
  }

  #tryAgain(): void {
    if (this.#isOpen) this.#try()
  }

  get #isOpen(): boolean {
    return !this.#verb.isOver && !this.#request.execution.isOver
  }

  get #now(): number {
    return this.#request.execution.clock.now()
  }
}

/** Where the outcome of an attempt goes. */
interface CallListener {
  succeeded(value: unknown): void
  failed(error: unknown): void
  heartbeat(details: unknown): void
}

/** One try of a call, and what its function gets. */
class CallAttempt implements DurableCall {
  readonly attempt: number
  readonly lastHeartbeat: unknown
  readonly #request: CallRequest
  readonly #listener: CallListener
  #isOpen = true
  #timer: Timer | undefined
  #rests: (() => void) | undefined
  #controller: AbortController | undefined
  #abort: { readonly reason: unknown } | undefined
  #log: Logger | undefined

  constructor(request: CallRequest, attempt: number, lastHeartbeat: unknown, listener: CallListener) {
    this.#request = request
    this.attempt = attempt
    this.lastHeartbeat = lastHeartbeat
    this.#listener = listener
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abort !== undefined) this.#controller.abort(this.#abort.reason)
    }
    return this.#controller.signal
  }

  get idempotencyKey(): string {
    return this.#request.idempotencyKey()
  }

  get log(): Logger {
    const { execution, step, tries } = this.#request
    return (this.#log ??= execution.options.logger.child({
      executionId: execution.id,
      step,
      call: tries.name,
      attempt: this.attempt,
    }))
  }

  // A property, so that it can be taken out of the context, as all else there.
  readonly heartbeat = (details?: unknown): void => {
    if (this.#isOpen) this.#listener.heartbeat(details)
  }

  begin(): void {
    const { run, timeoutMs } = this.#request
    const began = timeoutMs === undefined ? 0 : this.#request.execution.clock.elapsed()
    let returned: unknown
    try {
      returned = run(this)
    } catch (thrown) {
      this.#end()
      this.#listener.failed(thrown)
      return
    }
    // Only what is asynchronous can be timed out: nothing else lets a timer fire.
    if (timeoutMs !== undefined) this.#arm(timeoutMs, began)
    const { work, execution, step, tries } = this.#request
    work.callBegan()
    this.#rests = execution.clock.functionBegan?.(`"${tries.name}" of step "${step}" of execution "${execution.id}"`)
    Promise.resolve(returned).then(
      (value) => {
        work.callEnded()
        if (!this.#isOpen) return
        this.#end()
        this.#listener.succeeded(value)
      },
      (thrown: unknown) => {
        work.callEnded()
        if (!this.#isOpen) return
        this.#end()
        this.#listener.failed(thrown)
      },
    )
  }

  close(reason: unknown): void {
    if (!this.#isOpen) return
    this.#end()
    this.#abortWith(reason)
  }

  #arm(timeoutMs: number, began: number): void {
    const { execution, step, tries } = this.#request
    const { clock, context, place } = execution
    const timeOut = (): void => {
      if (!this.#isOpen) return
      const error = new StepTimeoutError(
        timeoutMs,
        { ...place, step, attempt: this.attempt },
        `"${tries.name}" of step`,
      )
      this.#end()
      this.#abortWith(error)
      this.#listener.failed(error)
    }
    this.#timer = fireAfter(clock, Math.max(0, began + timeoutMs - clock.elapsed()), () => context.run(timeOut))
  }

  #end(): void {
    this.#isOpen = false
    this.#timer?.cancel()
    this.#rests?.()
  }

  #abortWith(reason: unknown): void {
    this.#abort = { reason }
    this.#controller?.abort(reason)
  }
}
