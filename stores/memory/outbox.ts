import type { OutboxEntry, OutboxPlace, OutboxRequest, OutgoingMessage } from '../../src/core/contracts/outbox.ts'

/** Messages that commits have caused, until they are confirmed, in memory. */
export class MemoryOutbox {
  readonly #entries = new Map<string, OutboxEntry>()

  add(source: string, outgoing: readonly OutgoingMessage[] = []): void {
    for (const message of outgoing) this.#entries.set(message.entry, { ...message, source })
  }

  read({ before, after, limit }: OutboxRequest): OutboxEntry[] {
    if (this.#entries.size === 0) return []
    return [...this.#entries.values()]
      .filter((entry) => entry.at < before && (after === undefined || inOrder(after, entry) < 0))
      .toSorted(inOrder)
      .slice(0, limit)
  }

  confirm(entries: readonly OutboxPlace[]): void {
    for (const { entry } of entries) this.#entries.delete(entry)
  }
}

type Place = Pick<OutboxEntry, 'at' | 'entry'>

function inOrder(one: Place, other: Place): number {
  return one.at - other.at || (one.entry < other.entry ? -1 : one.entry > other.entry ? 1 : 0)
}
