import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { ExecutionConflictError } from '../../core/errors.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { splitUndoRecords } from '../records/undo-records.ts'
import type { ResumeCause } from '../records/restore-execution.ts'
import type { FromRecords } from './execution-from-records.ts'
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
 * Where what is to go on here begins. What begins again does so where it stands: nothing of it runs in a process that does not serve its queue, or before the store has judged
 * what that lets begin. A batch of which not all items are written is written here, where its caller has them.
 * @throws ExecutionConflictError for such a batch in a queue that this process does not serve: nothing of it has changed
 */
export function whereToBegin(
  { queues }: DocketContext,
  { id, graph, queue }: ExecutionRecord,
  cause: ResumeCause,
  { isUnwritten = false }: Pick<Extract<FromRecords, { own: unknown }>, 'isUnwritten'>,
): 'here' | 'elsewhere' {
  const serves = queues.serves(queue)
  if (!isUnwritten) return serves && (cause !== 'end' || !queues.isRestricted(queue)) ? 'here' : 'elsewhere'
  if (serves) return 'here'
  throw new ExecutionConflictError(
    `batch "${id}" can't begin again here: not all of its items were written before its process died, and this docket does not serve queue "${queue}"; start it again in a process whose work names it`,
    { graph, executionId: id },
  )
}

/**
 * Gives up an execution that begins again after its end: whoever serves its queue goes on with it. What its steps failed with is forgotten, as it is where they are
 * tried again at once; `reopened`, and the steps of a batch, are on record as they are to be. @throws StoreError, LeaseLostError
 */
export async function beginElsewhere(
  context: DocketContext,
  record: ExecutionRecord,
  steps: readonly StepRecord[] = [],
  reopened: readonly StepRecord[] = [],
): Promise<void> {
  const { steps: own } = splitUndoRecords(steps)
  const written = new Set(reopened.map(({ step }) => step))
  const forgotten = own
    .filter(({ step, endedAt }) => endedAt !== undefined && !written.has(step))
    .filter(({ status }) => status !== 'completed' && status !== 'cached')
    .map((step): StepRecord => ({ ...step, type: '', error: undefined, endedAt: undefined, dueAt: undefined }))
  await context.change(record, { status: 'pending', isReleased: true }, { steps: forgotten })
}
