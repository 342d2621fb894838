import type { Plan } from '../../core/graph/plan.ts'

/** The count of unmet inputs of a step that will never be ready, however many of its inputs still come. */
export const neverReady = 2 ** 30

/** What follows from a value that will never come. */
export interface Unavailable {
  /** Slots of values that will never come, that one first. */
  readonly slots: readonly number[]
  /** Steps that can't do without one of them, by position. */
  readonly skipped: readonly number[]
  /** Steps that can, and have all else. */
  readonly ready: readonly number[]
}

/** Brings the counts of unmet inputs up to date for a value that will never come. */
export function withoutValue(plan: Plan, unmet: number[], slot: number): Unavailable {
  const slots = [slot]
  const skipped: number[] = []
  const ready: number[] = []
  for (const missing of slots) {
    for (const [index, position] of plan.dependants[missing]!.entries()) {
      // Counts only go down, and by less than this.
      if (unmet[position]! >= neverReady / 2) continue
      if (plan.canDoWithout[missing]![index]!) {
        if (--unmet[position]! === 0) ready.push(position)
        continue
      }
      unmet[position] = neverReady
      skipped.push(position)
      slots.push(plan.steps[position]!.outputSlot)
    }
  }
  return { slots, skipped, ready }
}
