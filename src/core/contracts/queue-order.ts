import type { QueueLimits, QueueRate } from './queue-record.ts'

/** An execution that could be acquired, as far as its turn depends on it. */
export interface Candidate {
  readonly id: string
  /** The key that it is in turn with; '' for none. */
  readonly key: string
  readonly priority: number
  /** Sorts as `createdAt` does. */
  readonly age: number | string
  /** Whether it is still to begin, and nobody's: all others go on first, by age. */
  readonly isNew: boolean
}

/** How much of a queue may be acquired. */
export interface QueueRoom {
  readonly total: number
  /** Of these, how many that are still to begin. */
  readonly toBegin: number
  /** How many more of one key. */
  readonly ofKey: (key: string) => number
}

/** Room that nothing limits but the caller. */
export function unlimitedRoom(limit: number): QueueRoom {
  return { total: limit, toBegin: limit, ofKey: () => limit }
}

/** How much room limits leave; `running` counts what living processes own, by key; `freeAt` is what the rate's last one left. */
export function roomWithin(
  { concurrency, rate }: QueueLimits,
  running: ReadonlyMap<string, number>,
  { limit, freeAt, now }: { readonly limit: number; readonly freeAt: number; readonly now: number },
): QueueRoom {
  const toBegin = rate === undefined ? limit : Math.min(limit, startsLeft(rate, freeAt, now))
  if (concurrency === undefined) return { total: limit, toBegin, ofKey: () => limit }
  if (concurrency.isPerKey)
    return { total: limit, toBegin, ofKey: (key) => Math.max(0, concurrency.limit - (running.get(key) ?? 0)) }
  let sum = 0
  for (const count of running.values()) sum += count
  return { total: Math.min(limit, Math.max(0, concurrency.limit - sum)), toBegin, ofKey: () => limit }
}

/**
 * The generic cell rate algorithm (ITU-T I.371), with one time as its state: `freeAt` is when the next one would begin if all
 * were evenly spaced. Gives how many may begin now.
 */
export function startsLeft({ limit, perMs, burst }: QueueRate, freeAt: number, now: number): number {
  const interval = perMs / limit
  // Times are floating point numbers: a start that is due at this very moment must not be missed by a rounding.
  return Math.max(0, Math.floor((now + burst * interval - Math.max(freeAt, now)) / interval + 1e-6))
}

/** When the next one may begin, by the same algorithm; in the past where one may now. */
export function nextStartAt({ limit, perMs, burst }: QueueRate, freeAt: number): number {
  return freeAt - (burst - 1) * (perMs / limit)
}

/** The state after so many have begun. */
export function freeAtAfter({ limit, perMs }: QueueRate, freeAt: number, now: number, begun: number): number {
  return Math.max(freeAt, now) + (begun * perMs) / limit
}

/**
 * Of what could be acquired, what is: first what has begun, then what is still to begin, of each key in turn, from the key behind the
 * last one on; of one key by priority, then age.
 */
export function inTurn<Item extends Candidate>(
  candidates: readonly Item[],
  behindKey: string | undefined,
  { total, toBegin, ofKey }: QueueRoom,
): Item[] {
  const chosen: Item[] = []
  const left = new Map<string, number>()
  const take = (item: Item): boolean => {
    if (chosen.length >= total) return false
    const room = left.get(item.key) ?? ofKey(item.key)
    if (room <= 0) return false
    left.set(item.key, room - 1)
    chosen.push(item)
    return true
  }
  for (const item of candidates.filter(({ isNew }) => !isNew).sort(byAge)) take(item)
  const lanes = Map.groupBy(candidates.filter(({ isNew }) => isNew).sort(byPriority), ({ key }) => key)
  const isBehind = (key: string): boolean => behindKey === undefined || key > behindKey
  const keys = [...lanes.keys()].sort(
    (one, other) => Number(isBehind(other)) - Number(isBehind(one)) || (one < other ? -1 : 1),
  )
  let begun = 0
  for (let turn = 0, isThereMore = true; isThereMore && begun < toBegin && chosen.length < total; turn++) {
    isThereMore = false
    for (const key of keys) {
      const item = lanes.get(key)![turn]
      if (item === undefined || begun >= toBegin) continue
      isThereMore = true
      if (take(item)) begun++
    }
  }
  return chosen
}

function byPriority(one: Candidate, other: Candidate): number {
  return other.priority - one.priority || byAge(one, other)
}

function byAge(one: Candidate, other: Candidate): number {
  return compare(one.age, other.age) || compare(one.id, other.id)
}

function compare(one: number | string, other: number | string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
