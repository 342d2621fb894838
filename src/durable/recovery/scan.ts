import { outsideCalls } from '../../runtime/environment/async-context.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Resumption } from './resume.ts'

const batchSize = 100

/** Looks for executions that no process runs (any more), and goes on with them here. */
export class Scan {
  readonly #context: DocketContext
  readonly #resumption: Resumption
  #scanning: Promise<number> | undefined
  #acquiring: Promise<unknown> | undefined
  #isStopped = false

  constructor(context: DocketContext, resumption: Resumption) {
    this.#context = context
    this.#resumption = resumption
  }

  /** Resolves when the store has answered the look that is under way: what it gave is in the turns of its execution from then on. */
  async lookDone(): Promise<void> {
    await this.#acquiring?.catch(() => {})
  }

  /** Looks until there is nothing left to go on with; gives how many executions now run here because of it. @throws StoreError */
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
    const { connection, storedGraphNames, incompatible, owned, turns } = this.#context
    await connection.ready()
    let count = 0
    for (;;) {
      if (this.#isStopped) return count
      const { owner } = connection.session
      const andOwn = turns.takeUncertainty()
      const open = andOwn ? turns.hold() : undefined
      try {
        const acquiring = connection.store.acquire({
          owner,
          graphs: storedGraphNames,
          except: [...incompatible.ids(), ...(andOwn ? [...owned.keys(), ...turns.ids] : [])],
          andOwn,
          limit: batchSize,
        })
        this.#acquiring = acquiring
        const acquired = await acquiring
        open?.()
        const resumed = (await this.#resumption.resume(acquired)).length
        count += resumed
        if (acquired.length < batchSize) return count
        // Nothing of all these fits: the rest has time until the next look.
        if (resumed === 0 && incompatible.isFull) return count
      } catch (error) {
        turns.markUncertain()
        throw error
      } finally {
        open?.()
      }
    }
  }
}
