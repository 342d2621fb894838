import { damaged, isWrongType, replyError, storeError } from './errors.ts'
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
  for (const [call, reply] of (await link.all(calls)).entries())
    for (const [position, { index }] of groups[call]!.entries()) replies[index] = (reply as readonly Reply[])[position]
  return replies
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
