import type { FullClock } from './clock.ts'
import { timeLimitOf } from './time-limit.ts'
import type { TimeBounds, TimeLimit } from './time-limit.ts'

/** What an execution or a batch does when it is ended from outside. */
export interface EndedFromOutside {
  /** The caller's signal is aborted. */
  onAbort(reason: unknown): void
  /** Its time is over. */
  onTimeOut(limit: TimeLimit): void
}

/** What may end an execution or a batch from outside: its caller's signal, and its time. */
export class EndTriggers {
  readonly #target: EndedFromOutside
  readonly #signal: AbortSignal | undefined
  readonly #limit: TimeLimit | undefined
  readonly #onAbort = (): void => this.#target.onAbort(this.#signal!.reason)

  constructor(target: EndedFromOutside, signal: AbortSignal | undefined, limit: TimeLimit | undefined) {
    this.#target = target
    this.#signal = signal
    this.#limit = limit
  }

  /** Whether one of them has come, though its timer or listener may not have been called yet. */
  get haveCome(): boolean {
    return this.#signal?.aborted === true || this.#limit?.hasPassed === true
  }

  /** Ends the target at once where one of them has come before, else as soon as one comes. */
  start(): void {
    const signal = this.#signal
    const limit = this.#limit
    if (signal?.aborted === true) {
      this.#onAbort()
      return
    }
    if (limit?.hasPassed === true) {
      this.#target.onTimeOut(limit)
      return
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    limit?.start(() => this.#target.onTimeOut(limit))
  }

  /** Ends the target if its time is over: work that leaves timers no turn looks for itself. */
  checkTime(): void {
    if (this.#limit?.hasPassed === true) this.#target.onTimeOut(this.#limit)
  }

  /** Nothing but waits is open: a timeout does not count that. */
  rest(): void {
    this.#limit?.rest()
  }

  goOn(): void {
    this.#limit?.goOn()
  }

  stop(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#limit?.stop()
  }
}

/** What may end what begins now; undefined where nothing can. */
export function endTriggersOf(
  target: EndedFromOutside,
  options: TimeBounds & { readonly signal: AbortSignal | undefined },
  clock: FullClock,
): EndTriggers | undefined {
  const limit = timeLimitOf(options, clock)
  return options.signal === undefined && limit === undefined
    ? undefined
    : new EndTriggers(target, options.signal, limit)
}
