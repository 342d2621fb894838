import { StoreError } from '../core/errors.ts'
import { keepProcess } from './context/keep-alive.ts'
import { outsideCalls } from '../runtime/environment/async-context.ts'
import type { FullClock } from '../runtime/environment/clock.ts'
import { unref } from '../runtime/environment/long-timeout.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { Delivery } from './mail/delivery.ts'
import type { EngineWork } from './engine/engine-work.ts'
import type { EventDelivery } from './mail/event-delivery.ts'
import type { Mailbox } from './mail/mailbox.ts'
import type { LostHere } from './recovery/lost-here.ts'
import type { Scan } from './recovery/scan.ts'
import { ParkedUpkeep } from './parked-upkeep.ts'
import type { Upkeep } from './upkeep.ts'

const longestPauseMs = 500
/** How long after its wake something that is still ready is looked for. */
const afterWakeMs = 1_000

/** What a docket does by itself. */
export interface BackgroundWork {
  /** Undefined where this process does not go on with executions of others. */
  readonly scan: Scan | undefined
  /** Undefined where the scan finds it. */
  readonly lostHere: Pick<LostHere, 'look'> | undefined
  readonly mailbox: Mailbox
  readonly delivery: Delivery
  readonly eventDelivery: EventDelivery
  readonly upkeep: Upkeep
  /** Undefined where there is none. */
  readonly engine: EngineWork | undefined
}

/**
 * Looks again and again for executions that no process runs (any more), and for messages to those that run here. Hints make it
 * look at once, for what they are about alone; without them it looks often enough, since no hint is trusted alone.
 */
export class BackgroundLoop {
  readonly #context: DocketContext
  readonly #work: BackgroundWork
  readonly #parkedUpkeep: ParkedUpkeep
  readonly #pauseMs: number
  readonly #mail: Look
  readonly #unowned: Look
  #timer: unknown
  /** When the next turn is due, in steady time; undefined while one is under way. */
  #dueAt: number | undefined
  #isStopped = false
  #letGo: (() => void) | undefined
  #lookedAt = -Infinity
  #unlisten: (() => void) | undefined

