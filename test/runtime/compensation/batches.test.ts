import { expect, test } from 'vitest'
import { all, dataType, executeBatch, graph, step, streamBatch, type } from '../../../src/index.ts'
import type { DocketError, ExecutionEvent } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Order = dataType('Order', type<number>())
const Warehouse = dataType('Warehouse', type<string>())
const Reserved = dataType('Reserved', type<string>())
const Mean = dataType('Mean', type<number>())
const Shipped = dataType('Shipped', type<string>())

interface Situation {
  readonly log: string[]
  readonly fails: (order: number) => boolean
  readonly clock?: VirtualTime
}

/** Items reserve in a warehouse that is opened once for all of them, and ship. */
function shopOf({ log, fails, clock }: Situation) {
  const open = step({
    name: 'Open',
    output: Warehouse,
    run: () => 'warehouse',
    compensate: (warehouse) => void log.push(`close ${warehouse}`),
  })
  const reserve = step({
    name: 'Reserve',
    inputs: { order: Order, warehouse: Warehouse },
    output: Reserved,
    run: ({ order }) => `reserved ${order}`,
    compensate: (reserved, { item, inputs }) => void log.push(`release ${item} ${reserved} of ${inputs.order}`),
  })
  const ship = step({
    name: 'Ship',
    inputs: { order: Order, reserved: Reserved },
    output: Shipped,
    run: async ({ order }) => {
      await clock?.sleep(order * 1_000)
      if (fails(order)) throw new Error(`no road to ${order}`)
      return `shipped ${order}`
    },
  })
  return graph({ name: 'shop', steps: [open, reserve, ship] })
}
const stubborn = (): never => {
  throw new Error('stays')
}
const items = [1, 2, 3].map((order) => ({ Order: order }))

test('under onError collect, an item that fails is undone alone, and its outcome comes when it is', async () => {
  const log: string[] = []
  const shop = shopOf({ log, fails: (order) => order === 2 })
  const outcomes = await executeBatch(shop, Shipped, items, { onError: 'collect' })
  expect(outcomes.map(({ value, error }) => value ?? error?.code)).toEqual(['shipped 1', 'STEP_FAILED', 'shipped 3'])
  expect(log).toEqual(['release 1 reserved 2 of 2'])
})

test('what takes all items is not given what an item has made that fails, while that is still undone', async () => {
  const clock = new VirtualTime()
  const given: (readonly string[])[] = []
  const Checked = dataType('Checked', type<boolean>())
  const reserve = step({
    name: 'Reserve',
    inputs: { order: Order },
    output: Reserved,
    run: async ({ order }) => {
      await clock.sleep(order * 1_000)
      return `reserved ${order}`
    },
    compensate: () => clock.sleep(60_000),
  })
  const check = step({
    name: 'Check',
    inputs: { order: Order, reserved: Reserved },
    output: Checked,
    run: ({ order }) => {
      if (order === 2) throw new Error('no such order')
      return true
    },
  })
  const mean = step({
    name: 'Mean',
    inputs: { all: all(Reserved) },
    output: Mean,
    run: ({ all }) => {
      given.push(all)
      return all.length
    },
  })
  const send = step({
    name: 'Send',
    inputs: { mean: Mean, checked: Checked },
    output: Shipped,
    run: ({ mean }) => `one of ${mean}`,
  })
  const shop = graph({ name: 'shop', steps: [reserve, check, mean, send] })
  const outcomes = await clock.settle(executeBatch(shop, Shipped, items, { clock, onError: 'collect' }))
  expect(given).toEqual([['reserved 1', 'reserved 3']])
  expect(outcomes.map(({ value, error }) => value ?? error?.code)).toEqual(['one of 2', 'STEP_FAILED', 'one of 2'])
})

test('a batch that fails undoes all that it did, also of items that were done: its caller has none of them', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  const events: ExecutionEvent[] = []
  const shop = shopOf({ log, clock, fails: (order) => order === 2 })
  const observers = [(event: ExecutionEvent) => void events.push(event)]
  const outcome = executeBatch(shop, Shipped, items, { clock, observers }).catch((error: unknown) => error)
  expect(await clock.settle(outcome)).toMatchObject({ step: 'Ship', item: 1 })
  expect(log.slice(0, 3).toSorted()).toEqual([
    'release 0 reserved 1 of 1',
    'release 1 reserved 2 of 2',
    'release 2 reserved 3 of 3',
  ])
  expect(log.slice(3)).toEqual(['close warehouse'])
  expect(events.filter(({ type }) => type === 'execution.compensating')).toHaveLength(1)
  expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'failed' })
})

