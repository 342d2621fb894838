import { defaultQueue } from '../../core/contracts/queue-record.ts'
import type { DocketOptions } from './docket-options.ts'

const defaultSlots = 100

/** The slots of a docket by queue; none where it runs nothing. */
export function slotsOf(work: DocketOptions['work']): ReadonlyMap<string, number> {
  if (work === false) return new Map()
  if (work === undefined) return new Map([[defaultQueue, defaultSlots]])
  return new Map(Object.entries(work).map(([queue, slots]) => [queue, slots ?? defaultSlots]))
}
