import { outsideCalls } from '../environment/async-context.ts'
import type { Store } from '../../core/contracts/store.ts'
import { unref } from '../environment/long-timeout.ts'
import type { FullClock } from '../environment/clock.ts'
import { freshMs, Heartbeat } from './heartbeat.ts'
import type { UnheardFailures } from './unheard-failures.ts'
import { withResolvers } from '../../core/own-promise.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** How an owner lives. */
export interface SessionOptions {
  readonly store: Store
  /** This process's own: a machine that was suspended is known by it. */
  readonly clock: FullClock
  readonly leaseMs: number
  /** Begins the owner's id, for people who read the tables. */
  readonly name: string
  readonly randomId: () => string
  /** What an owner says of itself to others, once. @default nothing */
  readonly describe?: ((owner: string) => string) | undefined
  readonly random: () => number
  readonly failures: UnheardFailures
  /** The lease has run out: whatever is owned belongs to others. A new owner takes the place. `cause` is what renewals failed with, if they did. */
  readonly onLost: (cause: unknown) => void
  /** The store has ended other owners: there may be work. */
  readonly onOthersEnded: () => void
  /** The event loop did not turn for so long. */
  readonly onBlocked: (durationMs: number) => void
  /** The lease goes on; called after each renewal but the first. */
  readonly onRenewed: () => void
}

/** Whether a machine that may have slept still has its lease. */
interface Uncertainty {
  readonly isHeld: Promise<boolean>
  readonly resolve: (isHeld: boolean) => void
  /** How much too late the renewal is by the time of day; undefined where that has been reported. */
  readonly lateMs: number | undefined
}

/**
 * The right of this process to own executions and claims, renewed on a timer for as long as the event loop turns. A lease
 * that could not be renewed in time is lost, even if the store can't be reached: others may own everything by now.
 */
