import {
  firstControlFlowSeed,
  firstDeadlineSeed,
  firstEventSeed,
  firstFeaturedSeed,
  firstFunctionSeed,
  firstLimitedSeed,
  firstMachineSeed,
  firstMovingSeed,
  firstOperatedSeed,
  firstRequestSeed,
  firstTimetableSeed,
  firstVersionSeed,
  firstWaitingBatchSeed,
  firstWaitingSeed,
  firstWatchedSeed,
} from './features.ts'
import { runSeed } from './run-seed.ts'

/** Worlds of neighbouring seeds, which have the same features. */
export type Band = readonly [count: number, first: number, what: string]

// Worlds that nobody has seen are for the long run (`npm run simulate`); here a base can be given.
const base = Number(process.env['DOCKET_SIMULATION_SEED'] ?? 100_001)

/** Worlds of steps, and of what these wait for. */
export const bandsOfSteps: readonly Band[] = [
  [150, 1, 'plain steps'],
  [150, base, 'plain steps, from another seed on'],
  [330, firstControlFlowSeed, 'races, timers, and steps that are undone'],
  [370, firstFeaturedSeed, 'fallbacks, deadlines, batches and codecs'],
  [300, firstWaitingSeed, 'signals, children, parking and clocks that are set'],
  [230, firstWaitingBatchSeed, 'batches of all that, and timers that are given another time'],
]

/** Worlds that have all of it, and people and programs that do something with it. One takes as long as three of the others. */
export const bandsOfMore: readonly Band[] = [
  [90, firstFunctionSeed, 'durable functions'],
  [100, firstMachineSeed, 'machines'],
  [50, firstEventSeed, 'events, limits of life, and executions that are detached'],
  [45, firstLimitedSeed, 'limits, queues, schedules, and functions that have children and messages'],
  [45, firstRequestSeed, 'updates, steps in queues of their own, starts with keys, overrides and interceptors'],
  [20, firstVersionSeed, 'several versions of their program, side by side'],
  [24, firstMovingSeed, 'executions that are moved to another store'],
  [40, firstDeadlineSeed, 'deadlines for all, their children too'],
  [16, firstTimetableSeed, 'several schedules that people pause, trigger and take away'],
  [20, firstOperatedSeed, 'queues that people pause and limit'],
  [20, firstWatchedSeed, 'people who look at what functions show'],
]

/** The seeds from a first one on that break a law, with what they broke. */
export async function failuresOf(first: number, count: number): Promise<readonly string[]> {
  const failures: string[] = []
  for (let seed = first; seed < first + count; seed++) {
    const { profile, violations } = await runSeed(seed)
    if (violations.length > 0)
      failures.push(`${violations.slice(0, 3).join('; ')} (${profile}; npm run simulate -- --seed ${seed})`)
  }
  return failures
}
