import type { ExecutionRecord, HeadChange } from '../../core/contracts/execution-record.ts'
import type { ListedMessage } from '../../core/contracts/message.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import { ExecutionConflictError } from '../../core/errors.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import { acquireOne } from '../context/acquire-one.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { noSuchExecution } from '../records/execution-info.ts'
import { errorCodeOf } from '../records/error-code.ts'
import { isArriving, isDetached, leavingHash, movedHash, movingHash } from '../records/graph-hash.ts'
import { writtenItemsOf } from '../records/batch-items.ts'
import { messageIdentity } from '../records/message-identity.ts'
import { headOfBatch } from '../records/batch-head.ts'
import type { StepPages } from '../records/step-pages.ts'
import { retryRequestMs } from '../recovery/reopen.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { closedRecords } from '../records/unfinished-records.ts'
import { carriedReceipts } from './carried-receipts.ts'
import { checkpointValues, executionValues, stepValues, valuesIn } from './execution-parts.ts'
import type { ExecutionParts, ValueField } from './execution-parts.ts'
import { portable, storedOf } from './portable-value.ts'
import { readParts } from './read-parts.ts'
import { unreadMessages, wholeMessages } from './unread-messages.ts'
import { openParts, writeParts } from './write-parts.ts'
import type { PartsWriter } from './write-parts.ts'

/** `moved`: it goes on in the other store, and nowhere else. `copied`: it had ended, and is in both. */
export type MoveVerdict = 'moved' | 'copied'

/** What became of one of the executions that were to be moved. */
export interface MoveOutcome {
  /** The execution's id. */
  readonly id: string
  /** Absent where it stayed. */
  readonly verdict?: MoveVerdict
  /** Why it stayed. */
  readonly error?: unknown
}

/** Moves executions one after the other; what one comes to is no matter to the others. */
export async function moveEach(
  from: DocketContext,
  to: DocketContext,
  ids: readonly string[],
): Promise<readonly MoveOutcome[]> {
  const outcomes: MoveOutcome[] = []
  for (const id of ids)
    outcomes.push(
      await moveExecution(from, to, id).then(
        (verdict) => ({ id, verdict }),
        (error: unknown) => ({ id, error }),
      ),
    )
  return outcomes
}

/**
 * Takes an execution to another store. One that has not ended is detached here before anybody may go on with it there, so that there is never a moment in which two do: a process that dies on the way leaves it here, or, once it is detached, whole and
 * closed in the other store, where the same call opens it.
 * @throws ExecutionConflictError where it is not there, runs, is a part of a family, or where its id is taken in the other store; SerializationError, StoreError
 */
async function moveExecution(from: DocketContext, to: DocketContext, id: string): Promise<MoveVerdict> {
  for (const context of [from, to]) {
    context.requireOpen()
    await context.connection.readyBy()
  }
  // Nothing else of it begins in either process meanwhile; two that move it to each other don't wait for each other.
  const [first, second] = [from, to].toSorted((one, other) => orderOf(one) - orderOf(other))
  return first!.turns.inTurn(id, () =>
    second!.turns.inTurn(id, async () => {
      // A driver that repeats a call by itself may have made it this process's without a word.
      const isRun = from.owned.has(id)
      const acquired = isRun ? undefined : await acquireOne(from.connection, id, { andEnded: true, andOwn: true })
      if (acquired === undefined) throw await notFree(from, id)
      const { execution } = acquired
      let left: HeadChange = { isReleased: true }
      try {
        const verdict = await moveAcquired(from, to, execution)
        // It was not whole, if anybody has looked at it there.
        to.incompatible.delete(id)
        to.lookSoon()
        if (verdict === 'moved') left = { graphHash: movedHash, isReleased: true }
        return verdict
      } finally {
        // Given back where it still is this process's.
        await from.change(execution, left).catch(() => {})
      }
    }),
  )
}

const orders = new WeakMap<DocketContext, number>()
let dockets = 0

/** In which order the turns of two dockets are taken: always the same one. Their owners change with each lease that is lost. */
function orderOf(context: DocketContext): number {
  const order = orders.get(context) ?? ++dockets
  orders.set(context, order)
  return order
}

