import { DocketClosedError, StoreError } from '../../core/errors.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { turnOf } from '../../runtime/environment/turn.ts'

/** What a caller gets that waits for an execution when the docket is closed. `misfit`: why it can't go on here, if that is known. */
export function closedWhileWaiting(
  { id, graph }: { readonly id: string; readonly graph?: string },
  misfit?: readonly string[],
): DocketClosedError {
  const where =
    misfit === undefined
      ? 'it goes on in another process that has its graph, or in the next one'
      : `it can't go on in this process (${misfit.join('; ')}), but in one with the version of its graph that it fits, once there is one`
  return new DocketClosedError(
    `this docket was closed before execution "${id}" had ended; it has not failed: ${where}. Get its result there with docket.get(${JSON.stringify(id)}), or by the same call with the same id`,
    { executionId: id, graph },
  )
}

/**
 * Gives what a call comes to. Where the docket is closed on the way, it fails with that, and not with what the closed store says; `what` names
 * the call.
 * @throws DocketClosedError, and what the call throws
 */
export async function orClosed<Answer>(
  { connection, hostClock }: { readonly connection: { readonly isClosed: boolean }; readonly hostClock: FullClock },
  what: string,
  executionId: string | undefined,
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    const answer = await work()
    // A store in this process may answer at once: a loop over such answers would never leave the microtask queue.
    const turn = turnOf(hostClock)
    if (turn.mustYield()) await turn.next()
    return answer
  } catch (error) {
    if (error instanceof DocketClosedError && error.executionId === undefined)
      throw new DocketClosedError(error.message, { executionId }, { cause: error.cause })
    if (!(error instanceof StoreError && connection.isClosed)) throw error
    const of = executionId === undefined ? '' : ` of execution ${JSON.stringify(executionId)}`
    const message = `this docket was closed during ${what}${of}: what came of it is not known; call it again on another docket`
    throw new DocketClosedError(message, { executionId }, { cause: error })
  }
}
