import { isTerminal } from '../core/contracts/statuses.ts'
import { allAnswers } from '../runtime/store-access/all-answers.ts'
import type { DocketContext } from './context/docket-context.ts'

const lookEveryMs = 30_000
const callersPerLook = 200

/** Lets go of the callers of parked executions that have ended where nobody here heard of it: a few are looked at each time, however many sleep. */
export class ParkedUpkeep {
  readonly #context: DocketContext
  #lookedAt: number

  constructor(context: DocketContext) {
    this.#context = context
    this.#lookedAt = context.clock.elapsed()
  }

  /** @throws StoreError */
  async run(): Promise<void> {
    const { clock, connection, parkedCallers } = this.#context
    const { store } = connection
    if (clock.elapsed() - this.#lookedAt < lookEveryMs) return
    this.#lookedAt = clock.elapsed()
    const ids = parkedCallers.some(callersPerLook)
    if (ids.length === 0) return
    const records = allAnswers(store, 'get', ids, await store.get(ids))
    for (const [index, record] of records.entries())
      if (record === undefined || isTerminal(record.status)) parkedCallers.delete(ids[index]!)
  }
}
