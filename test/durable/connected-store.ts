import type { SessionLook, Store, StoreSessions } from '../../src/core/contracts/store.ts'
import { outage } from './watched-store.ts'

/** What the clients of one store know of each other: which connections there are, and what owners wrote of theirs. */
export class Connections {
  readonly there = new Set<number>()
  readonly written = new Map<string, string>()
  #count = 0

  connect(): number {
    this.there.add(++this.#count)
    return this.#count
  }
}

/** A client of a store that sees connections end: its own can be cut. */
export class ConnectedStore {
  readonly store: Store
  /** Looks at others. */
  looks = 0
  /** Called before each call over the connection: what it throws, the caller gets. */
  before: () => void = () => {}
  readonly #inner: Store
  readonly #connections: Connections
  readonly #claimed = new Set<string>()
  #connection: number
  #renewals = 0
  #isDead = false

  constructor(inner: Store, connections: Connections) {
    this.#inner = inner
    this.#connections = connections
    this.#connection = connections.connect()
    const sessions: StoreSessions = {
      isClaimed: (owner) => this.#claimed.has(owner),
      look: (owner, ofOthers) => this.#call(async () => this.#look(owner, ofOthers)),
      end: ({ owner, session }) =>
        this.#call(async () => {
          if (this.#connections.written.get(owner) !== session) return false
          this.#connections.written.delete(owner)
          await this.#inner.endOwner(owner)
          return true
        }),
    }
    this.store = new Proxy(inner, {
      get: (target, key) => {
        if (key === 'sessions') return sessions
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        const method = value as (...all: unknown[]) => unknown
        return async (...given: unknown[]): Promise<unknown> => {
          if (key === 'close') return undefined
          if (key === 'renewOwner') return this.#call(() => this.#renew(...(given as [string, number])))
          return this.#call(async () => method.apply(target, given))
        }
      },
    })
  }

  /** The connection ends; with the next call there is another one. */
  cut(): void {
    this.#connections.there.delete(this.#connection)
    this.#connection = 0
  }

  /** The process ends. */
  die(): void {
    this.cut()
    this.#isDead = true
  }

  /** No call gets through, though the connection is there: the server does not answer. */
  stall(): void {
    this.before = () => {
      throw outage()
    }
  }

  mend(): void {
    this.before = () => {}
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isDead) return new Promise(() => {})
    this.before()
    if (this.#connection === 0) this.#connection = this.#connections.connect()
    return work()
  }

  async #renew(owner: string, leaseMs: number): Promise<boolean> {
    const isAlive = await this.#inner.renewOwner(owner, leaseMs)
    if (isAlive) {
      this.#claimed.add(owner)
      this.#connections.written.set(owner, `${this.#connection} ${++this.#renewals}`)
    }
    return isAlive
  }

  #look(owner: string, ofOthers: boolean): SessionLook {
    const { there, written } = this.#connections
    const isHeld = written.get(owner)?.startsWith(`${this.#connection} `) === true
    const state = isHeld ? 'held' : this.#claimed.has(owner) ? 'lost' : 'unclaimed'
    const connection = String(this.#connection)
    if (!ofOthers) return { state, connection }
    this.looks++
    const missing = [...written]
      .filter(([one, session]) => one !== owner && !there.has(Number(session.split(' ')[0])))
      .map(([one, session]) => ({ owner: one, session }))
    return { state, connection, others: { missing, watched: written.size } }
  }
}
