import type { StepInfo } from '../records/step-info.ts'
import { infosOf } from './why-facts.ts'
import type { WhyFacts } from './why-facts.ts'

/** A step that another one's state comes from, and the steps on the way to it. */
export interface TrailEnd {
  readonly info: StepInfo
  /** From the step in question to this one. */
  readonly path: readonly string[]
}

/**
 * Follows a step back to those that its state comes from: from each step to the ones before it that are `followed`, until one `isEnd`. Each is looked at once, however many
 * ways lead to it, those that are near before others.
 */
export function trailOf(
  facts: WhyFacts,
  from: StepInfo,
  before: (name: string) => readonly string[],
  {
    isEnd,
    isFollowed,
  }: {
    readonly isEnd: (info: StepInfo) => boolean
    readonly isFollowed: (info: StepInfo) => boolean
  },
): readonly TrailEnd[] {
  const ends: TrailEnd[] = []
  const open: TrailEnd[] = [{ info: from, path: [from.step] }]
  const seen = new Set<StepInfo>([from])
  for (const { info, path } of open) {
    if (info !== from && isEnd(info)) {
      ends.push({ info, path })
      continue
    }
    for (const name of before(info.step))
      for (const next of infosOf(facts, name, info.item)) {
        if (seen.has(next) || !(isEnd(next) || isFollowed(next))) continue
        seen.add(next)
        open.push({ info: next, path: [...path, name] })
      }
  }
  return ends
}
