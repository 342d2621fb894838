import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { MailPosition, Message } from '../../core/contracts/message.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { ExecutionCancelledError, StoreError } from '../../core/errors.ts'
import { moveIdentity } from '../../core/contracts/timer-message.ts'
import type { TimerMove } from '../../core/contracts/timer-message.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { deletedOnRequest } from '../ownership/deleted-on-request.ts'
import type { Departure, Owned } from '../ownership/owned.ts'
import type { ReadMove } from '../ownership/timer-mail.ts'
import { deleteAcquired, deleteUnowned, endUnowned, mustUndo } from './unowned.ts'

const messagesAtOnce = 1_000

/** Messages that the last owner of an execution left without effect. */
export interface UnreadMail {
  /** What is to become of it. */
  readonly control: readonly Message[]
  /** What its steps wait for. */
  readonly data: readonly Message[]
  /** Times that timers were given. */
  readonly moves: readonly ReadMove[]
}

/** Messages to executions that have just come to this process. All of them, however many there are. @throws StoreError */
export async function unreadMail(
  { connection }: DocketContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, UnreadMail>> {
  const found = new Map<string, { control: Message[]; data: Message[]; moves: ReadMove[] }>()
  if (ids.length === 0) return found
  const after = new Map<string, MailPosition>()
  const { store, session } = connection
  try {
    for (;;) {
      const request = { owner: session.owner, executions: ids, after, limit: messagesAtOnce }
      const portion = await store.readMail(request)
      for (const message of portion) {
        const { execution, seq } = message
        const known = found.get(execution) ?? { control: [], data: [], moves: [] }
        found.set(execution, known)
        known[message.class].push(message)
        const move = message.kind === 'reschedule' ? await readMove(connection.encoding, message) : undefined
        if (move !== undefined) known.moves.push(move)
        after.set(execution, { ...(after.get(execution) ?? { control: 0, data: 0 }), [message.class]: seq })
      }
      if (portion.length < messagesAtOnce) return found
    }
  } catch (error) {
    // What can't be read now is read later, and has its effect then.
    if (error instanceof StoreError && !error.isTransient) return new Map()
    throw error
  }
}

/** Undefined where it can't be read: whoever has the execution finds that. */
async function readMove(encoding: ValueEncoding, { execution, payload, seq }: Message): Promise<ReadMove | undefined> {
  try {
    if (payload === undefined) return undefined
    return { ...((await encoding.decode(payload, moveIdentity(execution))) as TimerMove), seq }
  } catch {
    return undefined
  }
}

/**
 * Ends an execution that has not begun again here, where a message says so: `none` does, it has `ended`, or it is somebody else's by now
 * (`outdated`), for whom the message is there still. @throws StoreError, LeaseLostError
 */
export async function endedByMail(
  context: DocketContext,
  record: ExecutionRecord,
  mail: readonly Message[] = [],
): Promise<'none' | 'ended' | 'outdated'> {
  const { id, graph } = record
  if (mail.some(({ kind }) => kind === 'delete')) {
    if (!(await mustUndo(context, record))) return (await deleteAcquired(context, record)) ? 'ended' : 'outdated'
    // The message stays: whoever undoes it finds it, and deletes it in the place of its end.
    if (record.status === 'compensating') return 'none'
    await endUnowned(context, record, 'cancelled', deletedOnRequest(id, graph))
    return 'ended'
  }
  const cancel = mail.find(({ kind }) => kind === 'cancel')
  if (cancel === undefined) return 'none'
  const error = cancelledOnRequest(id, graph)
  await addReason(context, id, error, cancel.payload)
  const seqs = mail.map(({ seq }) => seq)
  await endUnowned(context, record, 'cancelled', error, seqs)
  return 'ended'
}

/** A message to delete was left by its last owner: undone, it may have ended before that is read again. */
export function deleteOnceUndone(context: DocketContext, resumed: Owned): void {
  const { id, commits, departure } = resumed
  commits.deleteWithEnd()
  const onDeparted = async ({ type }: Departure): Promise<void> => {
    await resumed.rest
    if (commits.isDeleted) context.turns.deleted(commits)
    // It was to end otherwise, which is written.
    else if (type !== 'moved') await deleteUnowned(context, id)
  }
  departure.then(onDeparted).catch(context.connection.failures.of(`deleting execution "${id}", which is undone`))
}

export function cancelledOnRequest(executionId: string, graph: string): ExecutionCancelledError {
  return new ExecutionCancelledError(`execution "${executionId}" was cancelled on request`, { graph, executionId })
}

/** Gives the error the reason that came with the message. */
export async function addReason(
  { connection }: DocketContext,
  id: string,
  error: ExecutionCancelledError,
  reason: StoredValue | undefined,
): Promise<void> {
  try {
    if (reason !== undefined) error.cause = await connection.encoding.decodeError(reason, ['message', id])
  } catch {
    // Cancelled all the same; only the reason can't be read.
  }
}
