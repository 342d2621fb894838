import type { AcquiredExecution, AcquireRequest } from '../../core/contracts/execution-record.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { GraphRotation } from './graph-rotation.ts'
import { Portion } from './portion.ts'
import type { Resumption } from './resume.ts'
import { Round } from './round.ts'
import { Slots } from './slots.ts'
import { UnlistedGraphs } from './unlisted-graphs.ts'
import { Walls } from './walls.ts'
import type { Window } from './walls.ts'

// Messages are read between: the first look past very many that fit nobody here takes some time.
const mostLooks = 100
const longestRoundMs = 250

/** Looks for executions that no process runs (any more), and goes on with as many of them here as there are slots. */
export class Scan {
  readonly #context: DocketContext
  readonly #resumption: Resumption
  #scanning: Promise<number> | undefined
  #acquiring: Promise<unknown> | undefined
  #isStopped = false
  readonly slots: Slots
  readonly #rotation: GraphRotation
  readonly #walls: Walls
  readonly #portion = new Portion()
  readonly #unlisted: UnlistedGraphs
  #hasAllFit = false

  constructor(context: DocketContext, resumption: Resumption) {
    this.#context = context
    this.#resumption = resumption
    this.slots = new Slots(context)
    this.#rotation = new GraphRotation(context.storedGraphNames)
    this.#walls = new Walls(context.incompatible, context.clock)
    this.#unlisted = new UnlistedGraphs(context)
    context.onGraph = (name) => this.#rotation.add(name)
  }

  /** Resolves when the store has answered the look that is under way: what it gave is in the turns of its execution from then on. */
  async lookDone(): Promise<void> {
    await this.#acquiring?.catch(() => {})
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

  /** Calls back with how many run here because of it, also where it fails on the way. */
  async #run(isThorough: boolean, onCounted?: (count: number) => void): Promise<number> {
    const { connection, clock } = this.#context
    await connection.ready()
    await this.#unlisted.look(isThorough)
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
      this.#rotation.begin()
      for (let looks = 0; await canGoOn();) {
        if ((looks++ < mostLooks || isThorough) && (await this.#look(owner, round))) continue
        await round.through()
        this.slots.looked(false)
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
    const andOwn = turns.takeUncertainty()
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
      if (andOwn && acquired.length >= look.limit) turns.markUncertain()
      const records = acquired.map(({ execution }) => execution)
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
  async #goOnWith(acquired: readonly AcquiredExecution[], deletions: number): Promise<number> {
    const { turns } = this.#context
    try {
      const mayBeGone = turns.deletions !== deletions
      const { count, bytes } = await this.#resumption.resume(acquired, mayBeGone, (id) => this.slots.take(id))
      if (acquired.length >= this.#portion.size) this.#portion.brought(bytes)
      return count
    } catch (error) {
      turns.markUncertain()
      throw error
    }
  }

  #acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const acquiring = this.#context.connection.store.acquire(request)
    this.#acquiring = acquiring
    return acquiring
  }
}