test('what takes all items is undone before the items, and what they share after them', async () => {
  const log: string[] = []
  const mean = step({
    name: 'Mean',
    inputs: { all: all(Reserved) },
    output: Mean,
    run: ({ all }) => all.length,
    compensate: (count) => void log.push(`mean of ${count}`),
  })
  const Sent = dataType('Sent', type<string>())
  const send = step({
    name: 'Send',
    inputs: { mean: Mean, order: Order },
    output: Sent,
    run: ({ order }) => {
      if (order === 3) throw new Error('no')
      return new Promise<string>(() => {})
    },
    compensate: { run: (_, { item, isUncertain }) => void log.push(`send ${item} ${isUncertain}`), wait: 0 },
  })
  const shop = shopOf({ log, fails: () => false })
  const means = graph({ name: 'means', steps: [...shop.steps, mean, send] })
  const error = await executeBatch(means, Sent, items).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ step: 'Send', item: 2 })
  expect(log.slice(0, 2).toSorted()).toEqual(['send 0 true', 'send 1 true'])
  expect(log[2]).toBe('mean of 3')
  expect(log.slice(3, 6).toSorted()).toEqual([
    'release 0 reserved 1 of 1',
    'release 1 reserved 2 of 2',
    'release 2 reserved 3 of 3',
  ])
  expect(log.slice(6)).toEqual(['close warehouse'])
})

test('a batch that is cancelled answers at once, and is undone afterwards', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  const controller = new AbortController()
  const shop = shopOf({ log, clock, fails: () => false })
  const options = { clock, signal: controller.signal }
  const outcome = executeBatch(shop, Shipped, items, options).catch((error: unknown) => error)
  await clock.advance(2_500)
  controller.abort()
  expect(await outcome).toMatchObject({ code: 'EXECUTION_CANCELLED' })
  await clock.advance(20_000)
  expect(log).toHaveLength(4)
  expect(log.at(-1)).toBe('close warehouse')
})

test('a stream gives the outcome of an item once it is undone', async () => {
  const log: string[] = []
  const shop = shopOf({ log, fails: (order) => order === 1 })
  const seen: (string | undefined)[] = []
  for await (const { error } of streamBatch(shop, Shipped, items.slice(0, 1), { onError: 'collect' })) {
    seen.push(error?.code)
    expect(log).toEqual(['release 0 reserved 1 of 1'])
  }
  expect(seen).toEqual(['STEP_FAILED'])
})

test('a stream whose consumer leaves undoes what still ran; what was given stays, with what it shares', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  const stream = streamBatch(shopOf({ log, clock, fails: () => false }), Shipped, items, { clock })
  const iterator = stream[Symbol.asyncIterator]()
  expect(await clock.settle(iterator.next())).toEqual({ value: 'shipped 1', done: false })
  await iterator.return?.()
  await clock.advance(20_000)
  expect(log.toSorted()).toEqual(['release 1 reserved 2 of 2', 'release 2 reserved 3 of 3'])
})

test('what could not be undone of the parts of a batch stands beside its error', async () => {
  const A = dataType('A', type<number>())
  const B = dataType('B', type<number>())
  const makeA = step({
    name: 'MakeA',
    inputs: { order: Order },
    output: A,
    run: ({ order }) => order,
    compensate: stubborn,
  })
  const makeB = step({
    name: 'MakeB',
    inputs: { a: A },
    output: B,
    run: ({ a }) => {
      throw new Error(`no ${a}`)
    },
  })
  const stubbornBatch = graph({ name: 'stubborn', steps: [makeA, makeB] })
  const error = (await executeBatch(stubbornBatch, B, items.slice(0, 1)).catch(
    (thrown: unknown) => thrown,
  )) as DocketError
  expect(error.undoErrors).toMatchObject([{ step: 'MakeA', item: 0 }])
  expect(error.undoErrors![0]!.message).toContain('for item 0')
  const [outcome] = await executeBatch(stubbornBatch, B, items.slice(0, 1), { onError: 'collect' })
  expect(outcome!.error!.undoErrors).toMatchObject([{ step: 'MakeA', item: 0 }])
})

test('equal items of one batch do each their own, where it may have to be undone', async () => {
  let runs = 0
  const A = dataType('A', type<number>())
  const makeA = step({
    name: 'MakeA',
    inputs: { order: Order },
    output: A,
    run: () => ++runs,
    persist: 'execution',
    compensate: () => {},
  })
  await executeBatch(graph({ name: 'equal', steps: [makeA] }), A, [{ Order: 1 }, { Order: 1 }])
  expect(runs).toBe(2)
})
