import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { ExecutionCancelledError } from '../core/errors.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import type { DocketContext } from './context/docket-context.ts'
import { batchOutputOf } from './records/batch-output.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { hasCompleted } from './records/known-outcome.ts'

/** The value that an execution with a known outcome has come to. Rejects with what it failed with. */
export async function outcomeOfRecord(context: DocketContext, record: ExecutionRecord): Promise<unknown> {
  const { id, status, output, error } = record
  const { connection } = context
  const { encoding } = connection
  if (status === 'completed' && record.kind === 'batch') {
    try {
      return await connection.patiently(() =>
        batchOutputOf(record, context.pagesOf(id), encoding, turnOf(context.clock)),
      )
    } catch (error) {
      // Deleted since its record was read, it is gone, not damaged.
      const now = await context.recordOf(id)
      throw now?.createdAt === record.createdAt && now.epoch === record.epoch ? error : noSuchExecution(id)
    }
  }
  if (hasCompleted(record))
    return output === undefined ? undefined : encoding.decode(output, ['execution', id, 'output'])
  if (error === undefined) throw new ExecutionCancelledError(`execution "${id}" is ${status}`, { executionId: id })
  throw await encoding.decodeError(error, ['execution', id, 'error'])
}