  constructor(context: DocketContext, work: BackgroundWork) {
    const { scan, mailbox } = work
    this.#context = context
    this.#work = work
    this.#parkedUpkeep = new ParkedUpkeep(context)
    this.#pauseMs = Math.min(longestPauseMs, context.connection.session.leaseMs / 4)
    this.#mail = new Look(context.clock, async () => {
      await this.#try('reading messages', () => mailbox.read())
      return false
    })
    this.#unowned = new Look(context.clock, async () => {
      this.#lookedAt = this.#context.hostClock.elapsed()
      const hasLooked = await this.#try('looking for work', () => scan?.run(false))
      // A look that failed has counted no slots: the next turn comes soon enough.
      return hasLooked && scan?.haveRoom === true
    })
  }

  /** By how much the next turn is late, in milliseconds; 0 while one is under way, however long that takes. */
  get lateMs(): number {
    return this.#dueAt === undefined || this.#isStopped
      ? 0
      : Math.max(0, this.#context.hostClock.elapsed() - this.#dueAt)
  }

  start(): void {
    const { connection, owned } = this.#context
    const { scan, mailbox } = this.#work
    this.#unlisten = connection.listen((hint) => {
      if (hint.type === 'work' && scan !== undefined) {
        scan.states.hinted()
        scan.hinted()
        // An engine brings one process to look, rather than all.
        if (this.#work.engine?.delivers !== true) this.#unowned.soon()
      }
      if (hint.type === 'events') this.#work.eventDelivery.soon()
      if (hint.type === 'ended') this.#context.parkedCallers.delete(hint.execution)
      if (hint.type !== 'mail' || hint.owner !== connection.session.owner) return
      if (hint.posted === undefined) mailbox.want()
      else mailbox.arrived(hint.posted)
      this.#mail.soon()
    })
    this.#context.lookSoon = (id, messageId) => {
      if (id === undefined || !mailbox.hasArrived(id, messageId)) mailbox.want()
      this.#mail.soon()
      // Nobody but its owner can go on with it.
      if (id !== undefined && owned.has(id)) return
      scan?.hinted()
      this.#unowned.soon()
    }
    if (scan !== undefined) scan.onRoom = () => this.#unowned.soon()
    // Its connections keep the process as well, but only while they are there.
    if (connection.store.capabilities.isServer === true) this.#letGo = keepProcess()
    this.#arm(0)
  }

  stop(): void {
    this.#letGo?.()
    this.#isStopped = true
    this.#unlisten?.()
    this.#context.clock.clearTimeout(this.#timer)
    this.#mail.stop()
    this.#unowned.stop()
  }

  /** Where there is an engine that works, a process looks for itself only for what no wake came for. */
  get #isLeftToEngine(): boolean {
    return this.#work.engine?.delivers === true && this.#context.hostClock.elapsed() - this.#lookedAt < afterWakeMs
  }

  #arm(pauseMs: number): void {
    if (this.#isStopped) return
    const { clock, hostClock, keepAlive } = this.#context
    this.#dueAt = hostClock.elapsed() + pauseMs
    this.#timer = outsideCalls.run(() => clock.setTimeout(() => void this.#tick(), pauseMs))
    keepAlive.timer = this.#timer
  }

  async #tick(): Promise<void> {
    const { delivery, eventDelivery, upkeep, mailbox, lostHere } = this.#work
    this.#dueAt = undefined
    mailbox.want()
    await this.#mail.now()
    if (!this.#isLeftToEngine) await this.#unowned.now()
    await this.#try('going on with what was lost', () => lostHere?.look())
    this.#work.engine?.adjust()
    await this.#try('delivering messages between executions', () => delivery.look())
    await this.#try('waking executions that wait for an event', () => eventDelivery.look())
    await this.#try('the upkeep of the store', () => upkeep.run())
    await this.#try('looking after callers of what is parked', () => this.#parkedUpkeep.run())
    this.#arm(this.#pauseMs)
  }

  /** Gives whether it was done. */
  async #try(what: string, act: () => unknown): Promise<boolean> {
    const { connection } = this.#context
    try {
      await connection.ready()
      await act()
      return true
    } catch (error) {
      // What the store refuses to one of them must not keep the others from their work. Where it is away, what is awaited rejects with the error. Tried again in a moment.
      if (!(error instanceof StoreError && error.isTransient)) connection.failures.report(what, error)
      return false
    }
  }
}

/** Something to look at, one look at a time: what makes another one wanted meanwhile is seen by the next. */
class Look {
  readonly #clock: FullClock
  readonly #act: () => Promise<boolean>
  #looking: Promise<void> | undefined
  #timer: unknown
  #isWanted = false
  #isStopped = false

  /** `act` looks, and gives whether there is more. */
  constructor(clock: FullClock, act: () => Promise<boolean>) {
    this.#clock = clock
    this.#act = act
  }

  /** Looks at the end of this turn, once for all that it has to say. */
  soon(): void {
    if (this.#isStopped || this.#isWanted) return
    this.#isWanted = true
    if (this.#looking === undefined) outsideCalls.run(() => this.#clock.setImmediate(() => this.#lookNow()))
  }

  /** Looks at once, or goes with the look that is under way and lets another one follow. */
  async now(): Promise<void> {
    this.#disarm()
    this.#isWanted = true
    await (this.#looking ??= this.#look())
  }

  stop(): void {
    this.#isStopped = true
    this.#disarm()
  }

  /** What was wanted may have been looked at meanwhile. */
  #lookNow(): void {
    if (this.#isWanted && !this.#isStopped && this.#looking === undefined) void this.now()
  }

  /** Hints come by the thousand: those of a moment are one look. */
  #arm(): void {
    this.#timer ??= outsideCalls.run(() =>
      this.#clock.setTimeout(() => {
        this.#timer = undefined
        void this.now()
      }, 0),
    )
    unref(this.#timer)
  }

  #disarm(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    this.#isWanted = false
    const isThereMore = await this.#act()
    this.#looking = undefined
    if (this.#isStopped) return
    if (isThereMore) {
      // Slots are free, and something waits for them.
      this.#isWanted = false
      this.soon()
    } else if (this.#isWanted) this.#arm()
  }
}
