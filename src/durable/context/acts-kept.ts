import { durationMs } from '../../core/duration.ts'
import type { DocketOptions } from './docket-options.ts'
import { slotsOf } from './slots-of.ts'

const actsMs = durationMs('90d')!

/** For how long acts are kept; undefined where this process does not say so: it only looks on, and others may keep them longer. */
export function actsKeptMs({
  retain,
  takeOver,
  work,
}: Pick<DocketOptions, 'retain' | 'takeOver' | 'work'>): number | undefined {
  const given = durationMs(retain?.acts)
  if (given !== undefined) return given
  return takeOver === false || slotsOf(work).size === 0 ? undefined : actsMs
}
