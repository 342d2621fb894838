import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { alteredStore } from './altered-store.ts'
import { pageOf } from './pages.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A store whose step records are counted: how many of those that it has given, in pages of a few, somebody still holds. */
export class SeenRecords {
  readonly store: Store
  /** The most that were seen to be held when a page was wanted. */
  most = 0
  pages = 0
  /** The most that one call had to write. */
  mostWritten = 0
  #given: WeakRef<object>[] = []

  constructor(store: Store, perPage: number) {
    this.store = alteredStore(store, async (method, ask, given) => {
      if (method === 'commit')
        for (const { steps } of given[0] as readonly ExecutionCommit[])
          this.mostWritten = Math.max(this.mostWritten, steps.length)
      if (method !== 'readSteps') return ask()
      const [ids, place] = given as [readonly string[], string | undefined]
      // A look takes long: some are enough.
      if (this.pages % 4 === 3) await this.#count()
      const { steps, next } = await pageOf(store, perPage, () => {}, [ids, place])
      const fresh = steps.map((step) => ({ ...step }))
      for (const record of fresh) this.#given.push(new WeakRef(record))
      this.pages++
      return { steps: fresh, next }
    })
  }

  /** Forgets what was seen so far. */
  reset(): void {
    this.#given = []
    this.most = this.pages = this.mostWritten = 0
  }

  async #count(): Promise<void> {
    // What a WeakRef has shown lives until its turn is over.
    await turn()
    collectGarbage()
    this.#given = this.#given.filter((record) => record.deref() !== undefined)
    this.most = Math.max(this.most, this.#given.length)
  }
}