export class OwnerSession {
  readonly #options: SessionOptions
  #owner: string
  #validUntil = -Infinity
  /** The same as a time of day. */
  #validUntilByDay = -Infinity
  /** Until then nobody can have taken the end of this process's connection for its own. */
  #freshUntil = Infinity
  /** The same as a time of day. */
  #freshUntilByDay = Infinity
  readonly #heartbeat: Heartbeat | undefined
  /** The lease may have run out while the machine slept: resolves with what the store says. */
  #uncertainty: Uncertainty | undefined
  #registering: Promise<void> | undefined
  #timer: unknown
  #guard: unknown
  /** When the next renewal is due; undefined while one is under way. */
  #tickDueAt: number | undefined
  #tickDueAtByDay = 0
  /** What the last renewal failed with. */
  #failure: unknown
  #isClosed = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.#owner = this.#newOwner()
    const { sessions } = options.store
    if (sessions !== undefined)
      this.#heartbeat = new Heartbeat({
        sessions,
        clock: options.clock,
        random: options.random,
        owner: () => this.#owner,
        onHeld: (owner, askedAt, askedAtByDay) => {
          if (owner === this.#owner) this.#freshenAt(askedAt, askedAtByDay)
        },
        onLost: () => void this.#tick(),
        onOthersEnded: options.onOthersEnded,
        onFailure: options.failures.of('looking after the connection by which others see this process'),
      })
  }

  /** The id under which this process owns. */
  get owner(): string {
    return this.#owner
  }

  get leaseMs(): number {
    return this.#options.leaseMs
  }

  /** By how much the next renewal is late, in milliseconds; 0 while one is under way, or there is nothing to renew. */
  get lateMs(): number {
    if (this.#tickDueAt === undefined || this.#isClosed) return 0
    return Math.max(0, this.#options.clock.elapsed() - this.#tickDueAt)
  }

  /** Makes sure that the owner is registered. @throws StoreError */
  ready(): Promise<void> {
    if (this.#validUntil > this.#options.clock.elapsed()) {
      const isHeld = this.#holdsByDay(this.#options.clock.elapsed())
      return isHeld === true
        ? Promise.resolve()
        : isHeld.then((isStillHeld) => (isStillHeld ? undefined : this.ready()))
    }
    return (this.#registering ??= this.#register().finally(() => {
      this.#registering = undefined
    }))
  }

  /**
   * Whether the lease holds at this moment: a process that slept through its end finds out here, before a timer fires. Steady time may
   * have slept along with the machine; where the time of day has gone further than the lease, the store is read before anything begins.
   */
  holds(): boolean | Promise<boolean> {
    const now = this.#options.clock.elapsed()
    if (this.#validUntil > now) return this.#holdsByDay(now)
    if (this.#validUntil !== -Infinity) this.#lose()
    return false
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#heartbeat?.stop()
    this.#options.clock.clearTimeout(this.#timer)
    this.#options.clock.clearTimeout(this.#guard)
    if (this.#validUntil === -Infinity) return
    this.#validUntil = -Infinity
    this.#endUncertainty(false)
    await this.#options.store.endOwner(this.#owner)
  }

  get #isPastByDay(): boolean {
    return this.#isPastByDayAt(this.#options.clock.elapsed())
  }

  #isPastByDayAt(now: number): boolean {
    const nowByDay = this.#options.clock.now()
    return now >= this.#freshUntil || nowByDay >= this.#freshUntilByDay || nowByDay >= this.#validUntilByDay
  }

  #holdsByDay(now: number): true | Promise<boolean> {
    return this.#isPastByDayAt(now) ? (this.#uncertainty ??= this.#askAfterSleep()).isHeld : true
  }

  /** Of a connection that was there after this moment. */
  #freshenAt(askedAt: number, askedAtByDay: number): void {
    this.#freshUntil = askedAt + freshMs
    this.#freshUntilByDay = askedAtByDay + freshMs
  }

  #askAfterSleep(): Uncertainty {
    const { promise: isHeld, resolve } = withResolvers<boolean>()
    const now = this.#options.clock.now()
    const hasSlept = !this.noticeBlocked() && now >= this.#validUntilByDay
    const lateMs = hasSlept ? now - this.#tickDueAtByDay : undefined
    inMicrotask(() => {
      if (this.#uncertainty !== undefined) void this.#tick()
    })
    return { isHeld, resolve, lateMs }
  }

  #endUncertainty(isHeld: boolean): void {
    this.#uncertainty?.resolve(isHeld)
    this.#uncertainty = undefined
  }

  async #register(): Promise<void> {
    while (!(await this.#renew())) if (this.#isClosed) return
    this.#arm(this.#options.leaseMs / 3)
    if (!this.#isClosed) this.#heartbeat?.start()
  }

  /** Says that the owner lives. False if it did not any more: then there is a new one, not registered yet. */
  async #renew(): Promise<boolean> {
    const { clock, store, leaseMs, failures } = this.#options
    const askedAt = clock.elapsed()
    const askedAtByDay = clock.now()
    const owner = this.#owner
    // Whether it is watched from now on is not known before the answer.
    if (this.#freshUntil === Infinity && this.#heartbeat !== undefined) this.#freshenAt(askedAt, askedAtByDay)
    // Each time: somebody may have taken away what the store knew of this process, which lives.
    const worker = this.#options.describe?.(owner)
    const isAlive = await (worker === undefined
      ? store.renewOwner(owner, leaseMs)
      : store.renewOwner(owner, leaseMs, worker))
    if (owner !== this.#owner) {
      // It was given up while the answer was on its way: what it has would wait for as long as the store lets it live.
      if (isAlive) store.endOwner(owner).catch(failures.of(`ending owner "${owner}", whose lease was renewed too late`))
      return false
    }
    this.#failure = undefined
    if (this.#heartbeat?.isClaimed(owner) === true) this.#freshenAt(askedAt, askedAtByDay)
    else this.#freshUntil = this.#freshUntilByDay = Infinity
    if (isAlive) this.#hold(askedAt + leaseMs, askedAtByDay + leaseMs)
    else this.#lose()
    return isAlive
  }

  /** Whatever the store is doing meanwhile: when the lease is over, it is over. */
  #hold(until: number, untilByDay: number): void {
    const { clock } = this.#options
    // An answer that came after the end: no timer may be left.
    if (this.#isClosed) return
    this.#validUntil = until
    this.#validUntilByDay = untilByDay
    if (!this.#isPastByDay) this.#endUncertainty(true)
    clock.clearTimeout(this.#guard)
    this.#guard = outsideCalls.run(() => clock.setTimeout(() => this.#lose(), Math.max(0, until - clock.elapsed())))
    unref(this.#guard)
  }

  #arm(pauseMs: number): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    if (this.#isClosed) return
    this.#tickDueAt = clock.elapsed() + pauseMs
    this.#tickDueAtByDay = clock.now() + pauseMs
    this.#timer = outsideCalls.run(() => clock.setTimeout(() => void this.#tick(), pauseMs))
    unref(this.#timer)
  }

  async #tick(): Promise<void> {
    const { leaseMs, failures, onRenewed } = this.#options
    this.noticeBlocked()
    this.#tickDueAt = undefined
    let isAlive: boolean
    try {
      isAlive = await this.#renew()
    } catch (error) {
      this.#failure = error
      failures.report('renewing the lease', error)
      // Soon again, until the lease is over.
      if (this.#validUntil !== -Infinity) this.#arm(leaseMs / 10)
      return
    }
    if (!isAlive) return
    // The machine may have slept between the question and the answer.
    this.#arm(this.#isPastByDay ? 0 : leaseMs / 3)
    onRenewed()
  }

  /**
   * Reports an event loop that did not turn for long: a renewal that is so late was kept waiting. What ends calls it before, since by the
   * time that the timer fires nothing of the execution may be left to notify. Whether it did.
   */
  noticeBlocked(): boolean {
    const { clock, leaseMs, onBlocked } = this.#options
    if (this.#tickDueAt === undefined || this.#isClosed) return false
    const lateMs = clock.elapsed() - this.#tickDueAt
    if (lateMs <= leaseMs - leaseMs / 3) return false
    this.#tickDueAt = undefined
    onBlocked(lateMs)
    return true
  }

  #lose(): void {
    const { clock, failures, onLost } = this.#options
    // What was blocked may find out that it is over before the timers do.
    this.noticeBlocked()
    this.#tickDueAt = undefined
    const sleptMs = this.#uncertainty?.lateMs
    if (sleptMs !== undefined && !this.#isClosed) this.#options.onBlocked(sleptMs)
    this.#owner = this.#newOwner()
    this.#validUntil = -Infinity
    clock.clearTimeout(this.#timer)
    clock.clearTimeout(this.#guard)
    this.#endUncertainty(false)
    const failure = this.#failure
    this.#failure = undefined
    if (this.#isClosed) return
    if (failure !== undefined) failures.reportLoss(failure)
    onLost(failure)
  }

  #newOwner(): string {
    return ownerNameOf(this.#options.name, this.#options.randomId())
  }
}

/** The name of an owner: for people it begins with what the process is called. */
export function ownerNameOf(name: string, id: string): string {
  return `${name}:${id}`
}
