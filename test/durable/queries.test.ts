import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  createDocket,
  dataType,
  durableStep,
  graph,
  QueryError,
  RefusedError,
  signal,
  step,
  subgraph,
  type,
  untypedGraph,
} from '../../src/index.ts'
import type { QueryView } from '../../src/index.ts'
import { createTestDocket, replaceSteps } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

const Cart = dataType(
  'Cart',
  z.object({ items: z.array(z.string()), at: z.string().transform((text) => new Date(text)) }),
)
const Price = dataType('Price', type<{ cents: number }>())
const Approval = dataType('Approval', type<string>())
const Receipt = dataType('Receipt', type<string>())
const Stage = dataType('Stage', type<string>())

let priced = 0
const price = step({
  name: 'Price',
  inputs: { cart: Cart },
  output: Price,
  persist: 'execution',
  run: ({ cart }) => {
    priced++
    return { cents: cart.items.length * 100 }
  },
})
const receipt = step({
  name: 'Receipt',
  inputs: { price: Price, approval: Approval },
  output: Receipt,
  run: ({ price: { cents }, approval }) => `${cents} by ${approval}`,
})
const orders = graph({
  name: 'orders',
  steps: [price, signal(Approval), receipt],
  queries: {
    state: (view) => `${view.get(Price)?.cents ?? '?'} ${view.get(Approval) ?? 'open'} ${view.get(Receipt) ?? '-'}`,
    year: (view) => view.get(Cart)?.at.getUTCFullYear(),
    discounted: (view, percent: number) => ((view.get(Price)?.cents ?? 0) * (100 - percent)) / 100,
    spoil: (view) => (view.get(Cart)!.items as string[]).push('x'),
    unknown: (view) => view.get(dataType('Reciept', type<string>())),
  },
})
const inputs = { Cart: { items: ['book', 'lamp'], at: '2020-01-01' } }

test('a query gives the same while the execution runs, is parked and has ended, and runs no step', async () => {
  await using docket = createTestDocket({ graphs: [orders] })
  const handle = await docket.start(orders, Receipt, inputs, { id: 'one' })
  await docket.advance('1s')
  priced = 0
  expect(await handle.query('state')).toBe('200 open -')
  expect(await handle.query('year')).toBe(2020)
  expect(await handle.query('discounted', 10)).toBe(180)
  await docket.advance('1m')
  expect((await handle.details()).status).toBe('waiting')
  expect(await handle.query('state')).toBe('200 open -')
  await docket.restart()
  expect(await (await docket.get('one'))!.query('state')).toBe('200 open -')
  await handle.signal(Approval, 'Bo')
  await handle.result()
  expect(await handle.query('state')).toBe('200 Bo 200 by Bo')
  expect(priced).toBe(0)
})

test('it needs no lease: a docket that takes nothing over answers it while another process has the execution', async () => {
  const store = memoryStore()
  await using owner = createDocket({ graphs: [orders], store })
  await using other = createDocket({ graphs: [orders], store, takeOver: false })
  const handle = await owner.start(orders, Receipt, inputs, { id: 'one' })
  await handle.signal(Approval, 'Bo')
  await handle.result()
  expect(await (await other.get('one'))!.query('state')).toBe('200 Bo 200 by Bo')
})

test('values are frozen copies', async () => {
  await using docket = createTestDocket({ graphs: [orders] })
  const handle = await docket.start(orders, Receipt, inputs)
  await expect(handle.query('spoil')).rejects.toMatchObject({ code: 'QUERY_FAILED', cause: expect.any(TypeError) })
  expect(inputs.Cart.items).toEqual(['book', 'lamp'])
})

test('what a query throws is a QueryError with that as its cause, and the execution goes on', async () => {
  await using docket = createTestDocket({ graphs: [orders] })
  const handle = await docket.start(orders, Receipt, inputs, { id: 'one' })
  const failure = handle.query('unknown')
  await expect(failure).rejects.toBeInstanceOf(QueryError)
  await expect(failure).rejects.toThrow(
    'query "unknown" of graph "orders" failed for execution "one": graph "orders" has no type "Reciept"; did you mean "Receipt"?',
  )
  await handle.signal(Approval, 'Bo')
  expect(await handle.result()).toBe('200 by Bo')
})

