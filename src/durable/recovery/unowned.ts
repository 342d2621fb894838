import { append } from '../../core/append.ts'
import type { ExecutionCancelledError } from '../../core/errors.ts'
import { StoreError } from '../../core/errors.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { PostVerdict } from '../../core/contracts/message.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { passCancel } from '../context/intercepted-cancel.ts'
import { acquireOne } from '../context/acquire-one.ts'
import { deletedOnRequest } from '../ownership/deleted-on-request.ts'
import { hasCompleted } from '../records/known-outcome.ts'
import { childDeleted, endedMessage } from '../records/child-digest.ts'
import { haveRequests } from '../records/open-requests.ts'
import { EffectSearch } from '../records/undo-records.ts'
import { mayHaveChildren, openChildrenOf, parentHasEnded } from './child-cascade.ts'
import { closedRecords, isUnfinished } from '../records/unfinished-records.ts'
import { errorCodeOf } from '../records/error-code.ts'

/** Ends an execution that no process runs. @returns false if one does. @throws StoreError, LeaseLostError */
function cancelUnowned(context: DocketContext, id: string, error: ExecutionCancelledError): Promise<boolean> {
  const { connection, turns } = context
  return turns.inTurn(id, async () => {
    // A driver that repeats a call by itself may have made it this process's without a word: one that takes over nothing would never look.
    const acquired = await acquireOne(connection, id, { andOwn: !context.owned.has(id) })
    if (acquired === undefined) return false
    await connection.patiently(() => endUnowned(context, acquired.execution, 'cancelled', error))
    return true
  })
}

/**
 * Deletes an execution that no process runs. One that has something to undo is not deleted, but given up to be undone first; `undo` is called in turn
 * before; where it is `'never'`, nothing is undone. @returns false where a process runs it, or takes it at this moment, or it is not undone yet. @throws StoreError, LeaseLostError, and what
 * `undo` throws
 */
export function deleteUnowned(
  context: DocketContext,
  id: string,
  undo?: ((record: ExecutionRecord) => Promise<void>) | 'never',
): Promise<boolean> {
  const { connection, turns } = context
  return turns.inTurn(id, async () => {
    const acquired = await acquireOne(connection, id, { andEnded: true, andOwn: true })
    if (acquired === undefined) return false
    const { execution } = acquired
    const owned = context.owned.get(id)
    if (owned !== undefined) {
      // A function that does not listen to its signal may still run: what it brings is not wanted any more. And what is on
      // its way already must not meet an execution that is started anew under this id, and in this epoch.
      owned.lose()
      await context.change(execution, {})
    }
    if (undo !== 'never' && (await connection.patiently(() => mustUndo(context, execution)))) {
      if (undo === undefined) await context.change(execution, { isReleased: true })
      else await undo(execution)
      return false
    }
    return connection.patiently(async () => {
      if (!isTerminal(execution.status)) await cancelChildren(context, execution, deletedOnRequest(id, execution.graph))
      return deleteAcquired(context, execution)
    })
  })
}

/** Whether something is to be undone before an execution may be deleted. @throws StoreError */
export async function mustUndo(context: DocketContext, record: ExecutionRecord): Promise<boolean> {
  const { status } = record
  if (isTerminal(status)) return false
  return status === 'compensating' || (await leftOpen(context, record)).hasEffects
}

/**
 * Deletes an execution that this process has acquired and does not run. @returns false where the store refuses that, since it is somebody
 * else's by now. To be called in turn. @throws StoreError
 */
export async function deleteAcquired(context: DocketContext, record: ExecutionRecord): Promise<boolean> {
  const { id, owner, epoch } = record
  try {
    const parent = isTerminal(record.status) ? undefined : record.parent
    if (parent !== undefined) {
      const outgoing = [endedMessage(parent, record, context.clock.now(), childDeleted)]
      await context.change(record, undefined, { outgoing })
    }
    const [isDeleted] = await context.connection.writes.delete([{ id, owner: owner!, epoch }])
    // Where it is gone, an answer was lost.
    if (isDeleted === true || (await context.recordNow(id)) === undefined) return true
    // Somebody else's by now, or still this process's, that does not run it.
    context.turns.markUncertain()
    return false
  } finally {
    context.turns.deleted(record)
  }
}

