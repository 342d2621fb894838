import type { ExecutionRecord } from '../../src/core/contracts/execution-record.ts'

/** What is still to begin of one key, in the order in which it does: a heap of which what was taken away is left out on the way. */
class Lane {
  readonly #heap: ExecutionRecord[] = []
  readonly #members = new Set<ExecutionRecord>()

  get size(): number {
    return this.#members.size
  }

  add(record: ExecutionRecord): void {
    this.#members.add(record)
    this.#push(record)
  }

  delete(record: ExecutionRecord): void {
    this.#members.delete(record)
    // Whoever deletes from the middle all the time would fill it with what is gone.
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#members.size) this.#rebuild()
  }

  /** The first ones that are wanted, up to `count`. */
  first(count: number, isWanted: (record: ExecutionRecord) => boolean): ExecutionRecord[] {
    const found: ExecutionRecord[] = []
    const seen: ExecutionRecord[] = []
    while (found.length < count) {
      const record = this.#pop()
      if (record === undefined) break
      if (!this.#members.has(record)) continue
      seen.push(record)
      if (isWanted(record)) found.push(record)
    }
    for (const record of seen) this.#push(record)
    return found
  }

  values(): Iterable<ExecutionRecord> {
    return this.#members
  }

  #rebuild(): void {
    this.#heap.length = 0
    for (const record of this.#members) this.#push(record)
  }

  #push(record: ExecutionRecord): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(record)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (beginsBefore(heap[parent]!, record)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = record
  }

  #pop(): ExecutionRecord | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && beginsBefore(heap[child + 1]!, heap[child]!)) child++
      if (beginsBefore(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

/** What is still to begin, by queue and graph, then by key: what is looked at costs no more the more there is. */
export class ReadyIndex {
  readonly #queues = new Map<string, Map<string, Map<string, Lane>>>()

  add(record: ExecutionRecord): void {
    const graphs = getOrMake(this.#queues, record.queue, () => new Map<string, Map<string, Lane>>())
    const keys = getOrMake(graphs, record.graph, () => new Map<string, Lane>())
    getOrMake(keys, record.key, () => new Lane()).add(record)
  }

  delete(record: ExecutionRecord): void {
    const graphs = this.#queues.get(record.queue)
    const keys = graphs?.get(record.graph)
    const lane = keys?.get(record.key)
    if (lane === undefined) return
    lane.delete(record)
    if (lane.size > 0) return
    keys!.delete(record.key)
    if (keys!.size > 0) return
    graphs!.delete(record.graph)
    if (graphs!.size === 0) this.#queues.delete(record.queue)
  }

  /** The first ones of each key, of so many keys, from the one behind a key on. */
  first(
    queue: string,
    graph: string,
    { behindKey, limit }: { readonly behindKey: string | undefined; readonly limit: number },
    isWanted: (record: ExecutionRecord) => boolean,
  ): ExecutionRecord[] {
    const lanes = this.#queues.get(queue)?.get(graph)
    if (lanes === undefined) return []
    const found: ExecutionRecord[] = []
    let count = 0
    for (const key of keysFrom(lanes, behindKey)) {
      const some = lanes.get(key)!.first(limit, isWanted)
      if (some.length === 0) continue
      for (const record of some) found.push(record)
      if (++count >= limit) break
    }
    return found
  }

  /** All of a queue. */
  *of(queue: string): Iterable<ExecutionRecord> {
    for (const lanes of this.#queues.get(queue)?.values() ?? []) for (const lane of lanes.values()) yield* lane.values()
  }

  get queues(): Iterable<string> {
    return this.#queues.keys()
  }

  keys(queue: string): ReadonlySet<string> {
    return new Set([...(this.#queues.get(queue)?.values() ?? [])].flatMap((lanes) => [...lanes.keys()]))
  }
}

function keysFrom(lanes: ReadonlyMap<string, Lane>, behindKey: string | undefined): readonly string[] {
  if (lanes.size === 1) return [...lanes.keys()]
  const keys = [...lanes.keys()].sort()
  if (behindKey === undefined) return keys
  const first = keys.findIndex((key) => key > behindKey)
  return first < 1 ? keys : [...keys.slice(first), ...keys.slice(0, first)]
}

function beginsBefore(one: ExecutionRecord, other: ExecutionRecord): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt
  return one.id < other.id
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
