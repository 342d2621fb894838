import { isTerminal } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { acquireOne } from '../context/acquire-one.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { requireNotAborted } from '../context/ended-by-signal.ts'
import type { CallerOptions } from '../context/start-options.ts'
import { causeOf } from './resume.ts'
import type { Resumption } from './resume.ts'
import { hasFailedItems } from './retried-items.ts'
import { postMessage } from './unowned.ts'

/** How often to look whether another process has gone on with what it was sent a message to go on with. */
export const reopenPauseMs = 100
const looksPerRequest = 50
/** Whoever still waits for it has sent the message again by then. */
export const retryRequestMs = 2 * looksPerRequest * reopenPauseMs

/** Goes on with executions that have failed or were cancelled. */
export class Reopening {
  readonly #context: DocketContext
  readonly #resumption: Resumption

  constructor(context: DocketContext, resumption: Resumption) {
    this.#context = context
    this.#resumption = resumption
  }

  /** Goes on with one; if another process still has it, it goes on there. Resolves once it has begun again. @throws StoreError */
  async reopen(id: string, caller?: CallerOptions): Promise<void> {
    this.#context.requireOpen()
    await this.untilRestarted(await this.#context.turns.inTurn(id, () => this.reopenInTurn(id, caller)), caller)
  }

  /**
   * The same as one of the turns of this execution. Gives the record as it ended where another process still has it: that one gets a message to
   * go on with it.
   */
  async reopenInTurn(id: string, caller?: CallerOptions, hasAsked = false): Promise<ExecutionRecord | undefined> {
    const context = this.#context
    const owned = context.owned.get(id)
    if (owned !== undefined && !owned.hasEnded) return undefined
    // What still runs of its last life would be run twice.
    await owned?.gone
    requireNotAborted(id, caller?.signal)
    const acquired = await acquireOne(context.connection, id, { andEnded: true, andOwn: true })
    if (acquired === undefined) {
      if (context.owned.has(id)) return undefined
      const record = await context.recordOf(id)
      if (record === undefined || !isTerminal(record.status) || record.status === 'completed') return undefined
      const items = Array.isArray(caller?.retried) ? (caller.retried as readonly string[]) : undefined
      // Where it was deleted meanwhile, that is seen in the next look.
      if (!hasAsked && (await postMessage(context, id, 'retry', { items })) === 'unknown')
        return this.reopenInTurn(id, caller)
      return record
    }
    // Another process may have reopened it meanwhile; what is completed begins again only where something of it has failed.
    const { status } = acquired.execution
    if (status === 'completed' && !(await hasFailedItems(context, id, caller?.retried)))
      await context.change(acquired.execution, { isReleased: true })
    else if (!(await this.#resumption.resumeOne(acquired, isTerminal(status) ? 'end' : causeOf(acquired), caller)))
      // The lease was lost meanwhile: it is still as it ended.
      return this.reopenInTurn(id, caller, hasAsked)
    return undefined
  }

  /** Until it has begun again, there is nothing to see of an execution but how it ended before. */
  async untilRestarted(ended: ExecutionRecord | undefined, caller?: CallerOptions): Promise<void> {
    const context = this.#context
    let last = ended
    for (let looks = 1; last !== undefined; looks++) {
      const { id, endedAt } = last
      await sleep(context.clock, reopenPauseMs)
      context.requireWaiting(id)
      requireNotAborted(id, caller?.signal)
      const now = await context.recordOf(id)
      if (now === undefined || now.endedAt !== endedAt) return
      // Its owner may have lost the message, or what it read of the execution.
      const hasAsked = looks % looksPerRequest !== 0
      last = await context.turns.inTurn(id, () => this.reopenInTurn(id, caller, hasAsked))
    }
  }
}