async function moveAcquired(from: DocketContext, to: DocketContext, execution: ExecutionRecord): Promise<MoveVerdict> {
  const { id } = execution
  const there = (await to.recordOf(id)) as ExecutionRecord | undefined
  const isBegun = there !== undefined && isArriving(there)
  if (isDetached(execution)) {
    // A call before this one came so far, or to its end.
    if (!isBegun && there !== undefined && isSame(execution, there)) return 'moved'
    if (!isBegun) throw conflict(id, 'it was taken out of its docket, and is not in the other store')
    const again = await acquireOne(to.connection, id, { andEnded: true, andOwn: true })
    if (again === undefined) throw conflict(id, beingMoved)
    const { graphHash, epoch } = again.execution
    await forwardMail(from, to, execution)
    await openParts({ ...writerOf(to), epoch }, { ...again.execution, graphHash: graphHash.slice(movingHash.length) })
    return 'moved'
  }
  const isOpen = !isTerminal(execution.status)
  if (there !== undefined && !isBegun) {
    const { status, endedAt } = there
    if (!isOpen && isSame(execution, there) && status === execution.status && endedAt === execution.endedAt)
      return 'copied'
    throw conflict(id, 'the other store has one of this id, which is not as this one is: delete it there first')
  }
  await requireUndisturbed(from, execution)
  if (isOpen) await requireAlone(from, execution)
  const parts = await readParts(from, execution)
  if (isOpen) await requireWritten(from, parts)
  if (isBegun) await deleteBegun(to, id)
  const writer = writerOf(to)
  const receipts = await carriedReceipts(from.connection.store, to.connection.store, id)
  const copy = { ...(await partsFor(parts, from, to)), receipts }
  await writeParts(writer, copy, `${movingHash}${execution.graphHash}`)
  if (isOpen) {
    const last = await forwardMail(from, to, execution)
    const now = from.clock.now()
    const message = `execution "${id}" was moved to another store (${to.connection.store.name}), and goes on there`
    const reason = new ExecutionConflictError(message, { executionId: id })
    const error = await from.connection.encoding.encodeError(reason, ['execution', id, 'error'])
    const errorCode = errorCodeOf(reason)
    const head = { status: 'cancelled', error, errorCode, graphHash: leavingHash, endedAt: now } as const
    await from.change({ ...execution, parent: undefined }, head, { steps: closedRecords(parts.steps, now) })
    // What came before that; later ones are answered that it has ended.
    await forwardMail(from, to, execution, last)
  }
  // What no step has taken is there for a retry.
  else await forwardMail(from, to, execution, 0, true)
  await openParts(writer, execution)
  return isOpen ? 'moved' : 'copied'
}

const beingMoved = 'another process is moving it, or died of that: then call again once its lease there is over'

/** Whether one record was made of the other. */
function isSame(one: ExecutionRecord, other: ExecutionRecord): boolean {
  const { graph, target, requestDigest, createdAt } = one
  return (
    graph === other.graph &&
    target === other.target &&
    requestDigest === other.requestDigest &&
    createdAt === other.createdAt
  )
}

const requests: ReadonlySet<string> = new Set(['delete', 'retry'])

/** What was requested of it before is done here first, by whoever has it next: a copy would know nothing of it, or it alone would. @throws ExecutionConflictError */
async function requireUndisturbed(
  { connection, clock }: DocketContext,
  { id, status }: ExecutionRecord,
): Promise<void> {
  const awaitedSince = clock.now() - retryRequestMs
  for await (const page of unreadMessages(connection.store, id))
    for (const { kind, at } of page)
      // Nobody goes on with what has ended: there, a request whose sender is gone is nobody's.
      if (isTerminal(status) ? requests.has(kind) && at > awaitedSince : kind === 'delete')
        throw conflict(id, `somebody has requested to ${kind} it, which is done first: call again later`)
}

/** A family shares messages: it can't be in two stores. @throws ExecutionConflictError */
async function requireAlone({ connection }: DocketContext, { id, parent }: ExecutionRecord): Promise<void> {
  const { store } = connection
  const children = await store.list({ parent: id, limit: 1 })
  if (children.length > 0)
    throw conflict(id, 'it has children, which it waits for in its own store: move it once it has ended')
  if (parent === undefined) return
  const [record] = await store.get([parent])
  if (record !== undefined && !isTerminal(record.status))
    throw conflict(id, `its parent "${parent}" waits for it in its own store: move it once that has ended`)
}

