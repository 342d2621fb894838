// #region test
import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { createTestDocket, replaceSteps } from 'docket/testing'
import { Weather, weather } from './main.ts'

test('the weather comes in the morning, though the station does not answer at first', async () => {
  const station = mock.fn((city: string) => `sunny in ${city}`)
  station.mock.mockImplementationOnce(() => {
    throw new Error('no answer')
  })
  const tested = replaceSteps(weather, { FetchWeather: ({ city }) => station(city) })
  await using docket = createTestDocket({ graphs: [tested] })
  assert.equal(await docket.execute(tested, Weather, { City: 'Oslo' }, { id: 'oslo' }), 'sunny in Oslo')
  assert.equal(docket.now().toISOString(), '2000-01-01T09:00:00.000Z')
  assert.equal(station.mock.callCount(), 2)
})
// #endregion

// #region fake
afterEach(() => mock.timers.reset())

test('a client that waits by timers of its own is moved by those of the framework', async () => {
  const tested = replaceSteps(weather, {
    FetchWeather: async ({ city }) => {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      return `sunny in ${city}`
    },
  })
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  await using docket = createTestDocket({ graphs: [tested] })
  const oslo = docket.execute(tested, Weather, { City: 'Oslo' }, { id: 'oslo' })
  await docket.nextEvent({ type: 'step.started', step: 'FetchWeather' })
  mock.timers.tick(5_000)
  assert.equal(await oslo, 'sunny in Oslo')
})
// #endregion
