import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { CallerOptions } from './start-options.ts'

/** What is kept of a caller whose execution is parked. */
interface ParkedCaller {
  readonly options: CallerOptions
  readonly context: AsyncContext
  readonly unlisten: () => void
}

/**
 * Callers of this process whose executions are parked, as far as they have something that follows these: a signal, observers, a logger. Goes the
 * execution on here, it has them again, and their async context. Of others nothing is kept.
 */
export class ParkedCallers {
  readonly #callers = new Map<string, ParkedCaller>()
  /** Ends an execution whose caller's signal is aborted while it is parked. */
  cancel: (id: string, reason: unknown) => void = () => {}

  /** Keeps what a caller has, with its async context. */
  keep(id: string, { signal, observers = [], logger }: CallerOptions, context: AsyncContext): void {
    if (signal === undefined && observers.length === 0 && logger === undefined) return
    const onAbort = (): void => {
      this.delete(id)
      this.cancel(id, signal!.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const unlisten = (): void => signal?.removeEventListener('abort', onAbort)
    this.#callers.set(id, { options: { signal, observers, logger }, context, unlisten })
  }

  /** Gives what is kept, if something is, once. */
  take(id: string): Pick<ParkedCaller, 'options' | 'context'> | undefined {
    const caller = this.#callers.get(id)
    this.delete(id)
    return caller
  }

  /** The execution has ended elsewhere, or is gone. */
  delete(id: string): void {
    this.#callers.get(id)?.unlisten()
    this.#callers.delete(id)
  }

  /** The docket is closed. */
  clear(): void {
    for (const id of this.#callers.keys()) this.delete(id)
  }
}
