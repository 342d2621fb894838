import type { Engine, EngineConsumer, PermitOutcome } from '../../core/contracts/engine.ts'
import { describeThrown } from '../../core/thrown.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { atMost, sleep } from '../../runtime/environment/clock.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import type { Permits } from '../recovery/permits.ts'
import { WakeSender } from './wake-sender.ts'

/** A failure of before is over. */
const recentMs = 60_000

/** How an engine does. */
export interface EngineHealth {
  /** The kind of engine. */
  readonly name: string
  /** Whether it is there, and brings what is ready to this process; else processes look by themselves, once a second. */
  readonly delivers: boolean
  /** What it failed with last, in the last minute. */
  readonly problem: string | undefined
}

const pauses = [100, 500, 1_000, 2_000, 5_000]

/** A docket's part in an engine: hands it wakes, and goes on with an execution for each permit that it gives. */
export class EngineWork {
  readonly #context: DocketContext
  readonly #engine: Engine
  readonly #permits: Permits
  readonly #queues: ReadonlyMap<string, number>
  readonly #wakes: WakeSender
  readonly #consumers = new Map<string, EngineConsumer>()
  readonly #report: (error: unknown) => void
  #isOpen = false
  #isStopped = false
  #failed: { readonly error: unknown; readonly at: number } | undefined

  /** `queues`: slots of this process, by queue. */
  constructor(context: DocketContext, engine: Engine, permits: Permits, queues: ReadonlyMap<string, number>) {
    this.#context = context
    this.#engine = engine
    this.#permits = permits
    this.#queues = queues
    const report = context.connection.failures.of(`the ${engine.name} engine`)
    this.#report = (error) => {
      this.#failed = { error, at: context.hostClock.elapsed() }
      report(error)
    }
    this.#wakes = new WakeSender(engine, this.#report)
    context.wakes = {
      send: (wakes) => this.#wakes.send(wakes),
      accepted: (ids) => void this.#wakeParked(ids),
    }
  }

  /** Whether permits come for all queues that this process serves. */
  get delivers(): boolean {
    return this.#isOpen && this.#consumers.size === this.#queues.size && !this.#isStopped
  }

  get health(): EngineHealth {
    const isRecent = this.#failed !== undefined && this.#context.hostClock.elapsed() - this.#failed.at < recentMs
    return {
      name: this.#engine.name,
      delivers: this.delivers,
      problem: isRecent ? describeThrown(this.#failed?.error) : undefined,
    }
  }

  start(): void {
    void outsideCalls.run(() => this.#begin())
  }

  /** Slots may be taken, and given back, without permits: the engine is to know. */
  adjust(): void {
    if (this.#isStopped) return
    this.#permits.look()
    for (const [queue, consumer] of this.#consumers) consumer.resize(this.#permits.slotsOf(queue))
  }

  /** Takes no more permits: those in use stay. */
  stop(): void {
    this.#isStopped = true
    for (const consumer of this.#consumers.values()) consumer.resize(0)
  }

  /** Gives back what is in use, hands over the wakes that there are, and lets go of the engine: whatever that does, within a lease. */
  async close(): Promise<void> {
    this.stop()
    await atMost(this.#context.hostClock, this.#context.connection.session.leaseMs, this.#end())
  }

  async #end(): Promise<void> {
    const consumers = [...this.#consumers.values()]
    this.#consumers.clear()
    await Promise.all([this.#wakes.flushed(), ...consumers.map((consumer) => consumer.close().catch(this.#report))])
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#engine.close().catch(this.#report)
  }

  /** Of those that do not live here, some may have been parked until a message came. */
  async #wakeParked(ids: readonly string[]): Promise<void> {
    const { owned, connection, clock } = this.#context
    const others = ids.filter((id) => !owned.has(id))
    const until = clock.elapsed() + patienceMs
    const found = await Promise.allSettled(others.map((id) => connection.gets.add(id, until)))
    for (const result of found) {
      const record = result.status === 'fulfilled' ? result.value : undefined
      if (record === undefined || record.owner !== undefined || isTerminal(record.status)) continue
      this.#wakes.send([{ id: record.id, epoch: record.epoch, queue: record.queue }])
    }
  }

  async #begin(): Promise<void> {
    await this.#untilDone(async () => {
      // What is gathered meanwhile is lost where it can't be opened: the store has it.
      await this.#engine.open({ report: this.#report }).finally(() => this.#wakes.open())
      this.#isOpen = true
    })
    // Closed meanwhile.
    if (this.#isStopped) return this.#end()
    await Promise.all([...this.#queues].map(([queue, slots]) => this.#untilDone(() => this.#consume(queue, slots))))
  }

  async #consume(queue: string, slots: number): Promise<void> {
    const consumer = await this.#engine.consume(queue, slots, (id, signal) => this.#use(queue, id, signal))
    if (this.#isStopped) return consumer.close()
    this.#consumers.set(queue, consumer)
    consumer.resize(this.#permits.slotsOf(queue))
  }

  async #use(queue: string, id: string, signal: AbortSignal): Promise<PermitOutcome> {
    if (this.#isStopped || signal.aborted) return 'again'
    await this.#permits.use(queue, id)
    return 'done'
  }

  /** Tries until it works, or the docket closes. */
  async #untilDone(act: () => Promise<void>): Promise<void> {
    for (let tries = 0; !this.#isStopped; tries++) {
      try {
        await act()
        return
      } catch (error) {
        this.#report(error)
        await sleep(this.#context.hostClock, pauses[Math.min(tries, pauses.length - 1)]!, { unref: true })
      }
    }
  }
}
