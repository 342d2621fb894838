import type { Snapshot } from 'xstate'
import type { AcquiredExecution, HeadChange } from '../core/contracts/execution-record.ts'
import { ExecutionCancelledError, ExecutionConflictError, LeaseLostError, OptionError } from '../core/errors.ts'
import type { DocketContext } from './context/docket-context.ts'
import { acquireOne } from './context/acquire-one.ts'
import { hasEndedError } from './ownership/detached-snapshot.ts'
import { hasOutcome } from './records/known-outcome.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { detachedError, detachedHash } from './records/graph-hash.ts'
import { underPresentNames } from './records/present-names.ts'
import { closedRecords } from './records/unfinished-records.ts'
import { executionFromRecords } from './recovery/execution-from-records.ts'
import { openChildrenOf } from './recovery/child-cascade.ts'
import { causeOf } from './recovery/resume.ts'
import { unreadMail } from './recovery/unread-mail.ts'
import { errorCodeOf } from './records/error-code.ts'

/** Takes an execution out of its docket: gives up the lease for good, and gives a snapshot to go on from. */
export async function detachExecution(context: DocketContext, id: string): Promise<Snapshot<unknown>> {
  const { connection, clock, turns } = context
  context.requireOpen()
  await connection.readyBy()
  const error = detachedError({ id, graphHash: detachedHash })
  const head = {
    // Of the statuses that no docket goes on with, the one that blames nobody; the hash distinguishes it from others.
    status: 'cancelled',
    error: await connection.encoding.encodeError(error, ['execution', id, 'error']),
    errorCode: errorCodeOf(error),
    graphHash: detachedHash,
    endedAt: clock.now(),
  } as const
  const requireFree = (): Promise<void> => requireNoOpenChild(context, id)
  await requireFree()
  const owned = context.owned.get(id)
  if (owned !== undefined) {
    if (owned.detach === undefined) throw batchError(id)
    const reason = new ExecutionCancelledError(error.message, { graph: owned.graph, executionId: id })
    try {
      return await owned.detach({ cause: 'detach', reason, head }, requireFree)
    } catch (refusal) {
      // It was just being parked: it is nobody's now, or somebody else's.
      if (!(refusal instanceof LeaseLostError)) throw refusal
    }
  }
  return turns.inTurn(id, async () => {
    // A driver that repeats a call by itself may have made it this process's without a word.
    const acquired = await acquireOne(connection, id, { andOwn: !context.owned.has(id) })
    if (acquired === undefined) throw await notFreeError(context, id)
    try {
      // Whoever ran it before may have begun one meanwhile.
      await requireFree()
      return await detachAcquired(context, acquired, head)
    } catch (error) {
      context
        .change(acquired.execution, { isReleased: true })
        .catch(connection.failures.of(`releasing execution "${id}"`))
      throw error
    }
  })
}

/** Of one that nobody runs, the snapshot is made of its records. */
async function detachAcquired(
  context: DocketContext,
  acquired: AcquiredExecution,
  head: HeadChange,
): Promise<Snapshot<unknown>> {
  const { execution: record } = acquired
  const { id } = record
  if (record.kind === 'batch') throw batchError(id)
  const graph = context.graphOf(record)
  if (graph === undefined) throw new OptionError(`detach: this docket does not know graph "${record.graph}" of "${id}"`)
  const steps = await context.stepsOf(id)
  const { encoding } = context.connection
  const present = await underPresentNames({ record, steps }, graph, encoding, context.clock)
  const found = await executionFromRecords(context, present, graph, causeOf(acquired))
  if ('reasons' in found)
    throw new ExecutionConflictError(`execution "${id}" can't be detached here: ${found.reasons.join('; ')}`, {
      executionId: id,
    })
  const mail = (await unreadMail(context, [id])).get(id)
  const snapshot = found.own(record, undefined, mail?.data).detachedSnapshot!()
  await context.change(record, { ...head, isReleased: true }, { steps: closedRecords(steps, context.clock.now()) })
  return snapshot
}

/** Children stay in the docket, and the actor that goes on from the snapshot would do their work beside them. @throws ExecutionConflictError */
async function requireNoOpenChild(context: DocketContext, id: string): Promise<void> {
  for await (const child of openChildrenOf(context, id))
    throw new ExecutionConflictError(
      `execution "${id}" can't be detached before its child "${child.id}" has ended: cancel it, or wait for it`,
      { executionId: id },
    )
}

async function notFreeError(context: DocketContext, id: string): Promise<ExecutionConflictError> {
  const record = await context.recordOf(id)
  if (record === undefined) return noSuchExecution(id)
  if (hasOutcome(record)) return hasEndedError(id)
  return new ExecutionConflictError(`execution "${id}" runs in another process (${record.owner}); detach it there`, {
    executionId: id,
  })
}

function batchError(id: string): OptionError {
  return new OptionError(`detach: "${id}" is a batch; only an execution can be detached`, { executionId: id })
}
