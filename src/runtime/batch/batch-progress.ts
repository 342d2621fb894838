import type { ResolvedOptions } from '../execution/execution-setup.ts'
import type { Barrier } from './barrier.ts'

/** How many of a batch's items there are, and have ended. */
interface Counts {
  readonly total: number | undefined
  readonly succeeded: number
  readonly failed: number
}

/** Reports how far a batch is, with an item that has come further. `size`: how many items it will have, where that is known before all have been read. */
export function emitProgress(
  { emitter, clock }: Pick<ResolvedOptions, 'emitter' | 'clock'>,
  item: number,
  counts: Counts,
  size: number | undefined,
  barrier: Barrier,
): void {
  const { succeeded, failed } = counts
  const total = size ?? counts.total
  const share = total === undefined ? undefined : barrier.shareOf(total, succeeded + failed)
  emitter?.batchProgress(clock.now(), item, total, succeeded, failed, share)
}
