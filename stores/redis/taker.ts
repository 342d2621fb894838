import { StoreError } from '../../src/core/errors.ts'
import type { AcquiredExecution, AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import type { Connection } from './connection.ts'
import { replyError, storeError } from './errors.ts'
import { takeScript } from './execution-scripts.ts'
import { headRecord } from './head-record.ts'
import { ownerText } from './layout.ts'
import type { Argument, Reply } from './link.ts'
import { packedLists, unpackedLists } from './packed-lists.ts'
import type { Packed } from './packed-lists.ts'
import { readHeads } from './reader.ts'
import type { Expected, ReadyHeads } from './ready-heads.ts'
import { eachOf } from './script-writes.ts'
import { leaveOut, orElse } from './unreadable.ts'

/** An execution that may be taken if its owner is still this one. */
export interface Candidate {
  readonly id: string
  readonly owner: string
  /** The index member that led to it, or ''. */
  readonly member: string
}

/** Takes candidates up to the limit of a request. @throws StoreError */
export async function take(
  connection: Connection,
  request: AcquireRequest,
  candidates: readonly Candidate[],
  heads?: ReadyHeads,
): Promise<AcquiredExecution[]> {
  return (await takeIf(connection, request, candidates, heads)) ?? []
}

/** The same; undefined, and nothing is taken, where all is not as expected. @throws StoreError */
export async function takeIf(
  connection: Connection,
  request: AcquireRequest,
  candidates: readonly Candidate[],
  heads?: ReadyHeads,
  expected?: Expected,
): Promise<AcquiredExecution[] | undefined> {
  const { owner, sequence = 0, andEnded, ids, limit } = request
  const { layout, packer } = connection
  const ended = ids !== undefined && andEnded === true ? '1' : ''
  const replies = await takeEach(connection, candidates, limit, [ownerText(owner), ended, sequence], expected)
  if (replies === undefined) return undefined
  const tried = replies.slice(0, replies.findLastIndex((reply) => reply !== undefined) + 1 || replies.length)
  heads?.lost(tried.filter((reply) => reply === undefined).length)
  const errors: StoreError[] = []
  const acquired = replies.flatMap((reply, index) => {
    const { id } = candidates[index]!
    if (reply instanceof StoreError) {
      if (!reply.isTransient && ids === undefined) leaveOut(reply)
      else errors.push(reply)
      return []
    }
    if (reply === undefined) return [] // Somebody else was faster, or there were enough.
    heads?.taken(request, candidates[index]!, reply.changes)
    const read = () => headRecord(id, layout.execution(id), reply.head, packer)
    const execution = ids === undefined ? orElse(undefined, read) : read()
    return execution === undefined ? [] : [{ execution, wasLost: reply.wasLost, hasMail: reply.hasMail }]
  })
  // Of these nobody knows whether they were taken: after this error, the caller looks for all that the store thinks it has.
  const unknown = errors.find(({ isTransient }) => isTransient)
  if (unknown !== undefined) throw unknown
  // What was taken must not be lost for those that can't be.
  if (acquired.length === 0 && errors.length > 0) throw errors[0]!
  return acquired
}

interface Taken {
  readonly wasLost: boolean
  readonly hasMail: boolean
  /** The count of changes in its bucket. */
  readonly changes: string
  readonly head: Reply
}

/** What became of each; undefined where somebody else was faster, or as many as the limit had been taken, and for all where not all is as expected. */
async function takeEach(
  connection: Connection,
  all: readonly Candidate[],
  limit: number,
  args: readonly Argument[],
  expected: Expected = { candidates: [], keys: [], args: [] },
): Promise<readonly (Taken | StoreError | undefined)[] | undefined> {
  const { link, layout } = connection
  // One script counts what it takes; several know nothing of each other.
  const candidates = link.groupsOf(all).length > 1 ? all.slice(0, limit) : all
  const groups = link.groupsOf(candidates)
  const replies = await link.tryAll(
    groups.map((group) => ({
      run: takeScript,
      keys: [...group.flatMap(({ id }) => layout.executionKeys(id)), ...expected.keys],
      args: [
        packedLists(group.map((candidate) => [candidate.owner, candidate.member])),
        ...args,
        limit,
        ...expected.args,
      ],
    })),
  )
  if (replies.includes(null)) return undefined
  const taken = new Map<Candidate, Taken | StoreError>()
  for (const [position, group] of groups.entries()) {
    const reply = replies[position]
    const read = reply instanceof Buffer ? (unpackedLists(reply) as readonly Packed[]) : []
    const each = reply instanceof StoreError ? [] : eachOf(read, group.length)
    for (const [at, candidate] of group.entries()) {
      const one = reply instanceof StoreError ? reply : takenOf(each[at]!, layout.execution(candidate.id))
      if (one !== undefined) taken.set(candidate, one)
    }
  }
  const headless = candidates.filter((candidate) => isHeadless(taken.get(candidate)))
  const heads = await readHeads(
    connection,
    headless.map(({ id }) => id),
  )
  for (const [index, candidate] of headless.entries())
    taken.set(candidate, { ...(taken.get(candidate) as Taken), head: heads[index] })
  return candidates.map((candidate) => taken.get(candidate))
}

function takenOf(reply: Packed, key: string): Taken | StoreError | undefined {
  if (reply === null) return undefined
  if (reply instanceof Buffer) return storeError(replyError(reply.toString()), key)
  const [lost, mail, changes, ...head] = reply as readonly Packed[]
  return { wasLost: String(lost) === '1', hasMail: String(mail) === '1', changes: String(changes), head }
}

/** Whether its head is to be read alone. */
function isHeadless(taken: Taken | StoreError | undefined): boolean {
  return taken !== undefined && !(taken instanceof StoreError) && (taken.head as readonly Packed[]).length === 0
}
