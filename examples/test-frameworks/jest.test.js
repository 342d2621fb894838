// #region test
import { afterEach, expect, jest, test } from '@jest/globals'
import { createTestDocket, replaceSteps } from 'docket/testing'
import { Weather, weather } from './main.ts'

test('the weather comes in the morning, though the station does not answer at first', async () => {
  const station = jest.fn((city) => `sunny in ${city}`)
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
afterEach(() => void jest.useRealTimers())

test('a client that waits by timers of its own is moved by those of the framework', async () => {
  const tested = replaceSteps(weather, {
    FetchWeather: async ({ city }) => {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      return `sunny in ${city}`
    },
  })
  jest.useFakeTimers()
  await using docket = createTestDocket({ graphs: [tested] })
  const oslo = docket.execute(tested, Weather, { City: 'Oslo' }, { id: 'oslo' })
  await docket.nextEvent({ type: 'step.started', step: 'FetchWeather' })
  await jest.advanceTimersByTimeAsync(5_000)
  expect(await oslo).toBe('sunny in Oslo')
})
// #endregion
