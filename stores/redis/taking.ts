import { StoreError } from '../../src/core/errors.ts'
import type { AcquiredExecution, AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import { inTurn, unlimitedRoom } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { HeadReply } from './bucket-heads.ts'
import type { Connection } from './connection.ts'
import { replyError, storeError } from './errors.ts'
import { takeScript } from './execution-scripts.ts'
import { headRecord } from './head-record.ts'
import { escapeText, ownerText } from './layout.ts'
import type { Argument, Reply } from './link.ts'
import { lookScript } from './look-script.ts'
import { packedLists, unpackedLists } from './packed-lists.ts'
import type { Packed } from './packed-lists.ts'
import { readHeads } from './reader.ts'
import type { ReadyHeads } from './ready-heads.ts'
import type { ReadyCandidate } from './ready-looks.ts'
import { eachOf } from './script-writes.ts'
import { leaveOut, orElse } from './unreadable.ts'

/** An execution that may be taken if its owner is still this one. */
export interface Candidate {
  readonly id: string
  readonly owner: string
  /** The index member that led to it, or ''. */
  readonly member: string
}

/** Takes candidates by a script for each slot, no more than the limit. */
export async function take(
  connection: Connection,
  request: AcquireRequest,
  candidates: readonly Candidate[],
  heads?: ReadyHeads,
): Promise<AcquiredExecution[]> {
  const { owner, sequence = 0, andEnded, ids, limit } = request
  const ended = ids !== undefined && andEnded === true ? '1' : ''
  const replies = await takeEach(connection, candidates, limit, [ownerText(owner), ended, sequence])
  return acquiredOf(connection, request, candidates, replies, heads)
}

/**
 * Takes what would be found if nothing had changed since the last look; where something has, gives what there is now. Undefined where one script can't know either.
 */
export async function takeExpected(
  connection: Connection,
  request: AcquireRequest,
  heads: ReadyHeads,
): Promise<{ readonly known: readonly ReadyCandidate[]; readonly taken?: readonly AcquiredExecution[] } | undefined> {
  const { link, layout } = connection
  const { owner, queue = defaultQueue, behindKey, sequence = 0, limit } = request
  const expected = link.isOneServer ? heads.expected(request) : undefined
  if (expected === undefined) return undefined
  const behind = behindKey === undefined ? undefined : escapeText(behindKey)
  const known = inTurn(expected.candidates, behind, unlimitedRoom(limit + heads.spare))
  const [state] = layout.queueKeys(queue)
  const reply = await link.one({
    run: lookScript,
    keys: [state, layout.leases, ...expected.keys, ...known.flatMap(({ id }) => layout.executionKeys(id))],
    args: [argumentOf(known), ownerText(owner), '', sequence, limit, ...expected.args],
  })
  if (!Array.isArray(reply)) {
    heads.wasUnexpected()
    return undefined
  }
  const [first, ...rest] = reply as readonly unknown[]
  const read = rest as readonly HeadReply[]
  if (!(first instanceof Buffer)) {
    const found = await heads.findAmong(request, first as number, read)
    return found && { known: found }
  }
  const taken = new Map<Candidate, Taken | StoreError>()
  putTaken(taken, connection, known, first)
  const replies = await withHeads(connection, known, taken)
  const acquired = await acquiredOf(connection, request, known, replies, heads)
  heads.readAgain(request, read)
  return { known, taken: acquired }
}

/** What was taken of candidates, by what became of each. */
async function acquiredOf(
  { layout, packer }: Connection,
  request: AcquireRequest,
  candidates: readonly Candidate[],
  replies: readonly (Taken | StoreError | undefined)[],
  heads: ReadyHeads | undefined,
): Promise<AcquiredExecution[]> {
  const { ids } = request
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

/** What became of each; undefined where somebody else was faster, or as many as the limit had been taken. */
async function takeEach(
  connection: Connection,
  all: readonly Candidate[],
  limit: number,
  args: readonly Argument[],
): Promise<readonly (Taken | StoreError | undefined)[]> {
  const { link, layout } = connection
  // One script counts what it takes; several know nothing of each other.
  const candidates = link.groupsOf(all).length > 1 ? all.slice(0, limit) : all
  const groups = link.groupsOf(candidates)
  const replies = await link.tryAll(
    groups.map((group) => ({
      run: takeScript,
      keys: group.flatMap(({ id }) => layout.executionKeys(id)),
      args: [argumentOf(group), ...args, limit],
    })),
  )
  const taken = new Map<Candidate, Taken | StoreError>()
  for (const [position, group] of groups.entries()) {
    const reply = replies[position]
    if (reply instanceof StoreError) for (const candidate of group) taken.set(candidate, reply)
    else putTaken(taken, connection, group, reply)
  }
  return withHeads(connection, candidates, taken)
}

function argumentOf(candidates: readonly Candidate[]): Buffer {
  return packedLists(candidates.map(({ owner, member }) => [owner, member]))
}

function putTaken(
  taken: Map<Candidate, Taken | StoreError>,
  { layout }: Connection,
  group: readonly Candidate[],
  reply: Reply,
): void {
  const each = eachOf(reply instanceof Buffer ? (unpackedLists(reply) as readonly Packed[]) : [], group.length)
  for (const [at, candidate] of group.entries()) {
    const one = takenOf(each[at]!, layout.execution(candidate.id))
    if (one !== undefined) taken.set(candidate, one)
  }
}

/** All that were taken: heads for which a reply had no room are read. */
async function withHeads(
  connection: Connection,
  candidates: readonly Candidate[],
  taken: Map<Candidate, Taken | StoreError>,
): Promise<readonly (Taken | StoreError | undefined)[]> {
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
