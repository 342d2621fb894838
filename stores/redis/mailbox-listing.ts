import type { ListedMessage, MailboxRequest } from '../../src/core/contracts/message.ts'
import type { Connection } from './connection.ts'
import { controlFirst } from './layout.ts'
import { script } from './link.ts'
import { messageOf } from './mailbox.ts'
import { orElse } from './unreadable.ts'

/**
 * Messages of a mailbox by their numbers, whatever their class. KEYS: the mailbox. ARGV: the number behind which, how many, and '1' where what they bring is wanted. Gives for each its
 * number, its member, and how many bytes it brings, or '' where that is to be seen by the member. What is not wanted stays on the server: `mailbox.ts` writes msgpack lists of which the
 * payload is the third.
 */
const listScript = script(`
local lengths = {[0xd9] = 1, [0xda] = 2, [0xdb] = 4, [0xc4] = 1, [0xc5] = 2, [0xc6] = 4}
local function lengthAt(text, at)
  local kind = string.byte(text, at)
  if kind == 0xd4 then return 0, at + 3 end
  if kind == 0x91 then return lengthAt(text, at + 1) end
  if kind and kind >= 0xa0 and kind <= 0xbf then return kind - 0xa0, at + 1 + kind - 0xa0 end
  if not lengths[kind or 0] then return end
  local length = 0
  for i = at + 1, at + lengths[kind] do length = length * 256 + (string.byte(text, i) or 0) end
  return length, at + 1 + lengths[kind] + length
end
local function withoutPayload(member)
  local at = string.find(member, ':', 1, true)
  if at then at = at + 2 end
  for i = 1, 2 do
    if at then at = select(2, lengthAt(member, at)) end
  end
  local bytes, behind
  if at then bytes, behind = lengthAt(member, at) end
  if not bytes then return member, '' end
  return string.sub(member, 1, at - 1) .. '\\212\\0\\0' .. string.sub(member, behind), string.format('%d', bytes)
end
local shifts, ends = {${controlFirst}, 0}, {'(0', '+inf'}
local function firstOf(of, after)
  local from = string.format('(%d', after - shifts[of])
  local found = redis.call('ZRANGEBYSCORE', KEYS[1], from, ends[of], 'WITHSCORES', 'LIMIT', 0, 1)
  if found[1] then return {seq = tonumber(found[2]) + shifts[of], member = found[1]} end
end
local after, listed = tonumber(ARGV[1]), {}
local heads = {firstOf(1, after), firstOf(2, after)}
for n = 1, tonumber(ARGV[2]) do
  local of = (not heads[2] or heads[1] and heads[1].seq < heads[2].seq) and 1 or 2
  local head = heads[of]
  if not head then break end
  heads[of] = firstOf(of, head.seq)
  local member, bytes = head.member, ''
  if ARGV[3] == '' then member, bytes = withoutPayload(member) end
  listed[#listed + 1] = string.format('%d', head.seq)
  listed[#listed + 1] = member
  listed[#listed + 1] = bytes
end
return listed
`)

/** So many in one call of the script: nothing else runs in the server meanwhile, and what some bring may be large. */
const mostAtOnce = 1_000
const mostWhole = 50

/** What lies in the mailbox of an execution. */
export async function listMailOf(
  { link, layout, packer }: Connection,
  { execution, after = 0, limit, payloads }: MailboxRequest,
): Promise<ListedMessage[]> {
  const key = layout.mailbox(execution)
  const messages: ListedMessage[] = []
  // One that can't be read is left out, and hides none of those behind it.
  for (let from = after; messages.length < limit;) {
    const wanted = Math.min(limit - messages.length, payloads === true ? mostWhole : mostAtOnce)
    const args = [from, wanted, payloads === true ? '1' : '']
    const [reply] = await link.all([{ run: listScript, keys: [key], args }])
    const cells = reply as readonly Buffer[]
    for (let at = 0; at < cells.length; at += 3) {
      const [seq, member, bytes] = cells.slice(at, at + 3) as [Buffer, Buffer, Buffer]
      from = Number(seq)
      const message = orElse(undefined, () => messageOf(execution, key, member, packer))
      if (message !== undefined) messages.push(listed(message, bytes.toString(), payloads === true))
    }
    if (cells.length < wanted * 3) break
  }
  return messages
}

function listed(message: Omit<ListedMessage, 'bytes'>, bytes: string, isWhole: boolean): ListedMessage {
  const { payload } = message
  const size = bytes === '' ? (payload === undefined ? 0 : Buffer.byteLength(payload)) : Number(bytes)
  return { ...message, payload: isWhole ? payload : undefined, bytes: size }
}
