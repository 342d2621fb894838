import { ExecutionExpiredError } from '../../core/errors.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { acquireOne } from '../context/acquire-one.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { overdueError, readLimits } from '../records/stored-limits.ts'
import type { StoredLimits } from '../records/stored-limits.ts'
import { endUnowned } from './unowned.ts'

const lookEveryMs = 2_000
// Whoever runs an execution, or goes on with it because it is due, ends it first.
const graceMs = 2_000
const mostAtOnce = 100

/**
 * Ends executions whose deadline has come and that no process runs: those that nobody has begun, those that nobody can go on with. A look costs the same
 * however many there are that are not overdue.
 */
export class OverdueExecutions {
  readonly #context: DocketContext
  #lookedAt = -Infinity
  #isLooking = false

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Looks, where it is time to. What takes long goes on by itself. */
  look(): void {
    const { clock, connection } = this.#context
    const now = clock.elapsed()
    if (this.#isLooking || now - this.#lookedAt < lookEveryMs) return
    this.#lookedAt = now
    this.#isLooking = true
    void this.#endSome()
      .catch(connection.failures.of('ending executions that are overdue'))
      .finally(() => void (this.#isLooking = false))
  }

  async #endSome(): Promise<void> {
    const { clock, connection, owned, isClosing } = this.#context
    const ids = await connection.store.overdue(clock.now() - graceMs, mostAtOnce)
    for (const id of ids) if (!isClosing && !owned.has(id)) await this.#end(id)
  }

  async #end(id: string): Promise<void> {
    const { clock, connection, turns } = this.#context
    await turns.inTurn(id, async () => {
      const found = await this.#context.recordNow(id)
      if (found === undefined || !isOverdue(found, clock.now() - graceMs)) return
      if (found.owner !== undefined && (await this.#context.ownerState(found.owner))?.isAlive === true) return
      const acquired = await acquireOne(connection, id)
      if (acquired === undefined) return
      const { execution: record } = acquired
      const error = overdueError(record, await this.#limitsOf(record), { graph: record.graph, executionId: id })
      const status = error instanceof ExecutionExpiredError ? 'cancelled' : 'failed'
      await connection.patiently(() => endUnowned(this.#context, record, status, error))
    })
  }

  /** Undefined where they can't be read: then it is the deadline that has come. */
  async #limitsOf({ id, inputs }: ExecutionRecord): Promise<StoredLimits | undefined> {
    try {
      const stored = await this.#context.connection.encoding.decode(inputs, ['execution', id, 'inputs'])
      return readLimits((stored as { readonly $limits?: unknown }).$limits)
    } catch {
      return undefined
    }
  }
}

/** It may have ended, or have been given more time, since it was found. */
function isOverdue({ status, deadline }: ExecutionRecord, before: number): boolean {
  return !isTerminal(status) && status !== 'compensating' && deadline !== undefined && deadline < before
}
