import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { answerRecord, updateKind, updateOf } from '../../core/contracts/update-message.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { deadlineAnew } from '../records/stored-limits.ts'
import type { FromRecords } from './execution-from-records.ts'
import type { UnreadMail } from './unread-mail.ts'

const slotsAtOnce = 1_000

/** An execution that had ended begins again; what was said to its last life is not meant for this one, except for
 * what its steps wait for. */
export async function beginAgain(
  context: DocketContext,
  record: ExecutionRecord,
  deadline: number | undefined,
  { inputs, reopened = [], awaited = [], limits, reopen }: Extract<FromRecords, { own: unknown }>,
  mail: UnreadMail | undefined,
): Promise<void> {
  const { clock } = context
  await reopen?.((steps) => context.change(record, undefined, { steps }))
  const begun = { status: 'running', startedAt: clock.now(), ownedMs: 0, recoveries: 0 } as const
  const head = {
    ...begun,
    error: undefined,
    errorCode: undefined,
    endedAt: undefined,
    ...deadlineAnew(record, deadline, limits, clock.now()),
    ...(inputs !== undefined && { inputs }),
  }
  const taken = new Set(mail?.data.map(({ slot }) => slot))
  const opened = awaited.filter((slot) => !taken.has(slot))
  // Of a batch they may be very many: as long as it has ended, none of them can be taken.
  while (opened.length > slotsAtOnce)
    await context.change(record, undefined, { openedSlots: opened.splice(-slotsAtOnce) })
  // The senders of updates have seen, or are about to see, that the execution had ended.
  const updates = mail?.data.filter(({ kind }) => kind === updateKind).map(updateOf) ?? []
  const consumed = [...(mail?.control ?? []).map(({ seq }) => seq), ...updates.map(({ message }) => message)]
  const checkpoints = updates.map(({ name }) => answerRecord(name, 'ended', clock.now()))
  const answers = checkpoints.length === 0 ? {} : { checkpoints }
  await context.change(record, head, { consumed, openedSlots: opened, steps: reopened, ...answers })
}
