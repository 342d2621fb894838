import { append } from '../../src/core/append.ts'
import { StoreError } from '../../src/core/errors.ts'
import type {
  MailPosition,
  MailRequest,
  Message,
  NewMessage,
  PostVerdict,
  Receipt,
  ReceiptPage,
} from '../../src/core/contracts/message.ts'
import { idReceipt, slotReceipt } from '../../src/core/contracts/receipts.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { postScript, receiptsScript } from './execution-scripts.ts'
import { bucketOf, buckets, controlFirst, escapeText, indexPrefix, unescapeText } from './layout.ts'
import type { Call, Reply } from './link.ts'
import type { Packer } from './msgpack.ts'
import { packedText, packedValue, unpackedNumber, unpackedText, unpackedValue } from './values.ts'
import { orElse } from './unreadable.ts'

const mailboxesAtOnce = 500

/** Appends to mailboxes what is accepted. */
export async function postMessages(
  { link, layout, packer }: Connection,
  messages: readonly NewMessage[],
): Promise<PostVerdict[]> {
  const replies = await link.all(
    messages.map((posted) => {
      const { execution, id, class: of, kind, slot, payload, at, andEnded } = posted
      const texts = [id, slot].map((text) => (text === undefined ? undefined : packedText(text)))
      const packed = packer.pack([of, packedText(kind), packedValue(payload), at, ...texts])
      const place = of === 'control' ? -controlFirst : 0
      const receipts = [idReceipt(posted), slot === undefined ? undefined : slotReceipt(slot)]
      const names = receipts.map((name) => (name === undefined ? '' : escapeText(name)))
      const args = [packed, place, layout.hints, ...names, andEnded === true ? '1' : '']
      return { run: postScript, keys: layout.executionKeys(execution), args }
    }),
  )
  return replies.map((reply) => String(reply) as PostVerdict)
}

/** Messages to the executions of an owner. Usually there are none: then each bucket's work is read once, no more. */
export async function readMailOf(connection: Connection, request: MailRequest): Promise<Message[]> {
  const { link, layout, packer } = connection
  const { after, limit } = request
  if (limit <= 0) return []
  const ids = await idsWithMail(connection, request)
  const messages: Message[] = []
  for (let first = 0; first < ids.length && messages.length < limit; first += mailboxesAtOnce) {
    const some = ids.slice(first, first + mailboxesAtOnce)
    const parts = some.flatMap((id) => readsOf(layout.mailbox(id), after?.get(id), limit).map((read) => ({ id, read })))
    const boxes = await link.tryAll(parts.map(({ read }) => read))
    for (const [index, box] of boxes.entries()) {
      const { id } = parts[index]!
      for (const member of orElse([], () => membersOf(box)))
        append(
          messages,
          orElse([], () => [messageOf(id, layout.mailbox(id), member, packer)]),
        )
    }
  }
  return messages.slice(0, limit)
}

/**
 * What is remembered of the messages to an execution, all at once: a cursor means nothing after a failover. Of a slot that is taken that is the number of
 * the message.
 */
export async function readReceiptsOf({ link, layout }: Connection, execution: string): Promise<ReceiptPage> {
  const reply = await link.one({ run: receiptsScript, keys: [layout.receipts(execution)], args: [] })
  const texts = (reply as readonly Buffer[]).map(String)
  const receipts: Receipt[] = []
  for (let at = 0; at < texts.length; at += 2) {
    const verdict = texts[at + 1]!
    receipts.push({
      name: unescapeText(texts[at]!),
      verdict: /^\d/.test(verdict) ? 'duplicate' : (verdict as PostVerdict),
    })
  }
  return { receipts, next: undefined }
}

/** The executions of an owner that have mail, of those that are wanted. */
async function idsWithMail(
  { link, layout }: Connection,
  { owner, executions }: MailRequest,
): Promise<readonly string[]> {
  const prefix = indexPrefix.mail(owner)
  if (executions !== undefined) {
    const wanted = [...new Set(executions)]
    const scores = await link.all(
      wanted.map((id) => ({ run: 'zscore', keys: [layout.work(bucketOf(id))], args: [prefix + escapeText(id)] })),
    )
    return wanted.filter((_, index) => scores[index] !== null)
  }
  const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)])
  const replies = await link.all(
    buckets.map((bucket) => ({ run: 'zrangebylex', keys: [layout.work(bucket)], args: [`[${prefix}`, end] })),
  )
  return replies.flatMap((reply) =>
    (reply as Buffer[]).map((member) => unescapeText(member.toString().slice(prefix.length))),
  )
}

/** What is to be read of a mailbox: all of it in one, or what is new of each class. */
function readsOf(mailbox: string, position: MailPosition | undefined, limit: number): readonly Call[] {
  const keys = [mailbox]
  if (position === undefined) return [{ run: 'zrange', keys, args: [0, limit - 1] }]
  const { control, data } = position
  return [
    { run: 'zrangebyscore', keys, args: [`(${control - controlFirst}`, '(0', 'LIMIT', 0, limit] },
    { run: 'zrangebyscore', keys, args: [`(${data}`, '+inf', 'LIMIT', 0, limit] },
  ]
}

/** @throws StoreError of a mailbox that can't be read */
function membersOf(box: Reply): readonly Buffer[] {
  if (box instanceof StoreError) throw box
  return box as readonly Buffer[]
}

/** The message of a mailbox's member. @throws StoreError for one that can't be read */
export function messageOf(execution: string, key: string, member: Buffer, packer: Packer): Message {
  try {
    const end = member.indexOf(':')
    const seq = Number(member.toString('latin1', 0, end))
    const values = packer.unpack(member.subarray(end + 1))
    if (end < 1 || !Number.isSafeInteger(seq) || !Array.isArray(values)) throw new Error('it is not a message')
    const [of, kind, payload, at, id, slot] = values as unknown[]
    if (of !== 'control' && of !== 'data') throw new Error('its class is unknown')
    const known = { execution, class: of, kind: unpackedText(kind) ?? '', at: unpackedNumber(at), seq } as const
    return { ...known, id: unpackedText(id), slot: unpackedText(slot), payload: unpackedValue(payload) }
  } catch (cause) {
    throw damaged(`a message to execution "${execution}"`, key, cause)
  }
}