/** A batch whose items are not all there goes on once whoever starts it has written them: in the store in which it was started. @throws ExecutionConflictError, SerializationError */
async function requireWritten(
  { connection: { encoding }, clock }: DocketContext,
  { record, steps }: ExecutionParts,
): Promise<void> {
  if (record.kind !== 'batch') return
  const { total } = await headOfBatch(record, encoding)
  const pages: StepPages = async (take) => void (await take(steps))
  const written = await writtenItemsOf(record.id, pages, total, encoding, turnOf(clock))
  if (typeof written === 'number')
    throw conflict(record.id, `only ${written} of its ${total} items are written: start it again here first`)
}

async function deleteBegun({ connection }: DocketContext, id: string): Promise<void> {
  const acquired = await acquireOne(connection, id, { andEnded: true, andOwn: true })
  if (acquired === undefined) throw conflict(id, beingMoved)
  await connection.writes.delete([{ id, owner: acquired.execution.owner!, epoch: acquired.execution.epoch }])
}

function writerOf({ connection, clock }: DocketContext): PartsWriter {
  const { writes, session } = connection
  return { writes, owner: session.owner, now: () => clock.now(), sleep: (ms) => sleep(clock, ms) }
}

/** The records, encoded as the other docket does. */
async function partsFor(parts: ExecutionParts, from: DocketContext, to: DocketContext): Promise<ExecutionParts> {
  const { id } = parts.record
  const recoded = async <Record extends object>(
    record: Record,
    fields: readonly ValueField<Record>[],
  ): Promise<Record> => {
    const made: { [name: string]: unknown } = { ...(record as { [name: string]: unknown }) }
    for (const { field, stored, identity } of valuesIn(id, record, fields)) {
      const { isError } = field
      const value = await portable({ stored, identity, isError }, from.connection.encoding, true)
      made[field.name] = await storedOf(value, { identity, isError }, to.connection.encoding)
    }
    return made as Record
  }
  const record = await recoded(parts.record, executionValues)
  const steps = []
  for (const step of parts.steps) steps.push(await recoded(step, stepValues))
  const checkpoints = []
  for (const checkpoint of parts.checkpoints) checkpoints.push(await recoded(checkpoint, checkpointValues))
  return { ...parts, record, steps, checkpoints }
}

/**
 * Posts what nobody has read to the other mailbox, in which each message is once, however often it is posted: one without an id gets one that follows from it.
 * `isForRetry`: of one that has ended, what its steps would take if it were retried.
 * @returns up to where
 */
async function forwardMail(
  from: DocketContext,
  to: DocketContext,
  { id }: ExecutionRecord,
  after = 0,
  isForRetry = false,
): Promise<number> {
  let last = after
  for await (const page of wholeMessages(from.connection.store, id, after))
    for (const message of page) {
      last = message.seq
      const isLate = isForRetry && message.class === 'control'
      if (!isLate && !staying.has(message.kind)) await forward(from, to, message, isForRetry)
    }
  return last
}

/** What is about the process that has it, or about the execution as it is here. */
const staying: ReadonlySet<string> = new Set(['look', 'delete', 'retry'])

async function forward(
  from: DocketContext,
  to: DocketContext,
  message: ListedMessage,
  andEnded: boolean,
): Promise<void> {
  const { seq, payload, bytes: _, ...rest } = message
  const identity = messageIdentity(message)
  const value =
    payload === undefined ? undefined : await portable({ stored: payload, identity }, from.connection.encoding, true)
  const stored = value && (await storedOf(value, { identity }, to.connection.encoding))
  const posted = [{ ...rest, id: rest.id ?? `moved:${rest.at}:${seq}`, payload: stored, andEnded }]
  allAnswers(to.connection.store, 'post', posted, await to.connection.store.post(posted))
}

async function notFree(context: DocketContext, id: string): Promise<ExecutionConflictError> {
  const record = await context.recordOf(id)
  if (record === undefined) return noSuchExecution(id)
  const where = context.owned.has(id) ? 'this process' : `another process (${record.owner})`
  return conflict(
    id,
    `it runs in ${where}: pause its queue, or close the workers, so that nobody has it; one that has died lets it go once its lease is over`,
  )
}

function conflict(id: string, why: string): ExecutionConflictError {
  return new ExecutionConflictError(`execution "${id}" can't be moved: ${why}`, { executionId: id })
}
