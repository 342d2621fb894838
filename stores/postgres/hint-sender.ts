import type { ClientBase } from 'pg'
import type { StoreHint } from '../../src/core/contracts/store.ts'
import type { PostgresConnection } from './connection.ts'
import { payloadOf } from './hint-payloads.ts'

const maxPending = 500

/**
 * Sends hints, after the writes they are about and apart from them: NOTIFY takes a lock of the whole server until its transaction has
 * committed, so writes that notified would wait for each other. One statement at a time sends whatever has come up meanwhile. A hint that
 * is lost costs its waiter a poll.
 */
export class PostgresHintSender {
  readonly #connection: PostgresConnection
  readonly #text: string
  readonly #alone: string
  /** Gives a hint to whom it is for, if that is in this process: whether it did. */
  readonly hasDelivered: (hint: StoreHint) => boolean
  readonly #pending = new Set<string>()
  #sending: Promise<void> | undefined

  constructor(connection: PostgresConnection, channel: string, hasDelivered: (hint: StoreHint) => boolean) {
    this.#connection = connection
    this.hasDelivered = hasDelivered
    const sent = `count(pg_notify('${channel}', a.payload)) from unnest($1::text[]) as a(payload)`
    this.#text = `select ${sent}`
    // Nothing of it is kept, so nobody waits for the disk, least of all with that lock.
    this.#alone = `select set_config('synchronous_commit', 'off', true), ${sent}`
  }

  /** Sends soon. Where it is not known that somebody waits, not when there is much to send. */
  send(hint: StoreHint, isAwaited = true): void {
    const payload = payloadOf(hint)
    if (payload === undefined || this.hasDelivered(hint)) return
    if (!isAwaited && this.#pending.size >= maxPending) return
    this.#pending.add(payload)
    this.#sending ??= this.#sendAll()
  }

  /** Sends as part of the client's transaction, so when it commits; without a client, soon. */
  async sendWithin(hint: StoreHint, client: ClientBase | undefined): Promise<void> {
    const payload = payloadOf(hint)
    if (client === undefined) this.send(hint)
    else if (payload !== undefined) await this.#connection.query({ text: this.#text, parameters: [[payload]] }, client)
  }

  /** Until everything is sent, or could not be. */
  async close(): Promise<void> {
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    // What the same turn has to send goes out together.
    await Promise.resolve()
    try {
      while (this.#pending.size > 0) {
        const payloads = [...this.#pending]
        this.#pending.clear()
        await this.#connection.query({ text: this.#alone, parameters: [payloads] })
      }
    } catch {
      // The server is away. What waits will poll.
    } finally {
      this.#sending = undefined
    }
  }
}
