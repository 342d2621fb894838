import { inTurn } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { BacklogRequest, QueueBacklog } from '../../src/core/contracts/queue-record.ts'
import type { AcquireRequest, ExecutionPlace, ExecutionRecord } from '../../src/core/contracts/execution-record.ts'
import { isToBegin } from './execution-index.ts'
import type { ExecutionIndex } from './execution-index.ts'
import type { MemoryQueues } from './queues.ts'

/** What is needed to choose among executions. */
interface Choosing {
  readonly index: ExecutionIndex
  readonly queues: MemoryQueues
  readonly isAlive: (owner: string) => boolean
  readonly now: () => number
  readonly get: (id: string) => ExecutionRecord | undefined
  /** The number of the last call that wrote to one. */
  readonly sequenceOf: (id: string) => number
  /** Takes one out of its parking. */
  readonly unpark: (id: string) => void
}

/** Which executions of a queue a process is to have, in the order in which they are to go on. */
export function chooseReady(
  { index, queues, isAlive, now, get, sequenceOf, unpark }: Choosing,
  { owner, sequence = 0, graphs = [], queue = defaultQueue, behindKey, andOwn, except, ranges, limit }: AcquireRequest,
): readonly ExecutionRecord[] {
  if (limit < 1 || graphs.length === 0) return []
  const isFree = (other: string): boolean => other === '' || (other === owner ? andOwn === true : !isAlive(other))
  const left = new Set(except)
  // What it has by an answer that was lost counts where it is given again.
  const isCounted = (other: string, id: string): boolean => andOwn !== true || other !== owner || left.has(id)
  const room = queues.roomOf(queue, limit, () => runningOf({ index, isAlive, get }, queue, isCounted))
  if (room === undefined || room.total < 1) return []
  const named = new Set(graphs)
  const found: ExecutionRecord[] = []
  const consider = (record: ExecutionRecord | undefined): void => {
    if (record === undefined || record.queue !== queue || !named.has(record.graph) || left.has(record.id)) return
    const { after, upTo } = ranges?.get(record.graph) ?? {}
    const isBound = record.owner === undefined && record.parkedAt === undefined
    if (isBound && after !== undefined && olderFirst(record, after) <= 0) return
    if (isBound && upTo !== undefined && olderFirst(record, upTo) > 0) return
    found.push(record)
  }
  const due = [...index.dueBy(now())]
  for (const id of due) {
    if (get(id)?.status === 'pending') unpark(id)
    else consider(get(id))
  }
  const isLate = (other: string, id: string): boolean => other === owner && sequence < sequenceOf(id)
  for (const [other, ids] of index.unfinished)
    if (isFree(other)) for (const id of ids) if (!isLate(other, id)) consider(get(id))
  const ranged: ExecutionRecord[] = []
  for (const graph of named) {
    if (ranges?.get(graph) !== undefined) {
      for (const record of index.ready.of(queue)) if (record.graph === graph) ranged.push(record)
      continue
    }
    const isWanted = ({ id, key }: ExecutionRecord): boolean => !left.has(id) && room.ofKey(key) > 0
    for (const record of index.ready.first(queue, graph, { behindKey, limit }, isWanted)) found.push(record)
  }
  for (const record of ranged.sort(olderFirst)) consider(record)
  const candidates = found.map((record) => {
    const { id, key, priority, createdAt: age } = record
    return { id, key, priority, age, isNew: isToBegin(record), record }
  })
  const chosen = inTurn(candidates, behindKey, room)
  queues.began(queue, chosen.filter(({ isNew }) => isNew).length)
  return chosen.map(({ record }) => record)
}

/** How many executions of a queue living processes own, by key. */
function runningOf(
  { index, isAlive, get }: Pick<Choosing, 'index' | 'isAlive' | 'get'>,
  queue: string,
  isCounted: (owner: string, id: string) => boolean,
): ReadonlyMap<string, number> {
  const running = new Map<string, number>()
  for (const [owner, ids] of index.unfinished) {
    if (owner === '' || !isAlive(owner)) continue
    for (const id of ids) {
      const record = get(id)!
      if (record.queue === queue && isCounted(owner, id)) running.set(record.key, (running.get(record.key) ?? 0) + 1)
    }
  }
  return running
}

/** What a queue has. */
export function countBacklog(
  { index, isAlive, now, get }: Omit<Choosing, 'queues' | 'sequenceOf' | 'unpark'>,
  { queue, upTo, key }: BacklogRequest,
): QueueBacklog {
  let [ready, running, waiting, overdue] = [0, 0, 0, 0]
  let oldestReadyAt: number | undefined
  const isCounted = (record: ExecutionRecord): boolean =>
    record.queue === queue && (key === undefined || record.key === key)
  const count = (record: ExecutionRecord): void => {
    if (!isCounted(record)) return
    ready++
    if (record.createdAt < (oldestReadyAt ?? Infinity)) oldestReadyAt = record.createdAt
  }
  for (const record of index.ready.of(queue)) count(record)
  for (const [owner, ids] of index.unfinished) {
    const isRunning = owner !== '' && isAlive(owner)
    for (const id of ids) {
      const record = get(id)!
      if (!isRunning) count(record)
      else if (isCounted(record)) running++
    }
  }
  for (const id of index.parkedIn(queue)) {
    const record = get(id)!
    if (!isCounted(record)) continue
    waiting++
    if (record.dueAt !== undefined && record.dueAt <= now()) overdue++
  }
  const most = (some: number): number => Math.min(some, upTo)
  return {
    ready: most(ready),
    running: most(running),
    waiting: most(waiting),
    overdue: most(overdue),
    oldestReadyAt,
  }
}

function olderFirst(one: ExecutionPlace, other: ExecutionPlace): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)
}
