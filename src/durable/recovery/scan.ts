import type { AcquiredExecution, AcquireRequest } from '../../core/contracts/execution-record.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { GraphRotation } from './graph-rotation.ts'
import type { Resumption } from './resume.ts'
import { Slots } from './slots.ts'
import { Walls } from './walls.ts'
import type { Window } from './walls.ts'

const batchSize = 100
// Messages are read between: the first look past very many that fit nobody here takes some time.
const mostLooks = 100

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

  constructor(context: DocketContext, resumption: Resumption) {
    this.#context = context
    this.#resumption = resumption
    this.slots = new Slots(context)
    this.#rotation = new GraphRotation(context.storedGraphNames)
    this.#walls = new Walls(context.incompatible, context.clock)
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
      .run(() => this.#run(isThorough))
      .finally(() => {
        this.#scanning = undefined
      }))
  }

  /** Acquires nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#scanning?.catch(() => 0)
  }

  async #run(isThorough: boolean): Promise<number> {
    const { connection } = this.#context
    await connection.ready()
    const { owner } = connection.session
    const free = this.slots.count()
    let count = 0
    const canGoOn = async (): Promise<boolean> => count < free && !this.#isStopped && (await this.#isStill(owner))
    if (free > 0)
      for (const window of this.#walls.windows(isThorough)) {
        if (!(await canGoOn())) break
        count += await this.#lookInto(window, owner, free - count)
      }
    this.#rotation.begin()
    for (let looks = 0; await canGoOn();) {
      const resumed = looks++ < mostLooks || isThorough ? await this.#look(owner, free - count) : undefined
      if (resumed === undefined) {
        this.slots.looked(false)
        return count
      }
      count += resumed
    }
    this.slots.looked(!this.#isStopped)
    return count
  }

  /** Whether this process still owns under that name: what is acquired under a lost one is others' a moment later. */
  async #isStill(owner: string): Promise<boolean> {
    const { session } = this.#context.connection
    return (await session.holds()) && session.owner === owner
  }

  /** One look for a few; gives how many run here now, or undefined where nothing was left to be looked for. */
  async #look(owner: string, room: number): Promise<number | undefined> {
    const { storedGraphNames, owned, turns } = this.#context
    const next = this.#rotation.next(room, batchSize)
    if (next === undefined) return undefined
    const andOwn = turns.takeUncertainty()
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
      const resumed = await this.#goOnWith(acquired, deletions)
      this.#walls.found(records)
      return resumed
    } catch (error) {
      turns.markUncertain()
      throw error
    } finally {
      open?.()
    }
  }

  /** One look among the older ones of a graph, of which most fit nobody here. */
  async #lookInto({ graph, past, looked }: Window, owner: string, room: number): Promise<number> {
    const limit = Math.min(room, batchSize)
    const { deletions } = this.#context.turns
    try {
      const acquired = await this.#acquire({ owner, graphs: [graph], ...past, limit })
      looked(
        acquired.map(({ execution }) => execution),
        limit,
      )
      return await this.#goOnWith(acquired, deletions)
    } catch (error) {
      this.#context.turns.markUncertain()
      throw error
    }
  }

  /** Gives how many of them run here now: each has a slot as soon as it does. `deletions` is how many there were before the store gave them. */
  async #goOnWith(acquired: readonly AcquiredExecution[], deletions: number): Promise<number> {
    const mayBeGone = this.#context.turns.deletions !== deletions
    return (await this.#resumption.resume(acquired, mayBeGone, (id) => this.slots.take(id))).length
  }

  #acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const acquiring = this.#context.connection.store.acquire(request)
    this.#acquiring = acquiring
    return acquiring
  }
}
