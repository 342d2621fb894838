/** What happens when steps fail: what is tried again, what is tolerated, what stops everything, and what the caller gets. */
import {
  AbortExecutionError,
  dataType,
  execute,
  graph,
  NonRetryableError,
  optional,
  step,
  StepError,
  type,
} from 'docket'

const Order = dataType('Order', type<{ readonly id: number }>())
const Stock = dataType('Stock', type<number>())
const Discount = dataType('Discount', type<number>())
const Recommendation = dataType('Recommendation', type<string>())
const Payment = dataType('Payment', type<string>())
const Receipt = dataType('Receipt', type<string>())

class Unavailable extends Error {}

let stockCalls = 0

// #region retryIf
const checkStock = step({
  name: 'CheckStock',
  inputs: { order: Order },
  output: Stock,
  retry: { maxAttempts: 5, backoff: '5ms', retryIf: (error) => error instanceof Unavailable },
  run: ({ order }, { attempt }) => {
    stockCalls++
    if (order.id === 404) throw new RangeError('no such order') // another attempt can't help
    if (attempt < 3) throw new Unavailable('warehouse is busy') // it may
    return 7
  },
})
// #endregion

// #region fallback
const findDiscount = step({
  name: 'FindDiscount',
  inputs: { order: Order },
  output: Discount,
  fallback: 0, // or (error, { order }) => …
  run: () => {
    throw new Error('the discount service is down')
  },
})
// #endregion

// #region optional
const recommend = step({
  name: 'Recommend',
  inputs: { order: Order },
  output: Recommendation,
  run: () => {
    throw new Error('the model did not load')
  },
})

const writeReceipt = step({
  name: 'WriteReceipt',
  inputs: { payment: Payment, stock: Stock, discount: Discount, tip: optional(Recommendation) },
  output: Receipt,
  run: ({ payment, stock, discount, tip }) =>
    `${payment}, ${stock} left, ${discount} % off, ${tip ?? 'nothing'} recommended`,
})
// #endregion

// #region stop
const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  retry: { maxAttempts: 3 },
  run: ({ order }, { idempotencyKey }) => {
    if (order.id === 13) throw new AbortExecutionError('fraud') // nothing tolerates this, and nothing goes on
    if (order.id === 402) throw new NonRetryableError('card declined') // no further attempt, whatever `retry` says
    return idempotencyKey.length > 0 ? `order ${order.id} paid` : 'never'
  },
})
// #endregion

const orders = graph({ name: 'orders', steps: [checkStock, findDiscount, recommend, pay, writeReceipt] })

console.log(await execute(orders, Receipt, { Order: { id: 1 } }))
console.log(`the warehouse was called ${stockCalls} times`)

// #region caller
for (const id of [404, 402, 13]) {
  try {
    await execute(orders, Receipt, { Order: { id } })
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    console.log(`${error.message} [${error.path.join(' ← ')}]`)
    console.log(`  cause: ${String(error.cause)}`)
  }
}
// #endregion
