import type { Client } from 'pg'
import type { StoreHint } from '../../src/core/contracts/store.ts'
import type { PostgresConnection } from './connection.ts'
import { hintOf } from './hint-payloads.ts'

const firstDelayMs = 100
const lastDelayMs = 30_000

/** Hears the hints of a schema for all listeners, over the connection apart from the pool, and goes on when that is made anew. */
export class PostgresHintListener {
  readonly #connection: PostgresConnection
  readonly #channel: string
  readonly #listeners = new Set<(hint: StoreHint) => void>()
  #attaching: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #delayMs = firstDelayMs
  /** Whether something may have been sent while nobody heard it. */
  #isBehind = false

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
      if (this.#retry === undefined) await (this.#attaching ??= this.#attach())
    } catch (thrown) {
      this.#listeners.delete(own)
      this.#attaching = undefined
      throw thrown
    }
    return async () => {
      this.#listeners.delete(own)
      if (this.#listeners.size === 0) this.close()
    }
  }

  close(): void {
    this.#listeners.clear()
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#attaching = undefined
    this.#connection.detach()
  }

  #attach(): Promise<void> {
    return this.#connection.attach({
      begin: (client) => this.#listen(client),
      lost: () => {
        this.#isBehind = true
        this.#attachLater()
      },
    })
  }

  async #listen(client: Client): Promise<void> {
    client.on('notification', ({ payload }) => this.emit(hintOf(payload ?? '')))
    await client.query(`listen ${this.#channel}`)
    this.#delayMs = firstDelayMs
    if (!this.#isBehind) return
    this.#isBehind = false
    this.emit({ type: 'work' })
  }

  #attachLater(): void {
    if (this.#listeners.size === 0 || this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#attaching = this.#attach()
      this.#attaching.catch(() => this.#attachLater())
    }, this.#delayMs)
    this.#retry.unref()
    this.#delayMs = Math.min(this.#delayMs * 2, lastDelayMs)
  }

  emit(hint: StoreHint | undefined): void {
    if (hint !== undefined) for (const listener of this.#listeners) listener(hint)
  }
}
