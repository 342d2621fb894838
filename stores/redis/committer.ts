import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { textOfAnswered } from '../../src/core/contracts/answered-hint.ts'
import { replacesAny, stayingOf } from '../../src/core/contracts/step-replacement.ts'
import { headOf } from '../../src/core/contracts/parking.ts'
import type { CommitAnswer } from '../../src/core/contracts/store.ts'
import { receiptsIn, slotReceipt } from '../../src/core/contracts/receipts.ts'
import { packedCheckpoints } from './checkpoints.ts'
import type { Connection } from './connection.ts'
import { commitScript, fullCommitScript } from './execution-scripts.ts'
import { headChange } from './head-record.ts'
import { escapeText, ownerText, statusCode, timeKey } from './layout.ts'
import type { Argument } from './link.ts'
import type { Packer } from './msgpack.ts'
import { packedLists } from './packed-lists.ts'
import { outgoingMember } from './outbox.ts'
import { intact, writeAll } from './script-writes.ts'
import type { Write } from './script-writes.ts'
import { stepBytes, stepField } from './step-record.ts'

/** Commits, each whole, by scripts that ask for owner, epoch and number first. */
export async function commitExecutions(
  { link, layout, packer }: Connection,
  commits: readonly ExecutionCommit[],
): Promise<CommitAnswer[]> {
  const plain: Write[] = []
  const full: Write[] = []
  for (const [index, commit] of commits.entries()) {
    const { id, sequence = 0 } = commit
    const { condition, set, unfinished, removed, moves, isPlain } = changeOf(commit, packer)
    if (isPlain) {
      const list = [...condition, sequence, set.length, ...set, ...unfinished]
      plain.push({ index, id, keys: [layout.execution(id)], list })
    } else {
      const list = [
        ...condition,
        ...moves,
        sequence,
        removed.length,
        unfinished.length,
        ...removed,
        ...set,
        ...unfinished,
      ]
      full.push({ index, id, keys: layout.executionKeys(id), list })
    }
  }
  const replies = await writeAll(link, layout.hints, [
    { run: fullCommitScript, writes: full },
    { run: commitScript, writes: plain },
  ])
  return commits.map(({ id }, index) => {
    const reply = intact(replies[index], id, layout)
    return reply === 2 ? 'unread' : reply === 1
  })
}

interface Change {
  /** Owner and epoch. */
  readonly condition: readonly Argument[]
  /** Fields and values. */
  readonly set: readonly Argument[]
  /** Fields and records of steps that must not replace completed ones. */
  readonly unfinished: readonly Argument[]
  readonly removed: readonly string[]
  /** What moves the execution in the index, or is written elsewhere: status, end, release, consumption, slots, outgoing messages, parking, checkpoints, answers that are announced. */
  readonly moves: readonly Argument[]
  /** Whether nothing but fields is set. */
  readonly isPlain: boolean
}

function changeOf(commit: ExecutionCommit, packer: Packer): Change {
  const { epoch, sequence = 0, at, steps, consumed, openedSlots = [], outgoing = [], park } = commit
  const head = headOf(commit)
  const set: Argument[] = sequence === 0 ? ['a', at] : ['a', at, 'm', sequence]
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
  const put = receiptsIn(commit).flatMap(({ name, verdict }) => [escapeText(name), verdict])
  const opened = openedSlots.map((slot) => escapeText(slotReceipt(slot)))
  const slots = put.length > 0 || opened.length > 0 ? packedLists([put, opened]) : ''
  const members = outgoing.map((message) => outgoingMember({ ...message, source: commit.id }, packer))
  const sent = members.length === 0 ? '' : packedLists([members])
  const announced = (commit.awaited ?? []).map((name) => escapeText(textOfAnswered({ execution: commit.id, name })))
  const moves = [
    status,
    ended,
    released,
    (consumed ?? []).join(','),
    slots,
    sent,
    park?.lastSeq ?? '',
    packedCheckpoints(commit, packer),
    announced.length === 0 ? '' : packedLists([announced]),
  ]
  const isPlain =
    removed.length === 0 &&
    head?.deadline === undefined &&
    head?.errorCode === undefined &&
    moves.every((move) => move === '')
  return { condition: [ownerText(commit.owner), epoch], set, unfinished, removed, moves, isPlain }
}
