import { StoreError } from '../../src/core/errors.ts'
import type { Message, NewMessage } from '../../src/core/contracts/message.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { postScript } from './execution-scripts.ts'
import { buckets, indexPrefix, unescapeText } from './layout.ts'
import type { Packer } from './msgpack.ts'
import { packedText, packedValue, unpackedNumber, unpackedText, unpackedValue } from './values.ts'
import { orElse } from './unreadable.ts'

/** Appends to mailboxes. False where there is no such execution. */
export async function postMessages(
  { link, layout, packer }: Connection,
  messages: readonly NewMessage[],
): Promise<boolean[]> {
  const replies = await link.all(
    messages.map(({ execution, kind, payload, at }) => ({
      run: postScript,
      keys: layout.executionKeys(execution),
      args: [packer.pack([packedText(kind), packedValue(payload), at]), layout.hints],
    })),
  )
  return replies.map((reply) => reply === 1)
}

/** Messages to the executions of an owner. Usually there are none: then each bucket's index is read once, no more. */
export async function readMailOf(
  { link, layout, packer }: Connection,
  owner: string,
  limit: number,
): Promise<Message[]> {
  if (limit <= 0) return []
  const prefix = indexPrefix.mail(owner)
  const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)])
  const replies = await link.all(
    buckets.map((bucket) => ({
      run: 'zrangebylex',
      keys: [layout.index(bucket)],
      args: [`[${prefix}`, end, 'LIMIT', 0, limit],
    })),
  )
  const ids = replies.flatMap((reply) =>
    (reply as Buffer[]).map((member) => unescapeText(member.toString().slice(prefix.length))),
  )
  const boxes = await link.tryAll(
    ids.slice(0, limit).map((id) => ({ run: 'zrange', keys: [layout.mailbox(id)], args: [0, limit - 1] })),
  )
  const messages = boxes.flatMap((box, index) =>
    orElse([], () => membersOf(box)).flatMap((member) => {
      const id = ids[index]!
      return orElse([], () => [message(id, layout.mailbox(id), member, packer)])
    }),
  )
  return messages.slice(0, limit)
}

/** @throws StoreError of a mailbox that can't be read */
function membersOf(box: unknown): readonly Buffer[] {
  if (box instanceof StoreError) throw box
  return box as readonly Buffer[]
}

function message(execution: string, key: string, member: Buffer, packer: Packer): Message {
  try {
    const end = member.indexOf(':')
    const seq = Number(member.toString('latin1', 0, end))
    const values = packer.unpack(member.subarray(end + 1))
    if (end < 1 || !Number.isSafeInteger(seq) || !Array.isArray(values)) throw new Error('it is not a message')
    const [kind, payload, at] = values as unknown[]
    return { execution, kind: unpackedText(kind) ?? '', payload: unpackedValue(payload), at: unpackedNumber(at), seq }
  } catch (cause) {
    throw damaged(`a message to execution "${execution}"`, key, cause)
  }
}
