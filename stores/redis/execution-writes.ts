import type { ExecutionCommit, ExecutionRecord, NewExecution, NewMessage } from '../../src/core/contracts/store.ts'
import type { Connection } from './connection.ts'
import { damaged, isWrongType, replyError, storeError } from './errors.ts'
import { commitScript, createScript, fullCommitScript, postScript, removeScript } from './execution-scripts.ts'
import { headChange, headRecord, newHead, newIndexMembers } from './head-record.ts'
import { ownerText, statusCode, timeKey } from './layout.ts'
import type { Layout } from './layout.ts'
import type { Argument, Call, Link, Reply, Script } from './link.ts'
import type { Packer } from './msgpack.ts'
import { replacesAny, stayingOf } from '../../src/core/contracts/step-replacement.ts'
import { packedLists } from './packed-lists.ts'
import { stepBytes, stepField } from './step-record.ts'
import { packedText, packedValue } from './values.ts'

/** What a script does to one execution. */
interface Write {
  /** Where it stands in the call. */
  readonly index: number
  readonly id: string
  readonly keys: readonly string[]
  readonly list: readonly Argument[]
}

/** Creates executions. Gives the record of each that was there. */
export async function createExecutions(
  { link, layout, packer }: Connection,
  executions: readonly NewExecution[],
): Promise<(ExecutionRecord | undefined)[]> {
  const writes = executions.map((execution, index): Write => {
    const members = newIndexMembers(execution)
    const hint = execution.owner === undefined ? 'w' : ''
    const list = [hint, members.length, ...members, ...newHead(execution, packer)]
    return { index, id: execution.id, keys: layout.executionKeys(execution.id), list }
  })
  const replies = await writeAll(link, layout.hints, [{ run: createScript, writes }])
  return executions.map(({ id }, index) => {
    const reply = intact(replies[index], id, layout)
    return reply === 1 ? undefined : headRecord(id, layout.execution(id), reply, packer)
  })
}

/** Commits, each whole, by scripts that ask for owner and epoch first. */
export async function commitExecutions(
  { link, layout, packer }: Connection,
  commits: readonly ExecutionCommit[],
): Promise<boolean[]> {
  const plain: Write[] = []
  const full: Write[] = []
  for (const [index, commit] of commits.entries()) {
    const { id } = commit
    const { condition, set, unfinished, removed, moves, isPlain } = changeOf(commit, packer)
    if (isPlain) {
      const list = [...condition, set.length, ...set, ...unfinished]
      plain.push({ index, id, keys: [layout.execution(id)], list })
    } else {
      const list = [...condition, ...moves, removed.length, unfinished.length, ...removed, ...set, ...unfinished]
      full.push({ index, id, keys: layout.executionKeys(id), list })
    }
  }
  const replies = await writeAll(link, layout.hints, [
    { run: fullCommitScript, writes: full },
    { run: commitScript, writes: plain },
  ])
  return commits.map(({ id }, index) => intact(replies[index], id, layout) === 1)
}

/** Sends writes, as many to a script as may be. Gives what became of each. */
async function writeAll(
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
function intact(reply: Reply, id: string, layout: Layout): Reply {
  const isWrong = reply instanceof Buffer || (Array.isArray(reply) && reply.length === 1)
  if (!isWrong) return reply
  const [execution, index, mailbox] = layout.executionKeys(id)
  if (reply instanceof Buffer) throw damaged(`the record of execution "${id}"`, execution)
  const cause = replyError(String(reply[0]))
  if (isWrongType(cause)) throw damaged(`the mailbox of execution "${id}", or the index "${index}",`, mailbox, cause)
  throw storeError(cause, execution)
}

interface Change {
  /** Owner and epoch. */
  readonly condition: readonly Argument[]
  /** Fields and values. */
  readonly set: readonly Argument[]
  /** Fields and records of steps that must not replace completed ones. */
  readonly unfinished: readonly Argument[]
  readonly removed: readonly string[]
  /** What moves the execution in the index: status, end, release, consumption. */
  readonly moves: readonly Argument[]
  /** Whether nothing but fields is set. */
  readonly isPlain: boolean
}

function changeOf(commit: ExecutionCommit, packer: Packer): Change {
  const { epoch, at, steps, head, consumed } = commit
  const set: Argument[] = ['a', at]
  const unfinished: Argument[] = []
  // Of fields that come twice, the last stays by itself.
  for (const step of steps.every(replacesAny) ? steps : stayingOf(steps))
    (replacesAny(step) ? set : unfinished).push(stepField(step), stepBytes(step, packer))
  const removed: string[] = []
  if (head !== undefined) headChange(head, set, removed)
  const status = head?.status === undefined ? '' : statusCode(head.status)
  const removesEnd = head !== undefined && 'endedAt' in head
  const ended = head?.endedAt !== undefined ? timeKey(head.endedAt) : removesEnd ? '-' : ''
  const released = head?.isReleased === true ? '1' : ''
  const moves = [status, ended, released, consumed ?? '']
  const isPlain = removed.length === 0 && moves.every((move) => move === '')
  return { condition: [ownerText(commit.owner), epoch], set, unfinished, removed, moves, isPlain }
}

/** Deletes executions while they are the owner's. */
export async function deleteExecutions(
  { link, layout }: Connection,
  executions: readonly Pick<ExecutionCommit, 'id' | 'owner' | 'epoch'>[],
): Promise<boolean[]> {
  const replies = await link.all(
    executions.map((execution) => ({
      run: removeScript,
      keys: layout.executionKeys(execution.id),
      args: ['owner', ownerText(execution.owner), execution.epoch],
    })),
  )
  return replies.map((reply) => reply === 1)
}

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
