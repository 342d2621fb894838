/** A step that fails twice and is tried again, with longer and longer waits. */
import { dataType, execute, exponential, graph, step, type } from 'docket'

const City = dataType('City', type<string>())
const Weather = dataType('Weather', type<string>())

// #region step
const fetchWeather = step({
  name: 'FetchWeather',
  inputs: { city: City },
  output: Weather,
  timeout: '2s', // of each attempt
  retry: { maxAttempts: 4, backoff: exponential('10ms', { factor: 3, max: '1s' }) },
  run: async ({ city }, { attempt }) => {
    if (attempt < 3) throw new Error(`station in ${city} does not answer`)
    return `sunny in ${city} (attempt ${attempt})`
  },
})
// #endregion

const weather = graph({ name: 'weather', steps: [fetchWeather] })

// #region execute
const report = await execute(
  weather,
  Weather,
  { City: 'Oslo' },
  {
    observers: [
      (event) => {
        if (event.type === 'retry.scheduled')
          console.log(`attempt ${event.attempt} failed, next in ${event.delayMs} ms`)
      },
    ],
  },
)
console.log(report)
// #endregion
