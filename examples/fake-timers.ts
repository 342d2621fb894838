/** Fake timers of a test framework move a docket too: in ticks that are shorter than its lease. */
import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createDocket, dataType, graph, step, type } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const City = dataType('City', type<string>())
const Weather = dataType('Weather', type<string>())

const fetchWeather = step({
  name: 'FetchWeather',
  inputs: { city: City },
  output: Weather,
  persist: 'execution',
  retry: { maxAttempts: 3, backoff: '1h' },
  run: ({ city }, { attempt }) => {
    if (attempt < 3) throw new Error('the station does not answer')
    return `sunny in ${city}`
  },
})
const weather = graph({ name: 'weather', steps: [fetchWeather] })

// #region pass
/** Lets time pass, with a turn of the event loop after each second: a docket that gets none renews no lease. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    mock.timers.tick(Math.min(left, 1_000))
    await nextTurn() // setImmediate of node:timers/promises, which is not faked
  }
}

mock.timers.enable({ apis: ['setTimeout', 'Date'] })
await using docket = createDocket({ graphs: [weather], store: memoryStore() })
const handle = await docket.start(weather, Weather, { City: 'Oslo' }, { id: 'oslo' })
await pass(2 * 3_600_000)
console.log(await handle.result())
// #endregion
mock.timers.reset()
