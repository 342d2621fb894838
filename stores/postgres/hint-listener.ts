import type { Client } from 'pg'
import type { StoreHint } from '../../src/core/contracts/store.ts'
import type { PostgresConnection } from './connection.ts'
import { postgresError } from './errors.ts'
import { hintOf } from './hint-payloads.ts'

const firstDelayMs = 100
const lastDelayMs = 30_000

/** Hears the hints of a schema on one connection for all who listen, and connects again when it breaks. */
export class PostgresHintListener {
  readonly #connection: PostgresConnection
  readonly #channel: string
  readonly #listeners = new Set<(hint: StoreHint) => void>()
  #client: Promise<Client> | undefined
  #retry: NodeJS.Timeout | undefined
  #delayMs = firstDelayMs

  constructor(connection: PostgresConnection, channel: string) {
    this.#connection = connection
    this.#channel = channel
  }

  async add(listener: (hint: StoreHint) => void): Promise<() => Promise<void>> {
    // Each subscription is its own, even of one function twice.
    const own = (hint: StoreHint): void => listener(hint)
    this.#listeners.add(own)
    try {
      // While it waits to connect again, that goes on: nothing is missed that would not be polled for.
      if (this.#retry === undefined) await (this.#client ??= this.#connect())
    } catch (thrown) {
      this.#listeners.delete(own)
      this.#client = undefined
      throw postgresError(thrown, this.#connection.server)
    }
    return async () => {
      this.#listeners.delete(own)
      if (this.#listeners.size === 0) await this.close()
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    clearTimeout(this.#retry)
    this.#retry = undefined
    const client = this.#client
    this.#client = undefined
    await client?.then((one) => one.end()).catch(() => {})
  }

  async #connect(): Promise<Client> {
    const client = await this.#connection.createClient()
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      client.end().catch(() => {})
      this.#reconnectLater()
    }
    client.on('notification', ({ payload }) => this.#emit(hintOf(payload ?? '')))
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query(`listen ${this.#channel}`)
    } catch (thrown) {
      await client.end().catch(() => {})
      throw thrown
    }
    client.on('error', over)
    client.on('end', over)
    this.#delayMs = firstDelayMs
    return client
  }

  #reconnectLater(): void {
    this.#client = undefined
    if (this.#listeners.size === 0 || this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      const client = this.#connect()
      this.#client = client
      client.then(
        // What was sent in between was not heard.
        () => this.#emit({ type: 'work' }),
        () => this.#reconnectLater(),
      )
    }, this.#delayMs)
    this.#retry.unref()
    this.#delayMs = Math.min(this.#delayMs * 2, lastDelayMs)
  }

  #emit(hint: StoreHint | undefined): void {
    if (hint !== undefined) for (const listener of this.#listeners) listener(hint)
  }
}
