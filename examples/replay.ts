/** An execution that failed in production, replayed on a desk: what its steps had made stays, and the one that failed runs the local code. */
import { createDocket, dataType, graph, step } from 'docket'
import type { ExportedExecution } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string(), at: z.date() }))
const Card = dataType('Card', z.string(), { sensitive: true })
const Payment = dataType('Payment', z.string())
const Receipt = dataType('Receipt', z.string())

const ordersWith = (write: (order: { readonly id: string; readonly at: Date }) => string) =>
  graph({
    name: 'orders',
    steps: [
      step({
        name: 'Pay',
        inputs: { order: Order, card: Card },
        output: Payment,
        persist: 'execution',
        run: ({ order }) => {
          console.log(`paying ${order.id}`)
          return `payment of ${order.id}`
        },
      }),
      step({
        name: 'WriteReceipt',
        inputs: { order: Order, payment: Payment },
        output: Receipt,
        persist: 'execution',
        run: ({ order }) => write(order),
      }),
    ],
  })

// #region export
const broken = ordersWith(({ at }) => at.toLocaleDateString('en', { timeZone: 'Europe/Atlantis' }))
await using production = createDocket({ graphs: [broken], store: memoryStore() })
const inputs = { Order: { id: 'o-7', at: new Date('2026-01-02') }, Card: '4111 1111 1111 1111' }
const failed = await production.start(broken, Receipt, inputs, { id: 'order:7' })
await failed.result().catch((error: Error) => console.log(`${String(error.cause)}`))

const file = JSON.stringify(await production.export('order:7'))
console.log(`the card is in the file: ${file.includes('4111 1111')}`)
// #endregion

// #region replay
const mended = ordersWith(({ id, at }) => `${id}, on ${at.toISOString().slice(0, 10)}`)
const from = JSON.parse(file) as ExportedExecution
await using local = createTestDocket({ graphs: [mended], from, values: { Card: 'of nobody' } })
console.log((await local.why('order:7', 'WriteReceipt')).code)
console.log(await (await local.retry('order:7')).result())
// #endregion
