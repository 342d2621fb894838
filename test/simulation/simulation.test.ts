import { expect, test } from 'vitest'
import { bandsOfMore, bandsOfSteps, failuresOf } from './bands.ts'

test.each(bandsOfSteps)('%i worlds from seed %i on break no law: %s', { timeout: 300_000 }, async (count, first) => {
  expect(await failuresOf(first, count)).toEqual([])
})

test('2,000 worlds and more are run each time', () => {
  const counts = [...bandsOfSteps, ...bandsOfMore].map(([count]) => count)
  expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(2_000)
})