test('unknown names are reported with those that are known', async () => {
  const none = untypedGraph({ name: 'none', steps: [price] })
  await using docket = createTestDocket({ graphs: [orders, none] })
  const handle = await docket.start(orders, Receipt, inputs, { id: 'one' })
  await expect(handle.query('stat' as never)).rejects.toThrow(
    'graph "orders" has no query "stat"; did you mean "state"?',
  )
  await expect(handle.query('toString' as never)).rejects.toThrow('it has: state, year, discounted, spoil, unknown')
  await expect(handle.query(7 as never)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  const plain = await docket.start(none, Price, inputs)
  await expect(plain.query('state')).rejects.toThrow('graph "none" has no query "state"; it has none')
  const batch = await docket.startBatch(none, Price, [inputs])
  await batch.result()
  await expect(batch.query('state')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

test('a docket without the graph says that it lacks it, and one without the execution that there is none', async () => {
  const store = memoryStore()
  await using first = createDocket({ graphs: [orders], store })
  const handle = await first.start(orders, Receipt, inputs, { id: 'one' })
  await using second = createDocket({ graphs: [], takeOver: false, store })
  await expect((await second.get('one'))!.query('state')).rejects.toThrow('this docket does not know graph "orders"')
  const gone = (await second.get('one'))!
  await handle.cancel()
  await first.delete('one')
  await expect(gone.query('state')).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
})

test('a query sees what a durable step has published', async () => {
  const long = durableStep({
    name: 'Long',
    inputs: { cart: Cart },
    output: Receipt,
    publishes: [Stage],
    run: async (_, ctx) => {
      await ctx.publish(Stage, 'packing')
      await ctx.sleep('1h')
      await ctx.publish(Stage, 'sending')
      return 'done'
    },
  })
  const longs = graph({
    name: 'longs',
    steps: [long],
    queries: { stage: (view) => `${view.status}: ${view.get(Stage)}` },
  })
  await using docket = createTestDocket({ graphs: [longs] })
  const handle = await docket.start(longs, Receipt, inputs)
  await docket.advance('1m')
  expect(await handle.query('stage')).toBe('waiting: packing')
  await handle.result()
  expect(await handle.query('stage')).toBe('completed: sending')
})

test('a child, a graph whose steps are replaced, and a graph with former names have their queries', async () => {
  const outer = graph({ name: 'outer', steps: [subgraph(orders, Receipt)] })
  const mocked = replaceSteps(outer, {})
  await using docket = createTestDocket({
    graphs: [mocked, replaceSteps(orders, { Price: () => ({ cents: 7 }) })].slice(0, 1),
  })
  await docket.start(mocked, Receipt, inputs, { id: 'one' })
  await docket.advance('1s')
  expect(await (await docket.get('one/orders'))!.query('state')).toBe('200 open -')
  await using other = createTestDocket({ graphs: [replaceSteps(orders, { Price: () => ({ cents: 7 }) })] })
  const handle = await other.startByName('orders', 'Receipt', inputs)
  await other.advance('1s')
  expect(await handle.query('state')).toBe('7 open -')
})

test('interceptors see a query, change its input, refuse it, and may answer it themselves', async () => {
  await using docket = createTestDocket({
    graphs: [orders],
    interceptors: [
      {
        query: async (call, next) => {
          if (call.query === 'year') throw new RefusedError('not the year')
          if (call.query === 'state') return 'secret'
          return next({ input: 50 })
        },
      },
    ],
  })
  const handle = await docket.start(orders, Receipt, inputs)
  await docket.advance('1s')
  expect(await handle.query('discounted', 10)).toBe(100)
  expect(await handle.query('state')).toBe('secret')
  await expect(handle.query('year')).rejects.toThrow('not the year')
})

function declare(queries: unknown): () => unknown {
  return () => untypedGraph({ name: 'g', steps: [price], queries: queries as never })
}

test('wrong queries are problems of the graph', () => {
  expect(declare([])).toThrow('queries must be an object of functions by name')
  expect(declare({ total: 7 })).toThrow('query "total" must be a function, not 7')
  expect(declare({ total: (view: QueryView) => view.status })).not.toThrow()
})
