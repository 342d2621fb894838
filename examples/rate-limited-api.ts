/** An API that allows each customer two calls a second, whatever calls it: all processes share the rate. The time is virtual: half a minute passes in no time. */
import { dataType, graph, step, type } from 'docket'
import { createTestDocket } from 'docket/testing'

const Call = dataType('Call', type<{ readonly customer: string; readonly path: string }>())
const Answer = dataType('Answer', type<string>())

const seconds = (): string => `${((docket.now().getTime() - began) / 1_000).toFixed(1)} s`

// #region step
const callApi = step({
  name: 'CallApi',
  inputs: { call: Call },
  output: Answer,
  // Each customer has a rate of its own, over all processes of the store.
  rate: { limit: 2, per: '1s', burst: 2, key: ({ call }) => call.customer, scope: 'graph' },
  // And no more than ten calls are open at the same time, whoever they are for.
  concurrency: { limit: 10, scope: 'graph' },
  retry: { maxAttempts: 3, backoff: '1s' },
  run: ({ call }) => {
    console.log(`${seconds()}: ${call.customer} calls ${call.path}`)
    return `answer to ${call.path}`
  },
})
// #endregion
const api = graph({ name: 'api', steps: [callApi] })

// In production: `createDocket({ graphs, store })`, in as many processes as you like.
await using docket = createTestDocket({ graphs: [api] })
const began = docket.now().getTime()

for (const path of ['/1', '/2', '/3', '/4', '/5'])
  await docket.start(api, Answer, { Call: { customer: 'acme', path } }, { id: `acme${path}` })
await docket.start(api, Answer, { Call: { customer: 'zeta', path: '/1' } }, { id: 'zeta/1' })
await docket.advance('100ms')

// #region details
const { steps } = await (await docket.get('acme/5'))!.details()
const [{ status, waitsFor }] = steps as [(typeof steps)[number]]
console.log(status, waitsFor?.kind === 'limit' && waitsFor.limits.map(({ kind, key, limit }) => ({ kind, key, limit })))
// #endregion
await docket.advance('10s')

// #region keys
const sync = { Call: { customer: 'acme', path: '/sync' } }
const first = await docket.start(api, Answer, sync, { dedupe: { key: 'acme', for: '1h' } })
const second = await docket.start(api, Answer, sync, { dedupe: { key: 'acme', for: '1h' } })
console.log(first.outcome, second.outcome, second.id === first.id, await second.result())
// #endregion
