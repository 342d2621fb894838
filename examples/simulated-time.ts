/** Tests of timeouts, backoffs and leases need not wait: executions take their time from a clock, and their dice from a function. */
import { createDocket, dataType, execute, exponential, graph, step, type } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'

const City = dataType('City', type<string>())
const Weather = dataType('Weather', type<string>())

const fetchWeather = step({
  name: 'FetchWeather',
  inputs: { city: City },
  output: Weather,
  persist: 'execution',
  retry: { maxAttempts: 3, backoff: exponential('1h', { max: '1d', jitter: 0.5 }) },
  run: ({ city }, { attempt }) => {
    if (attempt < 3) throw new Error('the station does not answer')
    return `sunny in ${city}`
  },
})
const weather = graph({ name: 'weather', steps: [fetchWeather] })

// #region clock
const clock = new VirtualClock(0)
const sunny = execute(
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
      },
    ],
  },
)
// The time goes from timer to timer until the promise has settled.
console.log(`${await clock.settle(sunny)}, ${clock.now() / 60_000} simulated minutes later`)
// #endregion

// #region docket
// A docket's store has a time of its own, which goes along: leases and the times at which retries are due are in it.
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
await using docket = createDocket({ graphs: [weather], store, clock, random: () => 0.5 })
const handle = await docket.start(weather, Weather, { City: 'Bergen' }, { id: 'bergen' })

await clock.advance(3_600_000) // an hour, in no time
console.log((await handle.details()).steps.map(({ step, status, attempt }) => `${step} ${status}, attempt ${attempt}`))
console.log(await clock.settle(handle.result()))
// #endregion
