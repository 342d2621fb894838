// A graph that is tested by Vitest, Jest and node:test, in the files beside this one.
import { dataType, graph, step, timer } from 'docket'
import { z } from 'zod'

export const City = dataType('City', z.string())
export const Morning = dataType('Morning', z.object({ dueAt: z.date() }))
export const Weather = dataType('Weather', z.string())

const fetchWeather = step({
  name: 'FetchWeather',
  inputs: { city: City, morning: Morning },
  output: Weather,
  persist: 'execution',
  retry: { maxAttempts: 3, backoff: '1h' },
  timeout: '1m',
  run: async ({ city }): Promise<string> => {
    throw new Error(`a test must not call the station in ${city}`)
  },
})
export const weather = graph({
  name: 'weather',
  steps: [timer({ name: 'Sleep', output: Morning, after: '8h' }), fetchWeather],
})
