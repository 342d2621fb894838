import type { AcquiredExecution, AcquireRequest, ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { QueueRate } from '../../core/contracts/queue-record.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { unref } from '../../runtime/environment/long-timeout.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { GraphRotation } from './graph-rotation.ts'
import { Portion } from './portion.ts'
import type { Resumption } from './resume.ts'
import { Round } from './round.ts'
import type { QueueStates } from './queue-states.ts'
import { Slots } from './slots.ts'
import { Walls } from './walls.ts'
import type { Window } from './walls.ts'

// Messages are read between: the first look past very many that fit nobody here takes some time.
const mostLooks = 100
const longestRoundMs = 250
// Of a queue with a rate: how often it is looked into again, though nothing could begin.
const mostFruitlessLooks = 3
const shortestPauseMs = 5
const manyWakes = 10

/** What all scans of a docket share. */
export interface ScanParts {
  readonly resumption: Resumption
  readonly states: QueueStates
  /** Lets all of them ask the store what it thinks that this process has. */
  onUncertain(): void
  /** Looks in a queue for what is to begin of graphs that this process has not met. @returns whether there is any @throws StoreError */
  meet(queue: string): Promise<boolean>
}

/** Looks for executions of a queue that no process runs (any more), and goes on with as many of them here as there are slots. */
export class QueueScan {
  readonly #context: DocketContext
  readonly queue: string
  readonly #parts: ScanParts
  #acquiring: Promise<unknown> | undefined
  #isStopped = false
  readonly slots: Slots
  readonly #rotation: GraphRotation
  readonly #walls: Walls
  readonly #portion = new Portion()
  #hasAllFit = false
  #isUncertain = false
  /** The key whose turn was last. */
  #behindKey: string | undefined
  #timer: unknown
  /** Until when, in steady time, graphs of which nothing was left are not looked for again. */
  #emptyUntil = -Infinity
  #fruitlessLooks = 0
  #lastTurn: Promise<unknown> = Promise.resolve()

  constructor(context: DocketContext, queue: string, slots: number, parts: ScanParts) {
    this.#context = context
    this.queue = queue
    this.#parts = parts
    this.slots = new Slots(context, slots)
    this.#rotation = new GraphRotation(context.storedGraphNames)
    this.#walls = new Walls(context.incompatible, context.clock)
  }

  /** One more graph whose executions are looked for. */
  addGraph(name: string): void {
    this.#rotation.add(name)
  }

  /** No executions of a graph are looked for any more. */
  removeGraph(name: string): void {
    this.#rotation.remove(name)
  }

  /** The next look asks the store too what it thinks that this process has. */
  markUncertain(): void {
    this.#isUncertain = true
  }

  /** Something may be ready of graphs of which nothing was left. */
  hinted(): void {
    this.#emptyUntil = -Infinity
  }

  /** Resolves when the store has answered the look that is under way: what it gave is in the turns of its execution from then on. */
  async lookDone(): Promise<void> {
    await this.#acquiring?.catch(() => {})
  }

  /** Acquires nothing more. */
  stop(): void {
    this.#isStopped = true
    this.#context.clock.clearTimeout(this.#timer)
  }

  /** Calls back with how many run here because of it, also where it fails on the way. */
  run(isThorough: boolean, onCounted?: (count: number) => void): Promise<number> {
    return this.#inTurn(() => this.#run(isThorough, onCounted))
  }

  /** Goes on with as many that are next as were woken for, as far as there are slots; gives the ids of those that run here now. @throws StoreError */
  next(woken: readonly string[]): Promise<readonly string[]> {
    return outsideCalls.run(() => this.#inTurn(() => this.#next(woken)))
  }

  /** Two that look at the same time would both count on the same slots. */
  async #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const before = this.#lastTurn
    const turn = before.then(act)
    this.#lastTurn = turn.catch(() => {})
    return turn
  }

  async #next(woken: readonly string[]): Promise<readonly string[]> {
    const { connection, turns } = this.#context
    await connection.ready()
    const room = Math.min(woken.length, this.slots.count(), this.#portion.size)
    const { owner } = connection.session
    if (room === 0) this.slots.looked(true)
    if (room === 0 || this.#isStopped || !(await this.#isStill(owner))) return []
    const { deletions } = turns
    const ids: string[] = []
    try {
      const acquire = (): Promise<readonly AcquiredExecution[]> =>
        this.#acquire({ owner, graphs: this.#context.storedGraphNames, ...this.#walls.past(), limit: room })
      let acquired = await acquire()
      // A wake may be of a workflow that this process has not met, or has forgotten.
      const mayBeMore = acquired.length === 0 && (await this.#parts.meet(this.queue))
      if (mayBeMore && !this.#isStopped && (await this.#isStill(owner))) acquired = await acquire()
      const records = acquired.map(({ execution }) => execution)
      this.#behindKey = records.findLast(({ startedAt }) => startedAt === undefined)?.key ?? this.#behindKey
      await this.#goOnWith(acquired, deletions, (id) => ids.push(id))
      this.#walls.found(records)
      if (acquired.length === room && this.#mayStandForMore(woken, records)) this.slots.mayMoreWait()
      return ids
    } catch (error) {
      turns.markUncertain()
      throw error
    }
  }

  /**
   * Whether there may be more than wakes say: where many wait, not each of them has one. Then what is next is not what the wakes were for, or there are so many of them that one look
   * more is cheap.
   */
  #mayStandForMore(woken: readonly string[], found: readonly ExecutionRecord[]): boolean {
    if (this.slots.count() === 0 || found.length >= manyWakes) return true
    const named = new Set(woken)
    return found.some(({ id }) => !named.has(id))
  }

  async #run(isThorough: boolean, onCounted?: (count: number) => void): Promise<number> {
    const { connection, clock } = this.#context
    const { states } = this.#parts
    const { concurrency, rate } = states.limitsOf(this.queue)
    this.slots.isLimited = concurrency !== undefined
    this.slots.limit = concurrency === undefined || concurrency.isPerKey ? Infinity : concurrency.limit
    const { owner } = connection.session
    const round = new Round(this.slots.count(), this.#hasAllFit)
    // A caller wants to know how many there were, not how many there will be.
    const until = isThorough ? -Infinity : clock.elapsed() + longestRoundMs
    const canGoOn = async (): Promise<boolean> => {
      // What has ended meanwhile makes room for others, until it is time to read messages.
      if (round.room <= 0 && clock.elapsed() < until && this.slots.haveReturned) round.recount(this.slots.count())
      if (round.room <= 0) await round.through()
      return round.room > 0 && !this.#isStopped && (await this.#isStill(owner))
    }
    try {
      if (round.room > 0)
        for (const window of this.#walls.windows(isThorough)) {
          if (!(await canGoOn())) break
          await this.#lookInto(window, owner, round)
        }
      const isLimited = concurrency !== undefined || rate !== undefined
      this.#beginRotation(isThorough || isLimited)
      for (let looks = 0; await canGoOn();) {
        if ((looks++ < mostLooks || isThorough) && (await this.#look(owner, round))) continue
        this.#emptyUntil = -Infinity
        await round.through()
        // What limits keep back may be had as soon as one of them ends.
        this.slots.looked(concurrency !== undefined)
        if (rate !== undefined) this.#lookWithin(rate, round.resumed)
        return round.resumed
      }
      this.slots.looked(!this.#isStopped)
      return round.resumed
    } finally {
      await round.settled()
      onCounted?.(round.resumed)
      this.#hasAllFit = round.mayReadAhead
    }
  }

  /**
   * Rounds that follow each other closely, since all slots were taken, count as one: a graph of which nothing was left would cost each of them a look, for which
   * all that waits would wait.
   */
  #beginRotation(isAnew: boolean): void {
    const now = this.#context.clock.elapsed()
    if (!isAnew && now < this.#emptyUntil) return
    this.#emptyUntil = now + longestRoundMs
    this.#rotation.begin()
  }

  /** Whether this process still owns under that name: what is acquired under a lost one is others' a moment later. */
  async #isStill(owner: string): Promise<boolean> {
    const { session } = this.#context.connection
    return (await session.holds()) && session.owner === owner
  }

  /** One look; false where nothing was left to be looked for. */
  async #look(owner: string, round: Round): Promise<boolean> {
    const { storedGraphNames, owned, turns } = this.#context
    const next = this.#rotation.next(round.room, this.#portion.size)
    if (next === undefined) return false
    if (turns.takeUncertainty()) this.#parts.onUncertain()
    const andOwn = this.#isUncertain
    this.#isUncertain = false
    if (andOwn) await round.through()
    const look = andOwn ? { graphs: storedGraphNames, limit: next.limit } : next
    const { except, ranges } = this.#walls.past()
    const open = andOwn ? turns.hold() : undefined
    const { deletions } = turns
    try {
      const acquired = await this.#acquire({
        owner,
        graphs: look.graphs,
        except: andOwn ? [...except, ...owned.keys(), ...turns.ids] : except,
        ranges,
        andOwn,
        limit: look.limit,
      })
      open?.()
      // There may be more of its own than there was room for.
      if (andOwn && acquired.length >= look.limit) turns.lookWasFull()
      const records = acquired.map(({ execution }) => execution)
      const begun = records.findLast(({ startedAt }) => startedAt === undefined)
      if (begun !== undefined) this.#behindKey = begun.key
      this.#rotation.found(
        look,
        records.map(({ graph }) => graph),
      )
      const resuming = this.#goOnWith(acquired, deletions).then((count) => {
        this.#walls.found(records)
        return count
      })
      await round.add(records.length, resuming)
      return true
    } catch (error) {
      turns.markUncertain()
      throw error
    } finally {
      open?.()
    }
  }

  /** One look among the older ones of a graph, of which most fit nobody here. */
  async #lookInto({ graph, past, looked }: Window, owner: string, round: Round): Promise<void> {
    const limit = Math.min(round.room, this.#portion.size)
    const { deletions } = this.#context.turns
    try {
      const acquired = await this.#acquire({ owner, graphs: [graph], ...past, limit })
      looked(
        acquired.map(({ execution }) => execution),
        limit,
      )
      await round.add(acquired.length, this.#goOnWith(acquired, deletions))
      await round.through()
    } catch (error) {
      this.#context.turns.markUncertain()
      throw error
    }
  }

  /** Gives how many of them run here now: each has a slot as soon as it does. `deletions` is how many there were before the store gave them. */
  async #goOnWith(
    acquired: readonly AcquiredExecution[],
    deletions: number,
    onTaken?: (id: string) => void,
  ): Promise<number> {
    const { turns } = this.#context
    try {
      const mayBeGone = turns.deletions !== deletions
      const { count, bytes } = await this.#parts.resumption.resume(acquired, mayBeGone, (id) => {
        this.slots.take(id)
        onTaken?.(id)
      })
      if (acquired.length >= this.#portion.size) this.#portion.brought(bytes)
      return count
    } catch (error) {
      turns.markUncertain()
      throw error
    }
  }

  #acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { queue } = this
    const acquiring = this.#context.connection.writes.acquire({ ...request, queue, behindKey: this.#behindKey })
    this.#acquiring = acquiring
    return acquiring
  }

  /** A rate lets the next one begin in a while: that is no time to wait for the next look of all. */
  #lookWithin({ limit, perMs, burst }: QueueRate, resumed: number): void {
    this.#fruitlessLooks = resumed > 0 ? 0 : this.#fruitlessLooks + 1
    if (this.#fruitlessLooks > mostFruitlessLooks || this.#isStopped) return
    const { clock } = this.#context
    const pauseMs = Math.max(shortestPauseMs, (perMs / limit) * Math.ceil(burst / 2))
    clock.clearTimeout(this.#timer)
    this.#timer = outsideCalls.run(() => clock.setTimeout(() => this.slots.onRoom(), pauseMs))
    unref(this.#timer)
  }
}
