import { DocketClosedError } from '../../core/errors.ts'

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
