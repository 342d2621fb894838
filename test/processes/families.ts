import { setTimeout as sleep } from 'node:timers/promises'
import { dataType, graph, signal, step, subgraph, type } from '../../src/index.ts'

const Order = dataType('Order', type<string>())
const Weight = dataType('Weight', type<number>())
const Parcel = dataType('Parcel', type<string>())
export const Bell = dataType('Bell', type<string>())
const Delivery = dataType('Delivery', type<string>())
export const Receipt = dataType('Receipt', type<string>())

/** An order, and its child that delivers it when somebody opens. `call` is what functions do: the name of their step, and whose it is. */
export function family(call: (name: string, id: string) => void, handOverMs = 0) {
  const shipping = graph({
    name: 'shipping',
    steps: [
      step({
        name: 'Pack',
        inputs: { weight: Weight },
        output: Parcel,
        persist: 'execution',
        run: ({ weight }, { executionId }) => {
          call('Pack', executionId)
          return `${weight} g`
        },
      }),
      signal(Bell, { inputs: { parcel: Parcel } }),
      step({
        name: 'HandOver',
        inputs: { parcel: Parcel, bell: Bell },
        output: Delivery,
        persist: 'execution',
        run: async ({ parcel, bell }, { executionId }) => {
          call('HandOver', executionId)
          await sleep(handOverMs)
          return `${parcel} for ${bell}`
        },
      }),
    ],
  })
  const orders = graph({
    name: 'orders',
    steps: [
      step({
        name: 'Weigh',
        inputs: { order: Order },
        output: Weight,
        persist: 'execution',
        run: ({ order }, { executionId }) => {
          call('Weigh', executionId)
          return order.length
        },
      }),
      subgraph(shipping, Delivery, { name: 'Ship' }),
      step({
        name: 'Bill',
        inputs: { delivery: Delivery },
        output: Receipt,
        run: ({ delivery }) => `bill: ${delivery}`,
      }),
    ],
  })
  return { shipping, orders }
}
