import type { Docket } from '../durable/docket.ts'
import { defined } from './defined.ts'
import type { MailboxView, MessageView, ValueView } from './protocol.ts'
import { RequestProblem } from './request-problem.ts'
import { valueViewOf } from './value-view.ts'

/** A page of an execution's mailbox: no values. */
export async function mailboxOf(docket: Docket, id: string, after: string | undefined): Promise<MailboxView> {
  const { messages, next } = await docket.mailbox(id, { after })
  return defined<MailboxView>({
    messages: messages.map(({ seq, kind, type, item, id: sentId, at, bytes, isSensitive }) =>
      defined<MessageView>({ seq, kind, type, item, id: sentId, at: at.toISOString(), bytes, isSensitive }),
    ),
    next,
  })
}

/** What one message brings. @throws RequestProblem for one that is not there, or not any more */
export async function messageValueOf(docket: Docket, id: string, seq: string | undefined): Promise<ValueView> {
  if (seq === undefined || !/^[1-9]\d{0,14}$/.test(seq)) throw new RequestProblem(400, 'seq is the number of a message')
  const { messages } = await docket.mailbox(id, { after: Number(seq) - 1, limit: 1, values: true })
  const message = messages.find((one) => one.seq === Number(seq))
  if (message === undefined)
    throw new RequestProblem(404, `execution "${id}" has no message ${seq}: it was taken meanwhile, or never there`)
  const { type, kind, value, isSensitive, problem } = message
  return valueViewOf({ type: type ?? kind, value, isSensitive, problem })
}
