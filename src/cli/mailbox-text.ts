import type { MailboxPage, MessageInfo } from '../index.ts'
import { hidden } from './execution-json.ts'
import { isoOf, jsonValueOf } from './json-value.ts'
import type { Printer } from './printer.ts'

/** How many messages of a mailbox are shown; of more, that there are. */
export const mostMessages = 100

/** What was sent to an execution and is not taken yet, as lines for a terminal; none where that is nothing. */
export function mailboxLines({ messages, next }: MailboxPage, printer: Printer): readonly string[] {
  if (messages.length === 0) return []
  const hasItems = messages.some(({ item }) => item !== undefined)
  const lines = printer.table(
    ['MESSAGE', 'TYPE', ...(hasItems ? ['ITEM'] : []), 'ID', 'SENT', 'BYTES'],
    messages.map(({ kind, type = '', item = '', id = '', at, bytes }) => [
      kind,
      type,
      ...(hasItems ? [String(item)] : []),
      id,
      at.toISOString(),
      String(bytes),
    ]),
  )
  return ['', ...lines, ...(next === undefined ? [] : [`and more than these ${messages.length}`])]
}

/** The same as JSON; with what messages bring, but for what is sensitive. */
export function mailboxJson({ messages, next }: MailboxPage, withValues: boolean): Record<string, unknown> {
  return { messages: messages.map((message) => messageJson(message, withValues)), isMore: next !== undefined }
}

function messageJson(message: MessageInfo, withValues: boolean): Record<string, unknown> {
  const { seq, kind, type, item, id, at, bytes, isSensitive, value, problem } = message
  return {
    seq,
    kind,
    type: type ?? null,
    item: item ?? null,
    id: id ?? null,
    at: isoOf(at),
    bytes,
    ...(withValues && { value: isSensitive ? hidden : jsonValueOf(value), problem: problem ?? null }),
  }
}
