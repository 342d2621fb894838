import { StoreError } from '../../src/core/errors.ts'
import { SilentConnections } from './silent-connections.ts'

/** What is lent, and how it is given back. */
interface Loan<Client> {
  readonly client: Client
  isOver: boolean
  /** The wait for the work is over, though it goes on. */
  takeBack: (error: StoreError) => void
}

/** A pool, as far as it lends. */
export interface LendingPool<Client> {
  connect(): Promise<Client>
  /** `isGood` says whether the client may be used again. */
  giveBack(client: Client, isGood: boolean): void
  /** What a client is connected by, where it shows that. */
  socketOf(client: Client): unknown
  /** How many connections it may have, where that is known. */
  readonly max: number | undefined
  /** Where it connects to, of a pool that lends to this one alone; undefined for that of a user. */
  readonly server: string | undefined
}

/**
 * Connections of a pool, lent for a piece of work each. Pools wait without end for one that is free; here that ends after `waitMs`, and at
 * once when the store is closed. Nor is there an end to what is sent over a connection that has died without a word: that one is thrown away.
 */
export class Lender<Client extends object> {
  readonly #store: string
  readonly #pool: LendingPool<Client>
  readonly #waitMs: number
  readonly #waiting = new Set<(error: StoreError) => void>()
  readonly #loans = new Set<Loan<Client>>()
  readonly #silent = new SilentConnections()
  #isClosed = false
  #hasConnected = false
  #onIdle: (() => void) | undefined

  constructor(store: string, pool: LendingPool<Client>, waitMs: number) {
    this.#store = store
    this.#pool = pool
    this.#waitMs = waitMs
  }

  /** @throws StoreError when no connection is free in time, or it falls silent; else what the pool or the work throws */
  async lend<T>(
    work: (client: Client) => Promise<T>,
    isGoodAfter: (thrown: unknown) => boolean,
    waitMs: number = this.#waitMs,
  ): Promise<T> {
    const loan: Loan<Client> = { client: await this.#connect(waitMs), isOver: false, takeBack: () => {} }
    this.#loans.add(loan)
    const takenBack = new Promise<never>((_, reject) => {
      loan.takeBack = reject
    })
    let isGood = false
    const endWatch = this.#silent.watch(this.#pool.socketOf(loan.client), () =>
      loan.takeBack(
        new StoreError(
          this.#store,
          'nothing comes over its connection any more, or a statement takes too long; another one is made',
          true,
        ),
      ),
    )
    try {
      const made = await Promise.race([work(loan.client), takenBack])
      isGood = true
      return made
    } catch (thrown) {
      isGood = isGoodAfter(thrown)
      throw thrown
    } finally {
      endWatch(isGood)
      this.#end(loan, isGood)
    }
  }

  /** Nothing is lent any more. What is lent comes back within `graceMs`, or is taken from whoever has it. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    for (const reject of this.#waiting) reject(new StoreError(this.#store, 'it is closed', false))
    if (this.#loans.size > 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    for (const loan of this.#loans) {
      this.#end(loan, false)
      loan.takeBack(new StoreError(this.#store, 'it was closed before there was an answer', true))
    }
  }

  #end(loan: Loan<Client>, isGood: boolean): void {
    if (loan.isOver) return
    loan.isOver = true
    this.#loans.delete(loan)
    this.#pool.giveBack(loan.client, isGood)
    if (this.#loans.size === 0) this.#onIdle?.()
  }

  #connect(waitMs: number): Promise<Client> {
    if (this.#isClosed) return Promise.reject(new StoreError(this.#store, 'it is closed', false))
    return new Promise((resolve, reject) => {
      let isOver = false
      const end = (): boolean => {
        if (isOver) return false
        isOver = true
        clearTimeout(timer)
        this.#waiting.delete(fail)
        return true
      }
      const fail = (error: unknown): void => {
        // oxlint-disable-next-line prefer-promise-reject-errors -- what the driver throws is passed on as it is
        if (end()) reject(error)
      }
      const timer = setTimeout(() => fail(this.#lateError(waitMs)), waitMs)
      this.#waiting.add(fail)
      this.#pool.connect().then((client) => {
        this.#hasConnected = true
        if (end()) resolve(client)
        // It comes too late for this one.
        else this.#pool.giveBack(client, true)
      }, fail)
    })
  }

  #lateError(waitMs: number): StoreError {
    const { max, server } = this.#pool
    if (server !== undefined && !this.#hasConnected) {
      const silent = `no connection could be made within ${waitMs} ms: what listens at ${server} does not answer; is it the ${this.#store} server, and are host and port right?`
      return new StoreError(this.#store, silent, true)
    }
    const all = max === undefined ? 'all connections of its pool' : `all connections of its pool (${max})`
    const message = `no connection was free within ${waitMs} ms: ${all} are lent out, or can't be made; give the pool a larger maximum, and look for clients that are never given back`
    return new StoreError(this.#store, message, true)
  }
}
