/** A hook that counts and measures what a docket does, by step and by what came of it. */
import { createDocket, dataType, graph, step, type } from 'docket'
import type { Interceptor } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Order = dataType('Order', type<number>())
const Receipt = dataType('Receipt', type<string>())
const charge = step({
  name: 'Charge',
  inputs: { order: Order },
  output: Receipt,
  persist: 'execution',
  retry: { maxAttempts: 2 },
  run: ({ order }) => {
    if (order === 2) throw new Error('declined')
    return `receipt of ${order}`
  },
})
const orders = graph({ name: 'orders', steps: [charge] })

// #region hook
/** Where a program counts: prom-client's Counter and Histogram have these methods. */
interface Meters {
  count(name: string, labels: Readonly<Record<string, string>>): void
  observe(name: string, labels: Readonly<Record<string, string>>, value: number): void
}

function metrics(meters: Meters): Interceptor {
  return {
    async start(call, next) {
      await next()
      meters.count('docket_executions_started_total', { graph: call.graph })
    },
    async step({ step, inputs }, next) {
      const since = performance.now()
      let status = 'failed'
      meters.count('docket_attempts_started_total', { step })
      meters.observe('docket_step_input_bytes', { step }, JSON.stringify(inputs).length)
      try {
        const value = await next()
        status = 'completed'
        return value
      } finally {
        meters.count('docket_attempts_total', { step, status })
        meters.observe('docket_attempt_seconds', { step, status }, (performance.now() - since) / 1_000)
      }
    },
  }
}
// #endregion

const counters = new Map<string, number>()
const samples = new Map<string, number>()
const add = (to: Map<string, number>, name: string, labels: object): void => {
  const key = `${name} ${JSON.stringify(labels)}`
  to.set(key, (to.get(key) ?? 0) + 1)
}
await using docket = createDocket({
  graphs: [orders],
  store: memoryStore(),
  interceptors: [
    metrics({
      count: (name, labels) => add(counters, name, labels),
      observe: (name, labels) => add(samples, name, labels),
    }),
  ],
})
for (const order of [1, 2, 3]) await docket.execute(orders, Receipt, { Order: order }).catch(() => {})
for (const [key, count] of [...counters].toSorted()) console.log(`${key} ${count}`)
for (const [key, count] of [...samples].toSorted()) console.log(`${key} ${count} samples`)
