import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { ExecutionConflictError } from '../../core/errors.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { splitUndoRecords } from '../records/undo-records.ts'
import type { UnreadMail } from './unread-mail.ts'

/**
 * Gives back what was acquired though it is not to run here: what does not begin before a time, and was woken by a message, is parked until then; what is
 * in a queue that this process does not serve is given up. @returns whether it was given back @throws StoreError, LeaseLostError
 */
export async function givenBack(
  context: DocketContext,
  record: ExecutionRecord,
  mail: UnreadMail | undefined,
): Promise<boolean> {
  const { startAt, startedAt } = record
  if (startAt !== undefined && startedAt === undefined && startAt > context.clock.now()) {
    await parkUntil(context, record, startAt, mail)
    return true
  }
  if (context.queues.serves(record.queue)) return false
  await context.change(record, { isReleased: true })
  return true
}

async function parkUntil(
  context: DocketContext,
  record: ExecutionRecord,
  dueAt: number,
  mail: UnreadMail | undefined,
): Promise<void> {
  const { connection, clock } = context
  const { id, owner, epoch } = record
  const read = [...(mail?.control ?? []), ...(mail?.data ?? []), ...(mail?.moves ?? [])]
  const lastSeq = read.reduce((last, { seq }) => Math.max(last, seq), 0)
  const waitsFor = await connection.encoding.encode(['its time'], ['execution', id, 'waitsFor'])
  const park = { lastSeq, dueAt, waitsFor }
  const commit = { id, owner: owner!, epoch, at: clock.now(), steps: [], head: { status: 'pending' }, park } as const
  const [answer] = await connection.writes.commit([commit])
  // Something has come meanwhile: whoever looks next judges it.
  if (answer === 'unread' || answer === 'locked') await context.change(record, { isReleased: true })
}

/**
 * Gives up an execution that begins again after its end: whoever serves its queue goes on with it. What its steps failed with is forgotten, as it is where they are
 * tried again at once; `reopened` are on record as they are to be. @throws ExecutionConflictError for a batch, StoreError, LeaseLostError
 */
export async function beginElsewhere(
  context: DocketContext,
  record: ExecutionRecord,
  steps: readonly StepRecord[] | undefined,
  reopened: readonly StepRecord[] = [],
): Promise<void> {
  const { id, graph: name, queue } = record
  if (steps === undefined)
    throw new ExecutionConflictError(
      `batch "${id}" can't begin again here: this docket does not serve queue "${queue}"; call retry in a process whose work names it`,
      { graph: name, executionId: id },
    )
  const { steps: own } = splitUndoRecords(steps)
  const written = new Set(reopened.map(({ step }) => step))
  const forgotten = own
    .filter(({ step, endedAt }) => endedAt !== undefined && !written.has(step))
    .filter(({ status }) => status !== 'completed' && status !== 'cached')
    .map((step): StepRecord => ({ ...step, type: '', error: undefined, endedAt: undefined, dueAt: undefined }))
  await context.change(record, { status: 'pending', isReleased: true }, { steps: forgotten })
}
