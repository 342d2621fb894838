import { ExecutionCancelledError } from '../../core/errors.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { Message, StoredValue } from '../../core/contracts/store.ts'
import type { DurableRuntime } from '../context/docket-context.ts'
import { unref } from '../../runtime/store-access/owner-session.ts'
import { sharedResultsOf } from '../../runtime/results/store-results.ts'
import type { Live } from '../ownership/ownership.ts'

const batchSize = 100
const purgeEveryMs = 60_000
const purgePortion = 1_000
const longestScanPauseMs = 500

/**
 * Looks again and again for executions that nobody runs (any more), and for messages to those that run here. Hints make it
 * look at once; without them it looks often enough, since no hint is trusted alone.
 */
export class BackgroundLoop {
  readonly #runtime: DurableRuntime
  readonly #pauseMs: number
  readonly #isOn: boolean
  #timer: unknown
  #scanning: Promise<number> | undefined
  #isWanted = false
  #isStopped = false
  #purgedAt = 0
  #toldAt = 0
  #unlisten: (() => void) | undefined

  constructor(runtime: DurableRuntime, isOn: boolean) {
    this.#runtime = runtime
    this.#isOn = isOn
    this.#pauseMs = Math.min(longestScanPauseMs, runtime.connection.session.leaseMs / 4)
  }

  start(): void {
    this.#unlisten = this.#runtime.connection.listen((hint) => {
      if (hint.type === 'work' && this.#isOn) this.#soon()
      if (hint.type === 'mail' && hint.owner === this.#runtime.connection.session.owner) this.#soon()
    })
    this.#arm(0)
  }

  /** Scans until there is nothing left to take over; tells how many executions now run here because of it. */
  async scan(): Promise<number> {
    // One that began before the call may have looked too early.
    await this.#scanning?.catch(() => 0)
    return (this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = undefined
    }))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unlisten?.()
    this.#runtime.clock.clearTimeout(this.#timer)
    await this.#scanning?.catch(() => 0)
  }

  #soon(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    this.#arm(0)
  }

  #arm(pauseMs: number): void {
    if (this.#isStopped) return
    const { clock } = this.#runtime
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => void this.#tick(), pauseMs)
    unref(this.#timer)
  }

  async #tick(): Promise<void> {
    this.#isWanted = false
    try {
      await this.#runtime.connection.ready()
      if (this.#runtime.live.size > 0 || this.#runtime.arrivals.hasDoubted) await this.#readMail()
      if (this.#isOn) await this.scan()
      this.#tellOwned()
      await this.#purge()
    } catch {
      // The store is away; what matters is told by those who wait for something. Tried again in a moment.
    }
    this.#arm(this.#isWanted ? 0 : this.#pauseMs)
  }

  async #scan(): Promise<number> {
    const { connection, graphs, incompatible, live, arrivals } = this.#runtime
    await connection.ready()
    let count = 0
    for (;;) {
      if (this.#isStopped) return count
      const { owner } = connection.session
      const andOwn = arrivals.takeDoubt()
      const open = andOwn ? arrivals.hold() : undefined
      try {
        const acquiring = connection.store.acquire({
          owner,
          graphs: [...graphs.keys()],
          except: [...incompatible.ids(), ...(andOwn ? [...live.keys(), ...arrivals.ids] : [])],
          andOwn,
          limit: batchSize,
        })
        this.#runtime.acquiring = acquiring
        const acquired = await acquiring
        open?.()
        const resumed = (await this.#runtime.resumption.resume(acquired)).length
        count += resumed
        if (acquired.length < batchSize) return count
        // Nothing of all these fits: the rest has time until the next look.
        if (resumed === 0 && incompatible.isFull) return count
      } catch (error) {
        arrivals.doubt()
        throw error
      } finally {
        open?.()
      }
    }
  }

  async #readMail(): Promise<void> {
    const { connection } = this.#runtime
    for (const message of await connection.store.readMail(connection.session.owner, batchSize)) this.#take(message)
  }

  #take({ execution, kind, seq, payload }: Message): void {
    const live = this.#runtime.live.get(execution)
    if (live === undefined) {
      if (!this.#runtime.arrivals.has(execution)) void this.#takeForUnknown(execution, kind).catch(() => {})
      return
    }
    const place = { graph: live.graph, executionId: execution }
    const error = new ExecutionCancelledError(`execution "${execution}" was cancelled on request`, place)
    if (kind === 'cancel') {
      void this.#cancel(live, error, payload)
      live.consume(seq)
    } else if (kind === 'delete') {
      live.cancel(error)
      void live.departure.then(() => this.#runtime.deleteUnowned(execution)).catch(() => {})
    } else if (kind === 'retry') {
      live.consume(seq)
      if (live.hasEnded) void this.#retryLater(execution)
    }
  }

  async #cancel(live: Live, error: ExecutionCancelledError, reason: StoredValue | undefined): Promise<void> {
    try {
      const { encoding } = this.#runtime.connection
      if (reason !== undefined) error.cause = await encoding.decodeError(reason, ['message', live.id])
    } catch {
      // Cancelled all the same; only the reason can't be read.
    }
    live.cancel(error)
  }

  /** A message for what the store thinks is this process's, and does not live here: answers were lost. */
  async #takeForUnknown(id: string, kind: string): Promise<void> {
    const [record] = await this.#runtime.connection.store.get([id])
    if (record === undefined || this.#runtime.live.has(id)) return
    if (!isTerminal(record.status)) this.#runtime.arrivals.doubt()
    else if (kind === 'delete') await this.#runtime.deleteUnowned(id)
    else if (kind === 'retry' && record.status !== 'completed') await this.#runtime.reopen(id)
  }

  async #retryLater(id: string): Promise<void> {
    try {
      const [record] = await this.#runtime.connection.store.get([id])
      if (record !== undefined && (record.status === 'failed' || record.status === 'cancelled'))
        await this.#runtime.reopen(id)
    } catch {
      // Whoever asked for it asks again: the execution is as it was.
    }
  }

  /** A process that dies has told how long it owned its executions, to within a lease. */
  #tellOwned(): void {
    const { clock, connection, live } = this.#runtime
    const now = clock.now()
    if (now - this.#toldAt < connection.session.leaseMs) return
    this.#toldAt = now
    for (const one of live.values()) one.tellOwned()
  }

  /** Removes what has expired, a portion at a time. */
  async #purge(): Promise<void> {
    const now = this.#runtime.clock.now()
    if (now - this.#purgedAt < purgeEveryMs) return
    const purged = await this.#runtime.connection.store.purgeResults(purgePortion)
    // A full portion means that there is more: next time round.
    if (purged < purgePortion) this.#purgedAt = now
    for (const store of this.#runtime.ownStores) await sharedResultsOf(store).purge(purgePortion)
  }
}
