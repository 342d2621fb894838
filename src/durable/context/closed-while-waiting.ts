import { DocketClosedError } from '../../core/errors.ts'

/** What a caller gets that waits for an execution when the docket is closed. */
export function closedWhileWaiting({ id, graph }: { readonly id: string; readonly graph?: string }): DocketClosedError {
  return new DocketClosedError(
    `this docket was closed before execution "${id}" had ended; it has not failed: it goes on in another process that has its graph, or in the next one. Get its result there with docket.get(${JSON.stringify(id)}), or by the same call with the same id`,
    { executionId: id, graph },
  )
}
