import type { DocketOptions } from './docket-options.ts'

const defaultSlots = 100

/** The slots of a docket by queue; none where it takes nothing. */
export function slotsOf({
  takeOver,
  work,
}: Pick<DocketOptions, 'takeOver' | 'work'>): Readonly<Record<string, number>> {
  return takeOver === false ? {} : { default: work?.default ?? defaultSlots }
}
