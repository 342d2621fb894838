import { StoreError } from '../../src/core/errors.ts'
import { damaged, isWrongType, replyError, storeError, storeName } from './errors.ts'
import type { Layout } from './layout.ts'
import type { Argument, Call, Link, Reply, Script } from './link.ts'
import { packedLists } from './packed-lists.ts'

/** What a script does to one execution. */
export interface Write {
  /** Where it stands in the call. */
  readonly index: number
  readonly id: string
  readonly keys: readonly string[]
  readonly list: readonly Argument[]
}

/** Sends writes, as many to a script as may be. Gives what became of each. */
export async function writeAll(
  link: Link,
  hints: string,
  kinds: readonly { readonly run: Script; readonly writes: readonly Write[] }[],
): Promise<Reply[]> {
  const calls: Call[] = []
  const groups: (readonly Write[])[] = []
  for (const { run, writes } of kinds) {
    for (const group of link.groupsOf(writes)) {
      const lists = packedLists(group.map(({ list }) => list))
      calls.push({ run, keys: group.flatMap(({ keys }) => keys), args: [lists, hints] })
      groups.push(group)
    }
  }
  const replies: Reply[] = []
  for (const [call, reply] of (await link.all(calls)).entries()) {
    const group = groups[call]!
    const each = eachOf(Array.isArray(reply) ? reply : [], group.length)
    for (const [position, { index }] of group.entries()) replies[index] = each[position]
  }
  return replies
}

/** What a script says of each of so many: of those that it says nothing of, nobody knows what became of them. @throws StoreError */
export function eachOf<One>(replies: readonly One[], count: number): readonly One[] {
  if (replies.length === count) return replies
  throw new StoreError(storeName, `a script gave ${replies.length} replies to ${count}`, true)
}

/** What a script says became of an execution. @throws StoreError where it says what went wrong with it */
export function intact(reply: Reply, id: string, layout: Layout): Reply {
  const isWrong = reply instanceof Buffer || (Array.isArray(reply) && reply.length === 1)
  if (!isWrong) return reply
  const [execution, index, mailbox, , work] = layout.executionKeys(id)
  if (reply instanceof Buffer) throw damaged(`the record of execution "${id}"`, execution)
  const cause = replyError(String(reply[0]))
  if (isWrongType(cause))
    throw damaged(`the mailbox of execution "${id}", or the index "${index}" or "${work}",`, mailbox, cause)
  throw storeError(cause, execution)
}
