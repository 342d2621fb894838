// #region test
import { afterEach, expect, test, vi } from 'vitest'
import { createTestDocket, replaceSteps } from 'docket/testing'
import { Weather, weather } from './main.ts'

test('the weather comes in the morning, though the station does not answer at first', async () => {
  const station = vi.fn<(city: string) => string>((city) => `sunny in ${city}`)
  station.mockImplementationOnce(() => {
    throw new Error('no answer')
  })
  const tested = replaceSteps(weather, { FetchWeather: ({ city }) => station(city) })
  await using docket = createTestDocket({ graphs: [tested] })
  expect(await docket.execute(tested, Weather, { City: 'Oslo' }, { id: 'oslo' })).toBe('sunny in Oslo')
  expect(docket.now()).toEqual(new Date('2000-01-01T09:00:00Z'))
  expect(station).toHaveBeenCalledTimes(2)
})
// #endregion

// #region fake
afterEach(() => void vi.useRealTimers())

test('a client that waits by timers of its own is moved by those of the framework', async () => {
  const tested = replaceSteps(weather, {
    FetchWeather: async ({ city }) => {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      return `sunny in ${city}`
    },
  })
  vi.useFakeTimers()
  await using docket = createTestDocket({ graphs: [tested] })
  const oslo = docket.execute(tested, Weather, { City: 'Oslo' }, { id: 'oslo' })
  await docket.nextEvent({ type: 'step.started', step: 'FetchWeather' })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await oslo).toBe('sunny in Oslo')
})
// #endregion
