import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { endStatuses } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { sharedResultsOf } from '../runtime/results/store-results.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import type { DocketContext } from './context/docket-context.ts'

const purgeEveryMs = 60_000
const purgePortion = 1_000

/** Which executions a purge removes. */
export interface PurgeFilter {
  /** Ended before this long ago. */
  readonly olderThan: Duration
  /** @default completed, failed and cancelled ones */
  readonly status?: EndStatus | readonly EndStatus[]
}

type EndStatus = Extract<ExecutionStatus, 'completed' | 'failed' | 'cancelled'>

/** What is written and removed from time to time, whatever happens. */
export class Upkeep {
  readonly #context: DocketContext
  #purgedAt = -Infinity
  #ownedMsWrittenAt = -Infinity

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Does what is due. @throws StoreError */
  async run(): Promise<void> {
    this.#writeOwnedMs()
    await this.#purgeExpired()
  }

  /** Of a process that dies, it is known to within a lease how long it owned its executions. */
  #writeOwnedMs(): void {
    const { clock, connection, owned } = this.#context
    const now = clock.elapsed()
    if (now - this.#ownedMsWrittenAt < connection.session.leaseMs) return
    this.#ownedMsWrittenAt = now
    for (const one of owned.values()) one.writeOwnedMs()
  }

  /** Removes what has expired, a portion at a time. */
  async #purgeExpired(): Promise<void> {
    const { clock, connection, ownStores } = this.#context
    const now = clock.elapsed()
    if (now - this.#purgedAt < purgeEveryMs) return
    const purged = await connection.store.purgeResults(purgePortion)
    // A full portion means that there is more: next time round.
    if (purged < purgePortion) this.#purgedAt = now
    for (const store of ownStores) await sharedResultsOf(store).purge(purgePortion)
  }
}

/** Deletes executions that ended before a while ago, and results that have expired; gives how many executions. @throws StoreError */
export async function purge({ connection, clock }: DocketContext, options: PurgeFilter): Promise<number> {
  const ended: ExecutionStatus | readonly ExecutionStatus[] = options.status ?? endStatuses
  await connection.ready()
  const filter = {
    statuses: typeof ended === 'string' ? [ended] : ended,
    endedBefore: clock.now() - durationMs(options.olderThan)!,
    limit: purgePortion,
  }
  const turn = turnOf(clock)
  let total = 0
  for (;;) {
    if (turn.mustYield(purgePortion)) await turn.next()
    const purged = await connection.store.purge(filter)
    total += purged
    if (purged < filter.limit) break
  }
  while ((await connection.store.purgeResults(purgePortion)) === purgePortion)
    if (turn.mustYield(purgePortion)) await turn.next()
  return total
}
