import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { QueueLimits } from '../core/contracts/queue-record.ts'
import { nextStartAt } from '../core/contracts/queue-order.ts'
import { limitsOf } from '../core/contracts/queue-state.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { allAnswers } from '../runtime/store-access/all-answers.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { ExecutionDetails } from './records/execution-info.ts'
import { isDetached } from './records/graph-hash.ts'
import type { LeaseInfo } from './records/lease-info.ts'
import type { LimitInfo } from './records/step-info.ts'

const mostHolders = 20
// These are read whole.
const recordsPerPage = 50
const mostPages = 4

/** The limits of its queue that an execution waits for which nobody runs, and who holds them; undefined where none does. @throws StoreError */
export async function queueWaitOf(
  context: DocketContext,
  record: ExecutionRecord,
  lease: LeaseInfo | undefined,
): Promise<ExecutionDetails['waitsFor']> {
  const { queue, startedAt } = record
  if (lease?.isAlive === true || !isReady(record, context.clock.now())) return undefined
  const { connection } = context
  const { store } = connection
  return connection.patiently(async () => {
    const [state] = allAnswers(store, 'readQueues', [queue], await store.readQueues([queue]))
    // A limit is judged once the queue goes on.
    if (state?.pausedAt !== undefined) return undefined
    const { concurrency, rate } = limitsOf(state)
    const limits: LimitInfo[] = []
    if (concurrency !== undefined) {
      const full = await fullConcurrency(context, record, concurrency)
      if (full !== undefined) limits.push(full)
    }
    // What goes on has begun already.
    if (rate !== undefined && startedAt === undefined) {
      const { freeAt } = state!
      const now = connection.clock.now()
      const leftMs = nextStartAt(rate, freeAt) - ((await store.time?.()) ?? now)
      if (leftMs > 0)
        limits.push({
          ...ofQueue(queue),
          kind: 'rate',
          limit: rate.limit,
          perMs: rate.perMs,
          nextAt: new Date(now + leftMs),
        })
    }
    return limits.length === 0 ? undefined : { kind: 'limit', limits }
  })
}

/** Whether a process could go on with it now, as far as times and messages are concerned. */
function isReady(record: ExecutionRecord, now: number): boolean {
  const { status, startAt, startedAt, parkedAt, dueAt } = record
  if (isTerminal(status) || isDetached(record)) return false
  if (parkedAt !== undefined) return dueAt !== undefined && dueAt <= now
  return startAt === undefined || startedAt !== undefined || startAt <= now
}

/** What runs of the queue, and of the key where each counts by itself; undefined where one more may. */
async function fullConcurrency(
  context: DocketContext,
  record: ExecutionRecord,
  { limit, isPerKey }: NonNullable<QueueLimits['concurrency']>,
): Promise<LimitInfo | undefined> {
  const { store } = context.connection
  const { queue } = record
  const key = isPerKey ? record.key : undefined
  const requests = [{ queue, key, upTo: limit }]
  const [backlog] = allAnswers(store, 'backlog', requests, await store.backlog(requests))
  if (backlog!.running < limit) return undefined
  const heldBy = await holdersOf(context, queue, key)
  // It has begun since its record was read.
  if (heldBy.includes(record.id)) return undefined
  return { ...ofQueue(queue), kind: 'concurrency', key, limit, heldBy: heldBy.slice(0, mostHolders) }
}

function ofQueue(queue: string): LimitInfo {
  return {
    kind: 'concurrency',
    scope: 'queue',
    id: queue,
    key: undefined,
    limit: undefined,
    perMs: undefined,
    heldBy: [],
    nextAt: undefined,
  }
}

/** Executions of the queue that a living process has. */
async function holdersOf(
  { connection: { store } }: DocketContext,
  queue: string,
  key: string | undefined,
): Promise<readonly string[]> {
  const holders: string[] = []
  let after: ExecutionRecord | undefined
  for (let page = 0; page < mostPages && holders.length < mostHolders; page++) {
    const records = await store.list({ queue, key, statuses: owned, limit: recordsPerPage, after })
    const held = records.filter(({ owner, parkedAt }) => owner !== undefined && parkedAt === undefined)
    const owners = [...new Set(held.map(({ owner }) => owner!))]
    const states = owners.length === 0 ? [] : allAnswers(store, 'readOwners', owners, await store.readOwners(owners))
    const alive = new Set(owners.filter((_, index) => states[index]?.isAlive === true))
    for (const { id, owner } of held) if (alive.has(owner!)) holders.push(id)
    if (records.length < recordsPerPage) break
    after = records.at(-1)
  }
  return holders
}

const owned: readonly ExecutionStatus[] = ['running', 'waiting', 'compensating']
