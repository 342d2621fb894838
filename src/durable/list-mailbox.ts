import { checkOptions, describe, isWholeFromOne } from '../core/check-options.ts'
import type { ListedMessage } from '../core/contracts/message.ts'
import { SerializationError } from '../core/errors.ts'
import type { DocketContext } from './context/docket-context.ts'
import { lookKind } from './mail/look.ts'
import { infoOf, noSuchExecution } from './records/execution-info.ts'
import { messageIdentity } from './records/message-identity.ts'
import { messageInfoOf, messageTypes } from './records/message-info.ts'
import type { MessageInfo } from './records/message-info.ts'

/** Which messages `mailbox` returns, and what of them. */
export interface MailboxQuery {
  /** Whether what they bring is read, too: it may be large. @default false */
  readonly values?: boolean | undefined
  /** How many at most. @default 100 */
  readonly limit?: number | undefined
  /** `next` of the page before, or the number of a message: those behind it. @default the first page */
  readonly after?: string | number | undefined
}

/** A page of a mailbox, in the order in which its messages came. */
export interface MailboxPage {
  /** In the order in which they came. Those by which other processes ask what steps do at this moment are left out: there may be fewer than `limit`, and a next page all the same. */
  readonly messages: readonly MessageInfo[]
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined
}

/** @throws OptionError with all problems */
export function checkMailboxQuery(query: unknown): void {
  checkOptions('mailbox', query, ['values', 'limit', 'after'], ({ values, limit, after }) => [
    values !== undefined && typeof values !== 'boolean' && `values must be true or false, not ${describe(values)}`,
    limit !== undefined && !isWholeFromOne(limit) && 'limit must be a whole number of at least 1',
    after !== undefined &&
      !/^\d{1,15}$/.test(String(after)) &&
      'after must be the `next` of the page before, or the number of a message',
  ])
}

/** What was sent to an execution, and is not taken yet. @throws ExecutionConflictError where there is no such execution, StoreError */
export async function listMailbox(
  context: DocketContext,
  id: string,
  { values = false, limit = 100, after = 0 }: MailboxQuery,
): Promise<MailboxPage> {
  const { connection } = context
  const { store, encoding } = connection
  await connection.readyBy()
  const record = await context.recordOf(id)
  if (record === undefined) throw noSuchExecution(id)
  const graph = context.graphOf(record)
  const types = messageTypes(graph, (await infoOf(record, encoding, [], graph)).sensitive)
  // One more than the page has shows whether there is another page.
  const request = { execution: id, after: Number(after), limit: limit + 1, payloads: values }
  const listed = await connection.patiently(() => store.listMail(request))
  const page = listed.slice(0, limit)
  const messages = page
    .filter(({ kind }) => kind !== lookKind)
    .map(async (message) => {
      const info = messageInfoOf(message, types)
      return values ? { ...info, ...(await broughtBy(context, message, info)) } : info
    })
  const last = page.length < listed.length ? page.at(-1) : undefined
  return { messages: await Promise.all(messages), next: last && String(last.seq) }
}

async function broughtBy(
  { connection: { encoding } }: DocketContext,
  message: ListedMessage,
  { isSensitive }: MessageInfo,
): Promise<Pick<MessageInfo, 'value' | 'problem'>> {
  const { kind, payload } = message
  if (isSensitive || payload === undefined) return { value: undefined }
  try {
    const identity = messageIdentity(message)
    return {
      value: await (kind === 'cancel' ? encoding.decodeError(payload, identity) : encoding.decode(payload, identity)),
    }
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    return { value: undefined, problem: error.message }
  }
}
