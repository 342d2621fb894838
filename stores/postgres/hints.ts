import type { StoreHint } from '../../src/core/contracts/store.ts'
import { within } from '../sql/within.ts'
import type { PostgresConnection } from './connection.ts'
import { PostgresHintListener } from './hint-listener.ts'
import { channelOf } from './hint-payloads.ts'
import { PostgresHintSender } from './hint-sender.ts'

const closeGraceMs = 1_000

/** What processes notify each other of, over a channel of their schema. */
export class PostgresHints {
  readonly sender: PostgresHintSender
  readonly #listener: PostgresHintListener
  readonly #owners = new Set<string>()

  constructor(connection: PostgresConnection, schema: string) {
    const channel = channelOf(schema)
    this.#listener = new PostgresHintListener(connection, channel)
    this.sender = new PostgresHintSender(connection, channel, (hint) => this.#hasDelivered(hint))
  }

  /** This owner is renewed by way of this store, or no more: what is for it alone need not go by way of the server. */
  ownerIsHere(owner: string, isHere: boolean): void {
    if (isHere) this.#owners.add(owner)
    else this.#owners.delete(owner)
  }

  #hasDelivered(hint: StoreHint): boolean {
    if (hint.type !== 'mail' || !this.#owners.has(hint.owner)) return false
    this.#listener.emit(hint)
    return true
  }

  subscribe(listener: (hint: StoreHint) => void): Promise<() => Promise<void>> {
    return this.#listener.add(listener)
  }

  /** Until nothing is heard any more, and everything is sent, or can't be soon. */
  async close(): Promise<void> {
    this.#listener.close()
    await within(this.sender.close(), closeGraceMs, () => new Error('the server does not answer')).catch(() => {})
  }
}
