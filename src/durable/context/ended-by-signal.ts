import { ExecutionCancelledError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import type { DocketContext } from './docket-context.ts'

// For how long a call whose signal is aborted may still find out how the execution ended.
const lastLookMs = 1_000

/** What a caller gets whose own signal has ended its wait for an execution that does not follow that signal. */
function waitEnded(id: string, reason: unknown): ExecutionCancelledError {
  const message = `the wait for execution "${id}" was ended by the call's signal (${describeThrown(reason)}); the execution itself was not: docket.cancel(${JSON.stringify(id)}) does that`
  return new ExecutionCancelledError(message, { executionId: id }, { cause: reason })
}

/** @throws ExecutionCancelledError where the caller's signal is aborted */
export function requireNotAborted(id: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw waitEnded(id, signal.reason)
}

/**
 * Waits for no longer than the caller's signal allows. An execution that lives here and follows that signal ends by it, and the wait as
 * the execution does; one that the call only attached to is not touched.
 * @throws ExecutionCancelledError where the signal ends the wait, and what the work throws
 */
export function endedBySignal<Answer>(
  context: DocketContext,
  id: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Answer>,
): Promise<Answer> {
  // No turn of the microtask queue more than the work takes: a caller may stop at once what has begun.
  return signal === undefined ? work() : raced(context, id, signal, work)
}

async function raced<Answer>(
  context: DocketContext,
  id: string,
  signal: AbortSignal,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const onAbort = async (): Promise<void> => {
    const here = context.owned.get(id)
    if (here === undefined || here.signal === signal) {
      await here?.departure
      await sleep(context.clock, lastLookMs, { unref: true })
    }
    reject(waitEnded(id, signal.reason))
  }
  const listener = (): void => void onAbort()
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener, { once: true })
  try {
    return await Promise.race([work(), ended])
  } finally {
    signal.removeEventListener('abort', listener)
  }
}
