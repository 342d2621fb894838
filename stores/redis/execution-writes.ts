import type { ExecutionCommit, ExecutionRecord, NewExecution, NewMessage } from '../../src/core/store.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { commitScript, createScript, fullCommitScript, postScript, removeScript } from './execution-scripts.ts'
import { headChange, headRecord, newHead, newIndexMembers } from './head-record.ts'
import { ownerText, statusCode, timeKey } from './layout.ts'
import type { Argument, Call } from './link.ts'
import type { Packer } from './msgpack.ts'
import { replacesAny, stayingOf } from '../step-replacement.ts'
import { stepBytes, stepField } from './step-record.ts'
import { packedText, packedValue } from './values.ts'

/** Creates executions, each in one script. Gives the record of each that was there. */
export async function createExecutions(
  { link, layout, packer }: Connection,
  executions: readonly NewExecution[],
): Promise<(ExecutionRecord | undefined)[]> {
  const replies = await link.all(
    executions.map((execution) => {
      const members = newIndexMembers(execution)
      const hint = execution.owner === undefined ? 'w' : ''
      return {
        run: createScript,
        keys: layout.executionKeys(execution.id),
        args: [hint, layout.hints, members.length, ...members, ...newHead(execution, packer)],
      }
    }),
  )
  return replies.map((reply, index) => {
    const { id } = executions[index]!
    return reply === null ? undefined : headRecord(id, layout.execution(id), reply, packer)
  })
}

/** Commits, each whole, by scripts that ask for owner and epoch first. */
export async function commitExecutions(
  { link, layout, packer }: Connection,
  commits: readonly ExecutionCommit[],
): Promise<boolean[]> {
  const plain: PlainCommit[] = []
  const calls: Call[] = []
  const places: (readonly number[])[] = []
  for (const [index, commit] of commits.entries()) {
    const change = changeOf(commit, packer)
    const key = layout.execution(commit.id)
    if (change.isPlain) {
      const args = [
        change.set.length,
        ...change.condition,
        change.unfinished.length,
        ...change.set,
        ...change.unfinished,
      ]
      plain.push({ index, id: commit.id, key, args })
      continue
    }
    const counts = [change.removed.length, change.unfinished.length]
    const args = [...change.condition, ...change.moves, layout.hints, ...counts, ...change.removed, ...change.set]
    calls.push({ run: fullCommitScript, keys: layout.executionKeys(commit.id), args: [...args, ...change.unfinished] })
    places.push([index])
  }
  for (const group of link.groupsOf(plain)) {
    calls.push({
      run: commitScript,
      keys: group.map(({ key }) => key),
      args: group.flatMap(({ args }) => args),
    })
    places.push(group.map(({ index }) => index))
  }
  const done: boolean[] = []
  for (const [call, reply] of (await link.all(calls)).entries()) {
    const each = Array.isArray(reply) ? (reply as unknown[]) : [reply]
    for (const [position, index] of places[call]!.entries()) {
      const one = each[position]
      if (one instanceof Buffer)
        throw damaged(`the record of execution "${commits[index]!.id}"`, layout.execution(commits[index]!.id))
      done[index] = one === 1
    }
  }
  return done
}

/** A commit of the hot path, and where it stood in the call. */
interface PlainCommit {
  readonly index: number
  readonly id: string
  readonly key: string
  readonly args: readonly Argument[]
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
