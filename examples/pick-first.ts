// A race: two services are called for the same thing, the first answer is taken, and the other call is cancelled.
import { setTimeout as sleep } from 'node:timers/promises'
import { dataType, execute, explain, graph, race, step } from 'docket'
import { z } from 'zod'

const City = dataType('City', z.string())
const Report = z.object({ celsius: z.number() })
const Near = dataType('Near', Report)
const Far = dataType('Far', Report)
const Weather = dataType('Weather', z.string())

const ask = async (service: string, ms: number, signal: AbortSignal): Promise<{ celsius: number }> => {
  signal.addEventListener('abort', () => console.log(`${service}: ${(signal.reason as Error).message}`))
  await sleep(ms, undefined, { signal })
  return { celsius: 21 }
}

// #region race
const askNear = step({
  name: 'AskNear',
  inputs: { city: City },
  output: Near,
  run: ({ city }, { signal }) => {
    if (city === 'Atlantis') throw new Error('no such city')
    return ask('near', 10, signal)
  },
})
const askFar = step({
  name: 'AskFar',
  inputs: { city: City },
  output: Far,
  run: (_, { signal }) => ask('far', 200, signal),
})

const forecast = race({
  name: 'Forecast',
  inputs: { near: Near, far: Far },
  output: Weather,
  run: (first) => `${first.value.celsius} degrees, says the one that is ${first.port}`,
})

const weather = graph({ name: 'weather', steps: [askNear, askFar, forecast] })
console.log(await execute(weather, Weather, { City: 'Oslo' }))
console.log(await execute(weather, Weather, { City: 'Atlantis' }))
// #endregion
console.log(explain(weather, Weather, { City: 'Oslo' }).toMermaid())
