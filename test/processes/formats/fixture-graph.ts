import { setTimeout as sleep } from 'node:timers/promises'
import { dataType, fixed, graph, NonRetryableError, step, type } from '../../../src/index.ts'
import type { StepContext } from '../../../src/index.ts'

export interface Described {
  readonly at: Date
  readonly tags: ReadonlyMap<string, number>
  readonly big: bigint
  readonly nothing: undefined
}

const Order = dataType('Order', type<{ readonly id: string }>())
const Details = dataType('Details', type<Described>())
const Price = dataType('Price', type<number>())
export const Rate = dataType('Rate', type<{ readonly currency: string; readonly rate: number }>())
export const Receipt = dataType('Receipt', type<string>())

/** What every order is described as. */
export const described: Described = {
  at: new Date(Date.UTC(2024, 1, 29, 12, 30)),
  tags: new Map([
    ['née', 1],
    ['b', -0.5],
  ]),
  big: 2n ** 70n,
  nothing: undefined,
}

type Charge = (id: string, context: StepContext) => string | Promise<string>

/** The fixtures' graph. When they were written, the last step did not come through for every order. */
export function orderGraph(charge: Charge = (id) => `receipt of ${id}`) {
  const runs: string[] = []
  const orders = graph({
    name: 'orders',
    steps: [
      step({
        name: 'Describe',
        inputs: { order: Order },
        output: Details,
        persist: 'execution',
        run: ({ order }) => {
          runs.push(`Describe ${order.id}`)
          return described
        },
      }),
      step({
        name: 'FindPrice',
        inputs: { order: Order },
        output: Price,
        persist: 'execution',
        run: ({ order }) => {
          runs.push(`FindPrice ${order.id}`)
          return order.id.length
        },
      }),
      step({
        name: 'FindRate',
        inputs: {},
        output: Rate,
        persist: 'global',
        run: () => {
          runs.push('FindRate')
          return { currency: 'NOK', rate: 11.5 }
        },
      }),
      step({
        name: 'Charge',
        inputs: { order: Order, details: Details, price: Price, rate: Rate },
        output: Receipt,
        persist: 'execution',
        retry: { maxAttempts: 3, backoff: fixed('60s') },
        run: ({ order }, context) => {
          runs.push(`Charge ${order.id}`)
          return charge(order.id, context)
        },
      }),
    ],
  })
  return { orders, runs }
}

/** How the last step was when the fixtures were written. */
export const chargeThen: Charge = async (id) => {
  if (id === 'failed') throw new NonRetryableError('the card was declined', { cause: new RangeError('limit') })
  if (id === 'retrying') throw new Error('the bank is busy')
  if (['unfinished', 'called-off', 'b-3', 'b-4'].includes(id)) await sleep(3_600_000, undefined, { ref: false })
  return `receipt of ${id}`
}
