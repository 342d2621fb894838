/** A hook that logs each attempt, with the caller's correlation id, and how long it took. */
import { createDocket, dataType, graph, step, type } from 'docket'
import type { Interceptor } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Order = dataType('Order', type<string>())
const Receipt = dataType('Receipt', type<string>())
const charge = step({
  name: 'Charge',
  inputs: { order: Order },
  output: Receipt,
  retry: { maxAttempts: 2 },
  run: ({ order }, { attempt }) => {
    if (attempt === 1) throw new Error('the bank is busy')
    return `receipt of ${order}`
  },
})
const orders = graph({ name: 'orders', steps: [charge] })

// #region hook
function logging(write: (line: object) => void): Interceptor {
  return {
    async step({ step, attempt, executionId, headers }, next) {
      const since = performance.now()
      const about = { step, attempt, executionId, correlationId: headers['correlation-id'] }
      write({ ...about, msg: 'begins' })
      try {
        const value = await next()
        write({ ...about, msg: 'succeeded', tookMs: Math.round(performance.now() - since) })
        return value
      } catch (error) {
        write({ ...about, msg: 'failed', reason: (error as Error).message })
        throw error
      }
    },
  }
}
// #endregion

await using docket = createDocket({
  graphs: [orders],
  store: memoryStore(),
  interceptors: [logging(({ ...line }) => console.log(JSON.stringify({ ...line, tookMs: undefined })))],
})
await docket.execute(orders, Receipt, { Order: 'o-1' }, { id: 'order:1', headers: { 'correlation-id': 'c-7' } })
