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

  constructor(connection: PostgresConnection, schema: string) {
    const channel = channelOf(schema)
    this.sender = new PostgresHintSender(connection, channel)
    this.#listener = new PostgresHintListener(connection, channel)
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
