import { answeredBy } from '../../src/core/contracts/answered-hint.ts'
import type { StoreHint } from '../../src/core/contracts/store.ts'
import { StoreError } from '../../src/core/errors.ts'
import { describeThrown } from '../../src/core/thrown.ts'
import { isCluster, retryStrategy } from './connect.ts'
import { storeError, storeName } from './errors.ts'
import { ownerOf, unescapeText } from './layout.ts'
import type { Link, RedisClient } from './link.ts'

type Listener = (hint: StoreHint) => void

const checkMs = 10_000

/** Delivers hints to listeners, from a connection of its own that is there while somebody listens. */
export class Hints {
  readonly #link: Link
  readonly #channel: string
  readonly #listeners = new Set<Listener>()
  #subscriber: { readonly client: RedisClient; readonly ready: Promise<void> } | undefined
  #check: NodeJS.Timeout | undefined

  constructor(link: Link, channel: string) {
    this.#link = link
    this.#channel = channel
  }

  async add(listener: Listener): Promise<() => Promise<void>> {
    const own: Listener = (hint) => listener(hint)
    this.#listeners.add(own)
    const remove = async (): Promise<void> => {
      this.#listeners.delete(own)
      if (this.#listeners.size === 0) this.close()
    }
    this.#subscriber ??= this.#connect()
    try {
      await this.#subscriber.ready
    } catch (error) {
      await remove()
      throw this.#refusalOf(error)
    }
    return remove
  }

  close(): void {
    this.#listeners.clear()
    clearInterval(this.#check)
    this.#subscriber?.client.disconnect()
    this.#subscriber = undefined
  }

  /** A user whom the ACL gives no channel gets none by waiting. */
  #refusalOf(thrown: unknown): StoreError {
    const error = storeError(thrown)
    if (!/\bNOPERM\b/.test(error.message)) return error
    const advice = `the ACL must allow its user SUBSCRIBE and PUBLISH on the channel ${this.#channel}: +subscribe +publish &${this.#channel}`
    return new StoreError(storeName, `${describeThrown(error.cause)}; ${advice}`, false, { cause: error.cause })
  }

  #connect(): { client: RedisClient; ready: Promise<void> } {
    const client = duplicateOf(this.#link.client)
    // Errors of connections are followed by attempts to reconnect.
    client.on('error', () => {})
    client.on('message', (channel: string, payload: string) => {
      const hint = channel === this.#channel ? hintOf(payload) : undefined
      if (hint !== undefined) this.#emit(hint)
    })
    let wasReady = false
    client.on('ready', () => {
      if (wasReady) void this.#subscribeAgain(client)
      wasReady = true
    })
    clearInterval(this.#check)
    let isUnderWay = false
    // Not again while one is on its way: a faked clock that leaps calls a thousand times at once.
    this.#check = setInterval(async () => {
      if (isUnderWay) return
      isUnderWay = true
      await this.#makeSure(client)
      isUnderWay = false
    }, checkMs)
    this.#check.unref()
    const ready = this.#link.inTime(client.subscribe(this.#channel).then(() => {}))
    return { client, ready }
  }

  /** Nothing else is sent over it, so nobody would find out that it is dead where a network drops everything. */
  async #makeSure(client: RedisClient): Promise<void> {
    if (client.status !== 'ready') return
    try {
      await this.#link.inTime(client.subscribe(this.#channel))
    } catch {
      if (client.status === 'ready') client.disconnect(true)
    }
  }

  /** What ioredis would do by itself, with a promise that nobody has: it rejects, and ends the process, where the client is closed before the server has answered. */
  async #subscribeAgain(client: RedisClient): Promise<void> {
    try {
      // The client of a cluster does so over connections of its own.
      if (!isCluster(client)) await client.subscribe(this.#channel)
      // What was published while there was no connection is lost.
      this.#emit({ type: 'work' })
    } catch {
      // It is closed, or connects once more.
    }
  }

  #emit(hint: StoreHint): void {
    for (const listener of this.#listeners) listener(hint)
  }
}

/** A connection like another, which never gives up. */
function duplicateOf(client: RedisClient): RedisClient {
  if (isCluster(client)) return client.duplicate([], { clusterRetryStrategy: retryStrategy })
  return client.duplicate({
    retryStrategy,
    maxRetriesPerRequest: null,
    autoResubscribe: false,
    enableOfflineQueue: true,
    lazyConnect: false,
  })
}

function hintOf(payload: string): StoreHint | undefined {
  const name = unescapeText(payload.slice(1))
  switch (payload[0]) {
    case 'r':
      return { type: 'result', key: name }
    case 'e':
      return { type: 'ended', execution: name }
    case 'a':
      return answeredBy(name)
    case 'm':
      return { type: 'mail', owner: ownerOf(payload.slice(1)) ?? '' }
    case 'k':
      return { type: 'shared', key: name }
    case 'w':
      return { type: 'work' }
    case 's':
      return { type: 'schedules' }
    default:
      return undefined
  }
}
