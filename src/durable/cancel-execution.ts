import { ExecutionCancelledError, LeaseLostError, StoreError } from '../core/errors.ts'
import { passCancel } from './context/intercepted-cancel.ts'
import type { DocketContext } from './context/docket-context.ts'
import { endUnknown, noSuchExecution } from './records/execution-info.ts'
import { cancelElsewhere } from './recovery/unowned.ts'

/** Ends an execution wherever it runs, once the interceptors have seen it. @throws ExecutionConflictError where there is none, LeaseLostError, StoreError */
export function cancelExecution(
  context: DocketContext,
  id: string,
  reason: unknown,
  by: 'call' | 'parent',
): Promise<void> {
  return passCancel(context, { executionId: id, reason, by }, () => cancelNow(context, id, reason))
}

/** The same, of what they have seen. */
export async function cancelNow(context: DocketContext, id: string, reason: unknown): Promise<void> {
  const options = reason === undefined ? undefined : { cause: reason }
  const error = new ExecutionCancelledError(`execution "${id}" was cancelled on request`, { executionId: id }, options)
  const elsewhere = async (): Promise<void> => {
    await context.connection.readyBy()
    if (!(await cancelElsewhere(context, id, error, reason))) throw noSuchExecution(id)
  }
  const running = context.owned.get(id)
  if (running === undefined) {
    await elsewhere()
    return
  }
  running.cancel(error)
  const departure = await running.departure
  if (departure.type !== 'moved') return
  // That it is cancelled was not written: it is to be ended wherever it is now.
  await orEndUnknown(id, departure.error instanceof LeaseLostError, elsewhere)
}

/** What the store says of an execution that was lost here: where it can't be reached, nobody knows how that one ends. */
export async function orEndUnknown<Answer>(id: string, isLost: boolean, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (cause) {
    throw isLost && cause instanceof StoreError ? endUnknown(id, cause) : cause
  }
}
