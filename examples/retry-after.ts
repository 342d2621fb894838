/** A service that asks for patience: the next attempt begins when it says. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dataType, execute, exponential, graph, RetryAfterError, step, type } from 'docket'

let requests = 0
const server = createServer((_, response) => {
  if (++requests > 1) response.end('sunny')
  else response.writeHead(429, { 'retry-after': '1' }).end()
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const City = dataType('City', type<string>())
const Weather = dataType('Weather', type<string>())

// #region step
const fetchWeather = step({
  name: 'FetchWeather',
  inputs: { city: City },
  output: Weather,
  retry: { maxAttempts: 5, backoff: exponential('10ms') },
  run: async ({ city }, { signal }) => {
    const response = await fetch(`${url}/${encodeURIComponent(city)}`, { signal })
    if (response.status === 429 || response.status === 503) {
      // Seconds, or a date.
      const after = response.headers.get('retry-after') ?? '1'
      throw new RetryAfterError(/^\d+$/.test(after) ? Number(after) * 1_000 : new Date(after))
    }
    if (!response.ok) throw new Error(`the station answers ${response.status}`)
    return response.text()
  },
})
// #endregion

const weather = graph({
  name: 'weather',
  steps: [fetchWeather],
  observers: [
    (event) => {
      if (event.type === 'retry.scheduled') console.log(`next attempt in ${event.delayMs} ms`)
    },
  ],
})
console.log(await execute(weather, Weather, { City: 'Oslo' }))
server.close()
