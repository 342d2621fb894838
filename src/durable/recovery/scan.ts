import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { slotsOf } from '../context/slots-of.ts'
import { QueueScan } from './queue-scan.ts'
import { QueueStates } from './queue-states.ts'
import type { Resumption } from './resume.ts'
import type { Seat } from './slots.ts'
import { UnlistedGraphs } from './unlisted-graphs.ts'

/** Looks for executions that no process runs (any more), in each queue that this docket serves. */
export class Scan {
  readonly #context: DocketContext
  /** What holds for the queues. */
  readonly states: QueueStates
  readonly #queues: ReadonlyMap<string, QueueScan>
  readonly #unlisted: UnlistedGraphs
  #scanning: Promise<number> | undefined
  #isStopped = false
  #isKnown = false
  /** Whose turn it is to be looked into first. */
  #turn = 0

  constructor(context: DocketContext, resumption: Resumption) {
    const slots = slotsOf(context.options.work)
    this.#context = context
    this.states = new QueueStates(context, slots.keys())
    const parts = {
      resumption,
      states: this.states,
      onUncertain: () => {
        for (const queue of this.#queues.values()) queue.markUncertain()
      },
      meet: (queue: string) => this.#unlisted.meet(queue),
    }
    this.#queues = new Map([...slots].map(([queue, count]) => [queue, new QueueScan(context, queue, count, parts)]))
    this.#unlisted = new UnlistedGraphs(context, (name) => {
      // A graph that is listed here may have the name of somebody else's workflow.
      if (context.storedGraphNames.includes(name)) return
      for (const queue of this.#queues.values()) queue.removeGraph(name)
    })
    context.queues = {
      serves: (queue) => this.#queues.has(queue),
      isLimited: (queue) => this.states.limitsOf(queue).concurrency !== undefined,
      isRestricted: (queue) => this.states.isRestricted(queue),
      rested: (queue) => this.#queues.get(queue)?.slots.rested(),
    }
    context.onGraph = (name) => {
      for (const queue of this.#queues.values()) queue.addGraph(name)
    }
  }

  /** Whether what holds for the queues, and whether something is ready there, has been read. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** Reads it, once: before that nothing may begin here that could overtake others. @throws StoreError */
  async known(): Promise<void> {
    await this.states.known()
    const { store } = this.#context.connection
    const requests = [...this.#queues.keys()].map((queue) => ({ queue, upTo: 1 }))
    if (this.#isKnown || requests.length === 0) return
    const backlogs = allAnswers(store, 'backlog', requests, await store.backlog(requests))
    if (this.#isKnown) return
    for (const [index, { queue }] of requests.entries()) if (backlogs[index]!.ready > 0) this.waits(queue)
    this.#isKnown = true
  }

  /** Called when there is room for what may wait. */
  set onRoom(onRoom: () => void) {
    for (const { slots } of this.#queues.values()) slots.onRoom = onRoom
  }

  /** Whether it is time to look again. */
  get haveRoom(): boolean {
    return [...this.#queues.values()].some(({ slots }) => slots.haveRoom)
  }

  /** How many slots are free, by queue. */
  free(): ReadonlyMap<string, number> {
    return new Map([...this.#queues].map(([queue, { slots }]) => [queue, slots.count()]))
  }

  /**
   * A slot for an execution that is to begin here at once: there is one where this process serves the queue, nothing is to be judged before, and nothing
   * that is ready may stand ahead.
   */
  reserve(queue: string): Seat | undefined {
    if (this.#isStopped || this.states.isRestricted(queue)) return undefined
    return this.#queues.get(queue)?.slots.reserve()
  }

  /** Something may be ready that was not: all graphs are looked for. */
  hinted(): void {
    this.#unlisted.hinted()
    for (const queue of this.#queues.values()) queue.hinted()
  }

  /** What a queue has waits for a slot: it is looked for as soon as one is free. */
  waits(queue: string): void {
    this.#queues.get(queue)?.slots.looked(true)
  }

  /** An execution runs here without a slot having been free for it. */
  take(queue: string, id: string): void {
    this.#queues.get(queue)?.slots.take(id)
  }

  /** What is next of a queue, for those that have a permit for it. */
  queue(name: string): Pick<QueueScan, 'slots' | 'next'> | undefined {
    return this.#queues.get(name)
  }

  /** The queues that are served, with all their slots. */
  get served(): ReadonlyMap<string, number> {
    return slotsOf(this.#context.options.work)
  }

  /** Resolves when the store has answered the looks that are under way: what it gave is in the turns of its execution from then on. */
  async lookDone(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.lookDone()))
  }

  /**
   * Looks until there is nothing left to go on with, or no slot is free; gives how many executions now run here because of it. One that is not thorough
   * leaves some of what takes long for the next time. @throws StoreError
   */
  async run(isThorough = true): Promise<number> {
    // One that began before the call may have looked too early.
    await this.#scanning?.catch(() => 0)
    // What is gone on with works for no call of this process, whoever made it look.
    return (this.#scanning ??= outsideCalls
      .run(() => (isThorough ? this.#runPatiently() : this.#run(isThorough)))
      .finally(() => {
        this.#scanning = undefined
      }))
  }

  /** Acquires nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const queue of this.#queues.values()) queue.stop()
    await this.#scanning?.catch(() => 0)
  }

  /** For a caller that waits: again for as long as the store can't be reached. */
  async #runPatiently(): Promise<number> {
    let resumed = 0
    await this.#context.connection.patiently(async () => {
      if (!this.#isStopped) await this.#run(true, (count) => (resumed += count))
    })
    return resumed
  }

  async #run(isThorough: boolean, onCounted?: (count: number) => void): Promise<number> {
    await this.#context.connection.ready()
    await this.states.refresh()
    const withRoom = [...this.#queues].filter(([, { slots }]) => slots.count() > 0).map(([queue]) => queue)
    await this.#unlisted.look(isThorough, withRoom)
    const queues = [...this.#queues.values()]
    const first = queues.length < 2 ? 0 : this.#turn++ % queues.length
    let resumed = 0
    for (const queue of [...queues.slice(first), ...queues.slice(0, first)])
      resumed += await queue.run(isThorough, onCounted)
    this.#isKnown = true
    return resumed
  }
}
