import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { endStatuses, isTerminal } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { purgeShared } from './shared-upkeep.ts'
import { sharedResultsOf } from '../runtime/results/own-store-results.ts'
import { actsKeptMs } from './context/acts-kept.ts'
import type { DocketContext } from './context/docket-context.ts'
import { inPortions } from './in-portions.ts'
import { Retention } from './retention.ts'
import { UncertainAcquisitions } from './recovery/uncertain-acquisitions.ts'
import { OverdueExecutions } from './recovery/overdue.ts'

const purgeEveryMs = 60_000
/** A wait that nobody has looked at for so long may be one of an execution that is gone. */
const checkWaitsAfterMs = 3_600_000
/** What processes had in common, and nobody has written for so long, is looked at. */
const checkSharedAfterMs = 3_600_000

/** Which executions a purge removes. */
export interface PurgeFilter {
  /** Ended before this long ago. */
  readonly olderThan: Duration
  /** That ended so. @default completed, failed and cancelled ones */
  readonly status?: EndStatus | readonly EndStatus[]
}

type EndStatus = Extract<ExecutionStatus, 'completed' | 'failed' | 'cancelled'>

/** What is written and removed from time to time, whatever happens. */
export class Upkeep {
  readonly #context: DocketContext
  readonly #overdue: OverdueExecutions
  readonly #uncertain: UncertainAcquisitions
  readonly #retention: Retention | undefined
  /** When each store was, by itself: one that stays broken is tried again without the others. */
  readonly #purgedAt = new Map<object, number>()
  readonly #purging = new Set<object>()
  /** Stands for the events of the store, which are another thing to purge. */
  readonly #events = {}
  readonly #shared = {}
  readonly #acts = {}
  #ownedMsWrittenAt = -Infinity

  constructor(context: DocketContext) {
    this.#context = context
    this.#overdue = new OverdueExecutions(context)
    this.#uncertain = new UncertainAcquisitions(context)
    const { retain } = context.options
    if (retain !== undefined) this.#retention = new Retention(context, retain)
  }

  /** Does what is due. What takes long goes on by itself: messages and other work don't wait for it. */
  run(): void {
    this.#writeOwnedMs()
    this.#purgeExpired()
    this.#overdue.look()
    this.#uncertain.look()
    this.#context.setup.limits.look()
    this.#retention?.run()
  }

  /** Of a process that dies, it is known to within a lease how long it owned its executions. */
  #writeOwnedMs(): void {
    const { clock, connection, owned } = this.#context
    const now = clock.elapsed()
    if (now - this.#ownedMsWrittenAt < connection.session.leaseMs) return
    this.#ownedMsWrittenAt = now
    for (const one of owned.values()) one.writeOwnedMs()
  }

  #purgeExpired(): void {
    const { connection, clock, ownStores } = this.#context
    this.#purgeWhenDue(connection.store, (limit) => connection.store.purgeResults(limit))
    this.#purgeWhenDue(this.#events, (limit) => purgeEvents(this.#context, clock.now() - checkWaitsAfterMs, limit))
    this.#purgeWhenDue(this.#shared, (limit) => purgeShared(this.#context, clock.now() - checkSharedAfterMs, limit))
    const keptMs = actsKeptMs(this.#context.options)
    if (keptMs !== undefined)
      this.#purgeWhenDue(this.#acts, (limit) => connection.store.purgeActs(clock.now() - keptMs, limit))
    for (const store of ownStores) this.#purgeWhenDue(store, (limit) => sharedResultsOf(store).purge(limit))
  }

  /** Removes what nobody wants or makes any more from one store, portion by portion, until one brings nothing. */
  #purgeWhenDue(store: object, purgeSome: (limit: number) => Promise<number>): void {
    const { clock, connection } = this.#context
    const now = clock.elapsed()
    if (this.#purging.has(store) || now - (this.#purgedAt.get(store) ?? -Infinity) < purgeEveryMs) return
    this.#purging.add(store)
    void inPortions(clock, async (limit) => (this.#context.isClosing ? 0 : purgeSome(limit)))
      .then(
        () => void this.#purgedAt.set(store, now),
        // Where the store is away, it is tried again next time round.
        connection.failures.of('the upkeep of the store'),
      )
      .finally(() => void this.#purging.delete(store))
  }
}

/**
 * Deletes executions that ended before a while ago, and results that have expired or that nobody makes any more; gives how many executions.
 * @throws StoreError
 */
export async function purge(context: DocketContext, options: PurgeFilter): Promise<number> {
  const { connection, clock, ownStores } = context
  const ended: ExecutionStatus | readonly ExecutionStatus[] = options.status ?? endStatuses
  await connection.readyBy()
  const filter = {
    statuses: typeof ended === 'string' ? [ended] : ended,
    endedBefore: clock.now() - durationMs(options.olderThan)!,
  }
  const { store } = connection
  const patiently = (purgeSome: (limit: number) => Promise<number>) =>
    inPortions(clock, (limit) => connection.patiently(() => purgeSome(limit)))
  // Of a portion whose answer was lost nobody knows how many it was: the sum is then what is known to be gone because of this call.
  const total = await patiently((limit) => store.purge({ ...filter, limit }))
  await patiently((limit) => store.purgeResults(limit))
  const now = clock.now()
  await patiently((limit) => purgeEvents(context, now, limit))
  await patiently((limit) => purgeShared(context, now - checkSharedAfterMs, limit))
  const keptMs = actsKeptMs(context.options)
  if (keptMs !== undefined) await patiently((limit) => store.purgeActs(now - keptMs, limit))
  for (const own of ownStores) await patiently((limit) => sharedResultsOf(own).purge(limit))
  return total
}

/**
 * Ends waits for events of executions that have ended or are gone, where nobody has looked at them since a while ago: their processes may have died before they did. Then
 * deletes events that have expired, and that nobody waits for. Gives how many of both it dealt with.
 */
async function purgeEvents({ connection }: DocketContext, before: number, limit: number): Promise<number> {
  const { store, clock } = connection
  const at = clock.now()
  const waits = await store.oldWaits(before, limit)
  if (waits.length > 0) {
    const records = await store.get(waits.map(({ execution }) => execution))
    const isOver = (index: number): boolean => isTerminal(records[index]?.status ?? 'completed')
    const looked = waits.map((wait) => ({ ...wait, at }))
    const over = looked.filter((_, index) => isOver(index))
    const open = looked.filter((_, index) => !isOver(index))
    // What is registered anew meanwhile stays.
    if (over.length > 0) await store.endWaits(over.map((wait) => ({ ...wait, at: before })))
    if (open.length > 0) await store.awaitEvents(open)
  }
  return waits.length + (await store.purgeEvents(limit))
}
