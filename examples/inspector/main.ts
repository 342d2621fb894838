/**
 * An order is checked, priced and packed under the stock Stately inspector; a local receiver shows what the inspector sees.
 *
 * `npm run example:inspector`, with `-- --once` to end after one run, `-- --durable` for executions of a docket, or
 * `-- --url ws://localhost:8080` for another receiver.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createWebSocketInspector } from '@statelyai/inspect'
import { createDocket, dataType, fixed, fromGraph, graph, optional, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import { startReceiver } from './receiver.ts'
import { describeFrame } from './session-board.ts'

const Order = dataType('Order', z.object({ items: z.array(z.string()) }))
const Stock = dataType('Stock', z.boolean())
const Discount = dataType('Discount', z.number())
const Price = dataType('Price', z.number())
const Parcel = dataType('Parcel', z.object({ items: z.array(z.string()), price: z.number() }))

const checkStock = step({
  name: 'CheckStock',
  inputs: { order: Order },
  output: Stock,
  retry: { maxAttempts: 3, backoff: fixed('300ms') },
  run: async (_, { attempt, signal }) => {
    await sleep(200, undefined, { signal })
    if (attempt < 3) throw new Error('the warehouse does not answer')
    return true
  },
})

const findDiscount = step({
  name: 'FindDiscount',
  inputs: { order: Order },
  output: Discount,
  run: async (_, { signal }) => {
    await sleep(150, undefined, { signal })
    throw new Error('no such customer')
  },
})

const price = step({
  name: 'CalculatePrice',
  inputs: { order: Order, discount: optional(Discount) },
  output: Price,
  run: ({ order, discount }) => order.items.length * 10 - (discount ?? 0),
})

const pack = step({
  name: 'Pack',
  inputs: { order: Order, stock: Stock, price: Price },
  output: Parcel,
  timeout: '5s',
  run: async ({ order, price }, { signal }) => {
    await sleep(250, undefined, { signal })
    return { items: [...order.items], price }
  },
})

const orders = graph({ name: 'orders', steps: [checkStock, findDiscount, price, pack] })

const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    durable: { type: 'boolean', default: false },
    url: { type: 'string' },
  },
})
const receiver =
  options.url === undefined ? await startReceiver({ onFrame: (frame) => print(describeFrame(frame)) }) : undefined
if (receiver !== undefined) console.log(`the receiver shows what it gets at ${receiver.page}`)

const inspector = createWebSocketInspector({ url: options.url ?? receiver!.url })
// Without a connection the inspector keeps the latest 200 frames only, and a graph is quick.
await (receiver?.connected ?? sleep(500))

const inputs = { Order: { items: ['tea', 'honey'] } }

const asActor = (): Promise<{ readonly items: readonly string[]; readonly price: number }> => {
  const { inspect } = inspector
  return toPromise(createActor(fromGraph(orders, Parcel), { id: 'orders', input: inputs, inspect }).start())
}

const docket = options.durable
  ? createDocket({ graphs: [orders], store: memoryStore(), persist: 'execution', inspect: inspector.inspect })
  : undefined

const runOnce = async (): Promise<void> => {
  const parcel = await (docket === undefined ? asActor() : docket.execute(orders, Parcel, inputs))
  // The inspector sends each frame in a timer of its own.
  await sleep(100)
  console.log(`packed ${parcel.items.join(' and ')} for ${parcel.price}`)
}

await runOnce()
while (!options.once) {
  await sleep(5_000)
  await runOnce()
}
await docket?.close()
inspector.stop()
await receiver?.close()

function print(line: string | undefined): void {
  if (line !== undefined) console.log(line)
}
