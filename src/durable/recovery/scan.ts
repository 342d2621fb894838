import { outsideCalls } from '../../runtime/environment/async-context.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { GraphRotation } from './graph-rotation.ts'
import type { Resumption } from './resume.ts'
import { Slots } from './slots.ts'

const batchSize = 100

/** Looks for executions that no process runs (any more), and goes on with as many of them here as there are slots. */
export class Scan {
  readonly #context: DocketContext
  readonly #resumption: Resumption
  #scanning: Promise<number> | undefined
  #acquiring: Promise<unknown> | undefined
  #isStopped = false
  readonly slots: Slots
  readonly #rotation: GraphRotation

  constructor(context: DocketContext, resumption: Resumption) {
    this.#context = context
    this.#resumption = resumption
    this.slots = new Slots(context)
    this.#rotation = new GraphRotation(context.storedGraphNames)
  }

  /** Resolves when the store has answered the look that is under way: what it gave is in the turns of its execution from then on. */
  async lookDone(): Promise<void> {
    await this.#acquiring?.catch(() => {})
  }

  /** Looks until there is nothing left to go on with, or no slot is free; gives how many executions now run here because of it. @throws StoreError */
  async run(): Promise<number> {
    // One that began before the call may have looked too early.
    await this.#scanning?.catch(() => 0)
    // What is gone on with works for no call of this process, whoever made it look.
    return (this.#scanning ??= outsideCalls
      .run(() => this.#run())
      .finally(() => {
        this.#scanning = undefined
      }))
  }

  /** Acquires nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#scanning?.catch(() => 0)
  }

  async #run(): Promise<number> {
    const { connection } = this.#context
    await connection.ready()
    const { owner } = connection.session
    const free = this.slots.count()
    let count = 0
    this.#rotation.begin()
    while (count < free && !this.#isStopped && (await this.#isStill(owner))) {
      const resumed = await this.#look(owner, free - count)
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
    const { connection, storedGraphNames, incompatible, owned, turns } = this.#context
    const next = this.#rotation.next(room, batchSize)
    if (next === undefined) return undefined
    const andOwn = turns.takeUncertainty()
    const look = andOwn ? { graphs: storedGraphNames, limit: next.limit } : next
    const open = andOwn ? turns.hold() : undefined
    try {
      const acquiring = connection.store.acquire({
        owner,
        graphs: look.graphs,
        except: [...incompatible.ids(), ...(andOwn ? [...owned.keys(), ...turns.ids] : [])],
        andOwn,
        limit: look.limit,
      })
      this.#acquiring = acquiring
      const acquired = await acquiring
      open?.()
      // There may be more of its own than there was room for.
      if (andOwn && acquired.length >= look.limit) turns.markUncertain()
      this.#rotation.found(
        look,
        acquired.map(({ execution }) => execution.graph),
      )
      const { length: resumed } = await this.#resumption.resume(acquired, (id) => this.slots.take(id))
      // Nothing of all these fits: the rest has time until the next look.
      return resumed === 0 && acquired.length >= look.limit && incompatible.isFull ? undefined : resumed
    } catch (error) {
      turns.markUncertain()
      throw error
    } finally {
      open?.()
    }
  }
}
