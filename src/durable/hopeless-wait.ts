import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { DocketContext } from './context/docket-context.ts'
import { cannotGoOn } from './recovery/resume.ts'

// Every process that could go on with an execution looks for work twice in this time.
const othersLookMs = 1_000

/** Sees, for a caller that waits, when nobody is left to go on with an execution: it fits nobody here, and no living process has it. */
export class HopelessWait {
  readonly #context: DocketContext
  #since: number | undefined

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Looks at what its record is now. @throws ExecutionConflictError where nobody has gone on with it for a while, StoreError */
  async look(record: ExecutionRecord): Promise<void> {
    const misfit = this.#context.incompatible.misfitOfOpen(record)
    if (misfit === undefined || (await this.#hasLivingOwner(record))) {
      this.#since = undefined
      return
    }
    const now = this.#context.clock.elapsed()
    this.#since ??= now
    if (now - this.#since >= othersLookMs) throw cannotGoOn(record.id, record.graph, misfit.reasons)
  }

  /** One that died has it in the records for as long as everybody leaves it alone. */
  async #hasLivingOwner({ owner }: ExecutionRecord): Promise<boolean> {
    if (owner === undefined) return false
    return (await this.#context.ownerState(owner))?.isAlive === true
  }
}
