import { ExecutionCancelledError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { onAbort } from '../../runtime/environment/on-abort.ts'
import type { DocketContext } from './docket-context.ts'
import { withResolvers } from '../../core/own-promise.ts'

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
  const onAborted = async (reject: (error: unknown) => void): Promise<void> => {
    const here = context.owned.get(id)
    if (here === undefined && (await endingOfParked(context, id, signal)) !== undefined) return
    if (here === undefined || here.signal === signal) {
      await here?.departure
      await sleep(context.clock, lastLookMs, { unref: true })
    }
    reject(waitEnded(id, signal.reason))
  }
  return untilAborted(signal, onAborted, work)
}

/**
 * Waits for an execution as a call does that is its caller: the signal that ends one that was parked ends the wait as soon as that is written, and
 * what the steps did is undone without it.
 */
export async function leftBySignal<Answer>(
  context: DocketContext,
  id: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Answer>,
): Promise<Answer> {
  if (signal === undefined) return work()
  const onAborted = async (reject: (error: unknown) => void): Promise<void> => {
    const error = await endingOfParked(context, id, signal)
    if (error !== undefined) reject(error)
  }
  return untilAborted(signal, onAborted, work)
}

async function endingOfParked(
  { parkedCallers }: DocketContext,
  id: string,
  signal: AbortSignal,
): Promise<ExecutionCancelledError | undefined> {
  // Its listener may be called after this one.
  await undefined
  return parkedCallers.endingBy(id, signal)
}

async function untilAborted<Answer>(
  signal: AbortSignal,
  onAborted: (reject: (error: unknown) => void) => Promise<void>,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const { promise: ended, reject } = withResolvers<never>()
  const listener = (): void => void onAborted(reject)
  const unlisten = signal.aborted ? undefined : onAbort(signal, listener)
  if (unlisten === undefined) listener()
  try {
    return await Promise.race([work(), ended])
  } finally {
    unlisten?.()
  }
}
