import { expect, test } from 'vitest'
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

// Enough that a law which is broken in many worlds is seen to be. Worlds that nobody has seen are for the long run (`npm run simulate`); here a base can be given.
const base = Number(process.env['DOCKET_SIMULATION_SEED'] ?? 100_001)

/** The seeds from a first one on that break a law, with what they broke. */
async function failuresOf(first: number, count: number): Promise<readonly string[]> {
  const failures: string[] = []
  for (let seed = first; seed < first + count; seed++) {
    const { profile, violations } = await runSeed(seed)
    if (violations.length > 0)
      failures.push(`${violations.slice(0, 3).join('; ')} (${profile}; npm run simulate -- --seed ${seed})`)
  }
  return failures
}

test('100 worlds, the same ones each time, break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(1, 100)).toEqual([])
})

test(`80 worlds from seed ${base} on break no law`, { timeout: 300_000 }, async () => {
  expect(await failuresOf(base, 80)).toEqual([])
})

test('130 worlds with races, timers, and steps that are undone break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstControlFlowSeed, 130)).toEqual([])
})

test('170 worlds with fallbacks, deadlines, batches and codecs break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstFeaturedSeed, 170)).toEqual([])
})

test(
  '142 worlds with signals, children, parking and clocks that are set break no law',
  { timeout: 300_000 },
  async () => {
    expect(await failuresOf(firstWaitingSeed, 142)).toEqual([])
  },
)

test(
  '90 worlds with batches of all that, and timers that are given another time, break no law',
  { timeout: 300_000 },
  async () => {
    expect(await failuresOf(firstWaitingBatchSeed, 90)).toEqual([])
  },
)

test('80 worlds with durable functions among all that break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstFunctionSeed, 80)).toEqual([])
})

test('100 worlds with machines among all that break no law', { timeout: 240_000 }, async () => {
  expect(await failuresOf(firstMachineSeed, 100)).toEqual([])
})

test(
  '32 worlds with events, limits of life, and executions that are detached break no law',
  { timeout: 300_000 },
  async () => {
    expect(await failuresOf(firstEventSeed, 32)).toEqual([])
  },
)

test(
  '35 worlds with limits, queues, schedules, and functions that have children and messages, break no law',
  { timeout: 300_000 },
  async () => {
    expect(await failuresOf(firstLimitedSeed, 35)).toEqual([])
  },
)

test(
  '30 worlds with updates, steps in queues of their own, starts with keys, overrides and interceptors break no law',
  { timeout: 300_000 },
  async () => {
    expect(await failuresOf(firstRequestSeed, 30)).toEqual([])
  },
)

test('14 worlds with several versions of their program, side by side, break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstVersionSeed, 14)).toEqual([])
})

test('20 worlds whose executions are moved to another store break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstMovingSeed, 20)).toEqual([])
})

test('14 worlds in which all have deadlines, their children too, break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstDeadlineSeed, 14)).toEqual([])
})

test(
  '14 worlds with several schedules that people pause, trigger and take away break no law',
  { timeout: 300_000 },
  async () => {
    expect(await failuresOf(firstTimetableSeed, 14)).toEqual([])
  },
)

test('16 worlds with queues that people pause and limit break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstOperatedSeed, 16)).toEqual([])
})

test('16 worlds in which people look at what functions show break no law', { timeout: 300_000 }, async () => {
  expect(await failuresOf(firstWatchedSeed, 16)).toEqual([])
})

test('the same seed gives the same run', async () => {
  for (const seed of [
    3,
    27,
    50,
    firstFeaturedSeed + 13,
    firstFeaturedSeed + 397,
    firstWaitingSeed + 9,
    firstFunctionSeed + 4,
    firstMachineSeed + 5,
    firstEventSeed + 6,
    firstLimitedSeed + 8,
    firstRequestSeed + 7,
    firstVersionSeed + 3,
    firstMovingSeed + 2,
    firstDeadlineSeed + 1,
    firstTimetableSeed + 1,
    firstOperatedSeed + 1,
    firstWatchedSeed + 2,
  ]) {
    const first = await runSeed(seed, { isVerbose: true })
    const second = await runSeed(seed, { isVerbose: true })
    expect(first.log.length).toBeGreaterThan(20)
    expect(second.log).toEqual(first.log)
  }
})
