import { expect, test } from 'vitest'
import { bandsOfMore, failuresOf } from './bands.ts'
import {
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
  firstWaitingSeed,
  firstWatchedSeed,
} from './features.ts'
import { runSeed } from './run-seed.ts'

test.each(bandsOfMore)('%i worlds from seed %i on break no law: %s', { timeout: 300_000 }, async (count, first) => {
  expect(await failuresOf(first, count)).toEqual([])
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
