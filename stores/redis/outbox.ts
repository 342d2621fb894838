import { append } from '../../src/core/append.ts'
import type { OutboxEntry, OutboxPlace, OutboxRequest } from '../../src/core/contracts/outbox.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { bucketOf, buckets, indexPrefix, timeKeyLength, timeOf, unescapeText } from './layout.ts'
import type { Packer } from './msgpack.ts'
import { orElse } from './unreadable.ts'
import { packedText, packedValue, unpackedText, unpackedValue } from './values.ts'

/** How an outgoing message stands among what is to be done. */
export function outgoingMember(entry: OutboxEntry, packer: Packer): Buffer {
  const { source, execution, class: of, kind, payload, id, slot, at } = entry
  const texts = [source, execution, kind, id].map(packedText)
  const packed = packer.pack([of, ...texts, packedValue(payload), slot === undefined ? undefined : packedText(slot)])
  return Buffer.concat([Buffer.from(`${indexPrefix.outgoing(at, entry.entry)}\0`), packed])
}

/** Outgoing messages of all executions, by their times. Usually there are none: then each bucket's work is read once, no more. */
export async function readOutboxOf(connection: Connection, request: OutboxRequest): Promise<OutboxEntry[]> {
  const { link, layout, packer } = connection
  const { before, after, limit } = request
  if (limit <= 0) return []
  // 255 is in no UTF-8 text: it is behind everything that the entry has.
  const from =
    after === undefined
      ? '[b'
      : Buffer.concat([Buffer.from(`(${indexPrefix.outgoing(after.at, after.entry)}\0`), Buffer.of(0xff)])
  const args = [from, `(${indexPrefix.outgoing(before)}`, 'LIMIT', 0, limit]
  const replies = await link.all(buckets.map((bucket) => ({ run: 'zrangebylex', keys: [layout.work(bucket)], args })))
  const entries: OutboxEntry[] = []
  for (const [bucket, members] of replies.entries())
    for (const member of members as readonly Buffer[])
      append(
        entries,
        orElse([], () => [entryOf(member, layout.work(bucket), packer)]),
      )
  return entries.toSorted(inOrder).slice(0, limit)
}

export async function confirmOutboxOf({ link, layout }: Connection, entries: readonly OutboxPlace[]): Promise<void> {
  await link.all(
    entries.map(({ source, entry, at }) => {
      const beginning = `${indexPrefix.outgoing(at, entry)}\0`
      const end = Buffer.concat([Buffer.from(`(${beginning}`), Buffer.of(0xff)])
      return { run: 'zremrangebylex', keys: [layout.work(bucketOf(source))], args: [`[${beginning}`, end] }
    }),
  )
}

function entryOf(member: Buffer, key: string, packer: Packer): OutboxEntry {
  try {
    const end = member.indexOf(0)
    const at = timeOf(member.toString('latin1', 1, 1 + timeKeyLength))
    const entry = unescapeText(member.toString('utf8', 1 + timeKeyLength, end))
    const values = packer.unpack(member.subarray(end + 1))
    if (end < 0 || !Array.isArray(values)) throw new Error('it is not a message')
    const [of, source, execution, kind, id, payload, slot] = values as unknown[]
    if (of !== 'control' && of !== 'data') throw new Error('its class is unknown')
    const named = [source, execution, kind, id].map(unpackedText) as [string, string, string, string]
    return {
      entry,
      source: named[0],
      execution: named[1],
      class: of,
      kind: named[2],
      id: named[3],
      slot: unpackedText(slot),
      payload: unpackedValue(payload),
      at,
    }
  } catch (cause) {
    throw damaged('an outgoing message', key, cause)
  }
}

function inOrder(one: OutboxEntry, other: OutboxEntry): number {
  return one.at - other.at || Buffer.compare(Buffer.from(one.entry), Buffer.from(other.entry))
}
