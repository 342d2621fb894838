/** Tests of timeouts and backoffs need not wait: an execution takes its time from a clock, and its dice from a function. */
import { dataType, execute, exponential, graph, step, type } from 'docket'
import { SimulatedClock } from 'xstate'

const City = dataType('City', type<string>())
const Weather = dataType('Weather', type<string>())

const fetchWeather = step({
  name: 'FetchWeather',
  inputs: { city: City },
  output: Weather,
  retry: { maxAttempts: 3, backoff: exponential('1h', { max: '1d', jitter: 0.5 }) },
  run: ({ city }, { attempt }) => {
    if (attempt < 3) throw new Error('the station does not answer')
    return `sunny in ${city}`
  },
})
const weather = graph({ name: 'weather', steps: [fetchWeather] })

// #region clock
const clock = new SimulatedClock()
const sunny = await execute(
  weather,
  Weather,
  { City: 'Oslo' },
  {
    clock,
    random: () => 0.5, // what jitter and random ids are made from
    observers: [
      (event) => {
        if (event.type !== 'retry.scheduled') return
        console.log(`attempt ${event.attempt} failed, the next in ${event.delayMs / 60_000} minutes`)
        setImmediate(() => clock.increment(event.delayMs)) // the timer is set by then
      },
    ],
  },
)
console.log(`${sunny}, ${clock.now() / 60_000} simulated minutes later`)
// #endregion
