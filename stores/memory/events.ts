import type {
  EmittedEvent,
  EmitVerdict,
  EventDelivery,
  EventWait,
  NewEvent,
  NewEventWait,
} from '../../src/core/contracts/event-record.ts'

/** What is remembered of a wait. */
interface Wait {
  readonly since: number
  seenAt: number
  /** The generation of which its execution has been woken; 0 for none. */
  delivered: number
}

/** Events and who waits for them, in memory. */
export class MemoryEvents {
  readonly #events = new Map<string, NewEvent & EmittedEvent>()
  readonly #waits = new Map<string, Map<string, Wait>>()
  /** Events for which somebody may have to be woken. */
  readonly #pending = new Set<string>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  emit(event: NewEvent): EmitVerdict {
    const known = this.#events.get(event.id)
    if (known?.emission === event.emission) return 'accepted'
    if (known !== undefined && known.expiresAt > this.#now()) return 'duplicate'
    this.#events.set(event.id, { ...event, generation: (known?.generation ?? 0) + 1 })
    if (this.#waits.has(event.id)) this.#pending.add(event.id)
    return 'accepted'
  }

  await({ event, execution, at }: NewEventWait): EmittedEvent | undefined {
    const waits = this.#waits.get(event) ?? new Map<string, Wait>()
    this.#waits.set(event, waits)
    const wait = waits.get(execution) ?? { since: at, seenAt: at, delivered: 0 }
    wait.seenAt = at
    waits.set(execution, wait)
    const found = this.#events.get(event)
    if (found === undefined || wait.since >= found.expiresAt) return undefined
    return { value: found.value, at: found.at, generation: found.generation }
  }

  endWait({ event, execution, at }: NewEventWait): void {
    const waits = this.#waits.get(event)
    if ((waits?.get(execution)?.seenAt ?? at) > at) return
    if (waits?.delete(execution) === true && waits.size === 0) this.#waits.delete(event)
  }

  undelivered(limit: number): EventDelivery[] {
    const deliveries: EventDelivery[] = []
    for (const event of this.#pending) {
      const { generation } = this.#events.get(event)!
      const before = deliveries.length
      for (const [execution, { delivered }] of this.#waits.get(event) ?? []) {
        if (deliveries.length >= limit) return deliveries
        if (delivered < generation) deliveries.push({ event, execution, generation })
      }
      if (deliveries.length === before) this.#pending.delete(event)
    }
    return deliveries
  }

  delivered({ event, execution, generation }: EventDelivery): void {
    const wait = this.#waits.get(event)?.get(execution)
    if (wait !== undefined) wait.delivered = Math.max(wait.delivered, generation)
  }

  oldWaits(before: number, limit: number): EventWait[] {
    return [...this.#waits]
      .flatMap(([event, waits]) => [...waits].map(([execution, { seenAt }]) => ({ event, execution, seenAt })))
      .filter(({ seenAt }) => seenAt < before)
      .toSorted((one, other) => one.seenAt - other.seenAt)
      .slice(0, limit)
      .map(({ event, execution }) => ({ event, execution }))
  }

  purge(limit: number): number {
    let purged = 0
    for (const [id, { expiresAt }] of this.#events) {
      if (purged >= limit) break
      if (expiresAt > this.#now() || this.#waits.has(id)) continue
      this.#events.delete(id)
      this.#pending.delete(id)
      purged++
    }
    return purged
  }
}
