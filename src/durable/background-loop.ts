import { StoreError } from '../core/errors.ts'
import { outsideCalls } from '../runtime/environment/async-context.ts'
import { unref } from '../runtime/environment/long-timeout.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { Delivery } from './mail/delivery.ts'
import type { Mailbox } from './mail/mailbox.ts'
import type { Scan } from './recovery/scan.ts'
import type { Upkeep } from './upkeep.ts'

const longestPauseMs = 500

/** What a docket does by itself. */
export interface BackgroundWork {
  /** Undefined where this process does not go on with executions of others. */
  readonly scan: Scan | undefined
  readonly mailbox: Mailbox
  readonly delivery: Delivery
  readonly upkeep: Upkeep
}

/**
 * Looks again and again for executions that no process runs (any more), and for messages to those that run here. Hints make it
 * look at once; without them it looks often enough, since no hint is trusted alone.
 */
export class BackgroundLoop {
  readonly #context: DocketContext
  readonly #work: BackgroundWork
  readonly #pauseMs: number
  #timer: unknown
  #isWanted = false
  #isStopped = false
  #unlisten: (() => void) | undefined

  constructor(context: DocketContext, work: BackgroundWork) {
    this.#context = context
    this.#work = work
    this.#pauseMs = Math.min(longestPauseMs, context.connection.session.leaseMs / 4)
  }

  start(): void {
    const { connection } = this.#context
    this.#unlisten = connection.listen((hint) => {
      if (hint.type === 'work' && this.#work.scan !== undefined) this.#soon()
      if (hint.type === 'ended') this.#context.parkedCallers.delete(hint.execution)
      if (hint.type === 'mail' && hint.owner === connection.session.owner) this.#soon()
    })
    this.#context.lookSoon = () => this.#soon()
    if (this.#work.scan !== undefined) this.#work.scan.slots.onRoom = () => this.#soon()
    this.#arm(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#unlisten?.()
    this.#context.clock.clearTimeout(this.#timer)
  }

  #soon(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    this.#arm(0)
  }

  #arm(pauseMs: number): void {
    if (this.#isStopped) return
    const { clock } = this.#context
    clock.clearTimeout(this.#timer)
    this.#timer = outsideCalls.run(() => clock.setTimeout(() => void this.#tick(), pauseMs))
    unref(this.#timer)
  }

  async #tick(): Promise<void> {
    this.#isWanted = false
    const { scan, mailbox, delivery, upkeep } = this.#work
    const { connection } = this.#context
    const acts = {
      'reading messages': () => mailbox.read(),
      'looking for work': () => scan?.run(false),
      'delivering messages between executions': () => delivery.look(),
      'the upkeep of the store': () => upkeep.run(),
    }
    for (const [what, act] of Object.entries(acts))
      try {
        await connection.ready()
        await act()
      } catch (error) {
        // The store is away; what is awaited rejects with the error. Tried again in a moment.
        if (error instanceof StoreError && error.isTransient) break
        // What the store refuses to one of them must not keep the others from their work.
        connection.failures.report(what, error)
      }
    this.#arm(this.#isWanted || scan?.slots.haveRoom === true ? 0 : this.#pauseMs)
  }
}