/** Ends an execution that this process owns but does not run. @throws StoreError, LeaseLostError */
export async function endUnowned(
  context: DocketContext,
  record: ExecutionRecord,
  status: 'failed' | 'cancelled',
  error: Error,
  consumed?: readonly number[],
): Promise<void> {
  const stored = await context.connection.encoding.encodeError(error, ['execution', record.id, 'error'])
  const { open, hasEffects } = await leftOpen(context, record)
  const areUndone = await cancelChildren(context, record, error)
  const isCompensating = record.status === 'compensating'
  // It is undone by whichever process goes on with it; one that is undone already ends as it was to end.
  if (isCompensating && status === 'cancelled') return context.change(record, { isReleased: true }, { consumed })
  // It ends after its children, in whichever process goes on with it.
  if (!isCompensating && (hasEffects || !areUndone))
    return context.change(
      record,
      { status: 'compensating', error: stored, errorCode: errorCodeOf(error), recoveries: 0, isReleased: true },
      { consumed },
    )
  const endedAt = context.clock.now()
  const end = hasCompleted(record)
    ? { status: 'completed' as const }
    : { status, error: stored, errorCode: errorCodeOf(error) }
  const head = { ...end, endedAt, isReleased: true as const }
  await context.change(record, head, { consumed, steps: closedRecords(open, endedAt) })
}

/** Ends the children of an execution that no process runs: once it has ended, nobody would. @returns whether all have ended, and are undone */
async function cancelChildren(context: DocketContext, record: ExecutionRecord, cause: Error): Promise<boolean> {
  if (!mayHaveChildren(context, record)) return true
  const { id } = record
  for await (const child of openChildrenOf(context, id)) {
    const error = parentHasEnded(id, child.id, cause)
    if (child.status !== 'compensating') await cancelAnywhere(context, child.id, error)
  }
  for await (const _ of openChildrenOf(context, id)) return false
  return true
}

/** Ends an execution wherever it runs, unless it has ended. @returns whether there is one @throws StoreError, LeaseLostError */
export async function cancelAnywhere(
  context: DocketContext,
  id: string,
  error: ExecutionCancelledError,
  by: 'parent' | 'signal' = 'parent',
): Promise<boolean> {
  return passCancel(context, { executionId: id, reason: error, by }, () => cancelAnywhereNow(context, id, error))
}

async function cancelAnywhereNow(context: DocketContext, id: string, error: ExecutionCancelledError): Promise<boolean> {
  const here = context.owned.get(id)
  if (here === undefined) return cancelElsewhere(context, id, error, error)
  here.cancel(error)
  const departure = await here.departure
  // That it is cancelled was not written: it is to be ended wherever it is now.
  return departure.type === 'moved' ? cancelElsewhere(context, id, error, error) : true
}

/**
 * Ends an execution that this process does not run, unless it has ended; a process that has it gets a message, with the `reason`.
 * @returns whether there is one @throws StoreError, LeaseLostError
 */
export async function cancelElsewhere(
  context: DocketContext,
  id: string,
  error: ExecutionCancelledError,
  reason: unknown,
): Promise<boolean> {
  for (;;) {
    const record = await context.recordOf(id)
    if (record === undefined) return false
    if (isTerminal(record.status) || (await cancelUnowned(context, id, error))) return true
    // What has ended meanwhile, or is gone, is seen in the next round.
    if ((await postMessage(context, id, 'cancel', { reason })) === 'accepted') return true
  }
}

/** What an execution that is about to end leaves open. One whose records can't be read is ended all the same. */
async function leftOpen(
  context: DocketContext,
  { id }: ExecutionRecord,
): Promise<{ readonly open: readonly StepRecord[]; readonly hasEffects: boolean }> {
  const open: StepRecord[] = []
  const effects = new EffectSearch()
  try {
    await context.pagesOf(id)((steps) => {
      effects.take(steps)
      append(open, steps.filter(isUnfinished))
    })
    // Another service is to be notified, by whichever process goes on with it.
    const hasEffects = effects.hasFound || (await haveRequests(id, open, context.connection.encoding))
    return { open, hasEffects }
  } catch (error) {
    if (!(error instanceof StoreError) || error.isTransient) throw error
    return { open: [], hasEffects: false }
  }
}

/** Leaves a message for an execution's owner: the reason for a cancellation, or the items of a batch that are tried again. @returns what became of it @throws StoreError */
export async function postMessage(
  { connection, clock }: DocketContext,
  execution: string,
  kind: 'cancel' | 'retry' | 'delete',
  content: { readonly reason?: unknown; readonly items?: readonly string[] | undefined } = {},
): Promise<PostVerdict> {
  const { encoding } = connection
  const { reason, items } = content
  const identity = ['message', execution]
  const named = items && (await encoding.encode(items, identity))
  const payload = reason === undefined ? named : await encoding.encodeError(reason, identity)
  const of = { execution, id: connection.newMessageId(), class: 'control', kind } as const
  const message = { ...of, andEnded: kind !== 'cancel', payload, at: clock.now() }
  const [verdict] = await connection.post([message])
  return verdict!
}

/** Lets callers here whose signals are aborted end their executions, though these are parked. */
export function cancelForParkedCallers(context: DocketContext): void {
  context.parkedCallers.cancel = async (id, error) => {
    const onFailure = context.connection.failures.of(`cancelling execution "${id}", whose caller's signal was aborted`)
    return cancelAnywhere(context, id, error, 'signal').catch((failure: unknown) => {
      onFailure(failure)
      return false
    })
  }
}
