import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import { onAbort } from '../../runtime/environment/on-abort.ts'
import { abortError } from '../../runtime/execution/end-reason.ts'
import type { ExecutionCancelledError } from '../../core/errors.ts'
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
  /** The async contexts of those that wait for what they have begun. */
  readonly #waiting = new Map<string, Set<AsyncContext>>()
  readonly #endings = new WeakMap<AbortSignal, Map<string, Promise<ExecutionCancelledError | undefined>>>()
  /** Ends an execution whose caller's signal is aborted while it is parked. Never rejects. @returns whether that is written */
  cancel: (id: string, error: ExecutionCancelledError) => Promise<boolean> = () => Promise.resolve(false)

  /** Keeps what a caller has, with its async context. */
  keep(
    { id, graph }: { readonly id: string; readonly graph: string },
    { signal, observers = [], logger }: CallerOptions,
    context: AsyncContext,
  ): void {
    if (signal === undefined && observers.length === 0 && logger === undefined) return
    const onAborted = (): void => {
      this.delete(id)
      this.#end(id, signal!, abortError(signal!.reason, { executionId: id, graph }))
    }
    // It came while the answer that parks it was on its way: a listener would wait for ever.
    if (signal?.aborted === true) return onAborted()
    const unlisten = signal === undefined ? (): void => {} : onAbort(signal, onAborted)
    this.#callers.set(id, { options: { signal, observers, logger }, context, unlisten })
  }

  /**
   * What an execution ends with that was parked when this signal, of its caller, was aborted: as soon as that is written; nothing comes where it could
   * not be written. Undefined for every other execution.
   */
  endingBy(id: string, signal: AbortSignal | undefined): Promise<ExecutionCancelledError | undefined> | undefined {
    return signal && this.#endings.get(signal)?.get(id)
  }

  #end(id: string, signal: AbortSignal, error: ExecutionCancelledError): void {
    const endings = this.#endings.get(signal) ?? new Map<string, Promise<ExecutionCancelledError | undefined>>()
    this.#endings.set(signal, endings)
    const ending = this.cancel(id, error).then((isWritten) => {
      if (isWritten) return error
      endings.delete(id)
      return undefined
    })
    endings.set(id, ending)
  }

  /** Whoever has begun an execution waits for it here, until the returned function is called: it goes on here in that async context, if nothing more is kept. */
  waits(id: string, context: AsyncContext): () => void {
    const contexts = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, contexts.add(context))
    return () => {
      if (contexts.delete(context) && contexts.size === 0) this.#waiting.delete(id)
    }
  }

  /** Gives what is kept, if something is, once. */
  take(id: string): Pick<ParkedCaller, 'options' | 'context'> | undefined {
    const caller = this.#callers.get(id)
    this.delete(id)
    if (caller !== undefined) return caller
    const [context] = this.#waiting.get(id) ?? []
    return context && { options: {}, context }
  }

  /** The execution has ended elsewhere, or is gone. */
  delete(id: string): void {
    this.#callers.get(id)?.unlisten()
    this.#callers.delete(id)
  }

  /** Ids of some of those that are kept, of others each time: nobody may hear that they have ended. */
  some(most: number): readonly string[] {
    const ids: string[] = []
    for (const [id, caller] of this.#callers) {
      if (ids.length === Math.min(most, this.#callers.size)) break
      ids.push(id)
      // At the end, until the others have had their turn.
      this.#callers.delete(id)
      this.#callers.set(id, caller)
    }
    return ids
  }

  /** The docket is closed. */
  clear(): void {
    for (const id of this.#callers.keys()) this.delete(id)
  }
}
