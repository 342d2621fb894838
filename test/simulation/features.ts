import type { RandomSource } from './random-source.ts'

/** What a world has besides executions of plain steps. */
export interface Features {
  readonly hasFallbacks: boolean
  readonly hasDeadlines: boolean
  readonly hasBatches: boolean
  /** Races, timers, and steps that are undone. */
  readonly hasControlFlow: boolean
  /** Besides those: signals, children, parking, clocks that are set, and messages to all of it. */
  readonly hasWaits: boolean
  /** Timers are given another time. */
  readonly hasMoves: boolean
  /** Some steps are durable functions. */
  readonly hasFunctions: boolean
  /** Some steps are machines. */
  readonly hasMachines: boolean
  /** Whether a commit may be carried out a second time, or late, after those that came after it. */
  readonly hasLateCommits: boolean
  readonly codec: 'none' | 'prompt' | 'slow'
}

/** Worlds below this seed are those from before there were features: they draw no numbers for them. */
export const firstFeaturedSeed = 1_000_001

/** Worlds from this seed on have races, timers, and steps that are undone. */
export const firstControlFlowSeed = 2_000_001

/** Worlds from this seed on have all of control flow. */
export const firstWaitingSeed = 3_000_001

/** Worlds from this seed on have batches of it too, and timers that are set otherwise. */
export const firstWaitingBatchSeed = 4_000_001

/** Worlds from this seed on have durable functions as well. */
export const firstFunctionSeed = 5_000_001

/** Worlds from this seed on have machines, too. */
export const firstMachineSeed = 30_000_001

/**
 * In worlds with machines before this seed no commit is carried out after a later one. In those from it on it may be: such a commit takes a machine back to a state
 * that it has left, since stores know no order of records that are not completed. That is known, and not mended.
 */
const firstLateMachineSeed = 40_000_001

const none: Features = {
  hasFallbacks: false,
  hasDeadlines: false,
  hasBatches: false,
  hasControlFlow: false,
  hasWaits: false,
  hasMoves: false,
  hasFunctions: false,
  hasMachines: false,
  hasLateCommits: true,
  codec: 'none',
}

/** What the world of a seed has. */
export function featuresOf(seed: number, random: RandomSource): Features {
  if (seed < firstFeaturedSeed) return none
  if (seed >= firstWaitingSeed)
    return {
      ...none,
      hasControlFlow: true,
      hasWaits: true,
      hasMoves: seed >= firstWaitingBatchSeed,
      hasFunctions: seed >= firstFunctionSeed,
      hasMachines: seed >= firstMachineSeed,
      hasLateCommits: seed < firstMachineSeed || seed >= firstLateMachineSeed,
      hasBatches: seed >= firstWaitingBatchSeed && random.chance(0.6),
      hasDeadlines: random.chance(0.3),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
    }
  if (seed >= firstControlFlowSeed)
    return { ...none, hasControlFlow: true, codec: random.weighted({ none: 60, prompt: 20, slow: 20 }) }
  return {
    hasFallbacks: random.chance(0.6),
    hasDeadlines: random.chance(0.5),
    hasBatches: random.chance(0.65),
    hasControlFlow: false,
    hasWaits: false,
    hasMoves: false,
    hasFunctions: false,
    hasMachines: false,
    hasLateCommits: true,
    codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
  }
}
