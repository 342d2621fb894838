import { expect, test } from 'vitest'
import { createDocket, dataType, graph, OptionError, signal, step, StoreError, type } from '../../src/index.ts'
import type { Docket, StartVerdict } from '../../src/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Paid = dataType('Paid', type<string>())
const Receipt = dataType('Receipt', type<string>())

const orders = graph({
  name: 'orders',
  steps: [
    signal(Paid),
    step({
      name: 'Bill',
      inputs: { order: Order, paid: Paid },
      output: Receipt,
      run: ({ order, paid }) => `${order} by ${paid}`,
    }),
  ],
})
const inputs = { Order: 'o-1' }

async function outcome(
  docket: Docket,
  options: Parameters<typeof docket.start>[3],
): Promise<[string, StartVerdict | undefined]> {
  const handle = await docket.start(orders, Receipt, inputs, options as object)
  return [handle.id, handle.outcome]
}

test('with onBusy: skip, nothing is started while another execution of the graph has the key, and the handle is of that one', async () => {
  const world = new World()
  const dockets = [world.process({ graphs: [orders] }), world.process({ graphs: [orders] })]
  const skip = { key: 'ada', onBusy: 'skip' } as const
  expect(await outcome(dockets[0]!, { ...skip, id: 'one' })).toEqual(['one', 'started'])
  const second = await dockets[1]!.start(orders, Receipt, { Order: 'o-2' }, { ...skip, id: 'two' })
  expect([second.id, second.outcome]).toEqual(['one', 'skipped'])
  expect(await dockets[0]!.get('two')).toBeUndefined()
  expect(await outcome(dockets[1]!, { ...skip, key: 'bob', id: 'three' })).toEqual(['three', 'started'])
  // The same call again is the same execution.
  expect(await outcome(dockets[1]!, { ...skip, id: 'one' })).toEqual(['one', 'attached'])
  await second.signal(Paid, 'card')
  await world.clock.advance(1_000)
  expect(await second.result()).toBe('o-1 by card')
  expect(await outcome(dockets[1]!, { ...skip, id: 'four' })).toEqual(['four', 'started'])
})

test('with onBusy: cancelRunning, the other one is cancelled, wherever it is, and this one is started', async () => {
  const world = new World()
  const dockets = [world.process({ graphs: [orders] }), world.process({ graphs: [orders] })]
  const cancel = { key: 'ada', onBusy: 'cancelRunning' } as const
  const first = await dockets[0]!.start(orders, Receipt, inputs, { ...cancel, id: 'one' })
  expect(await outcome(dockets[1]!, { ...cancel, id: 'two' })).toEqual(['two', 'started'])
  await world.clock.advance(2_000)
  await expect(first.result()).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  expect((await (await dockets[0]!.get('two'))!.details()).status).not.toBe('cancelled')
})

test('with onBusy: wait, it is started, and seen by those that skip', async () => {
  const world = new World()
  const docket = world.process({ graphs: [orders] })
  expect(await outcome(docket, { key: 'ada', onBusy: 'wait', id: 'one' })).toEqual(['one', 'started'])
  expect(await outcome(docket, { key: 'ada', onBusy: 'wait', id: 'two' })).toEqual(['two', 'started'])
  expect(await outcome(docket, { key: 'ada', onBusy: 'skip', id: 'three' })).toEqual(['one', 'skipped'])
})

test('of many processes that start under one key at the same moment, one does', async () => {
  const world = new World()
  const dockets = Array.from({ length: 5 }, () => world.process({ graphs: [orders] }))
  const started = Promise.all(
    dockets.flatMap((docket, index) =>
      [0, 1, 2, 3].map((round) => outcome(docket, { key: 'ada', onBusy: 'skip', id: `${index}-${round}` })),
    ),
  )
  await world.clock.advance(5_000)
  const outcomes = await started
  expect(outcomes.filter(([, became]) => became === 'started')).toHaveLength(1)
  expect(new Set(outcomes.map(([id]) => id)).size).toBe(1)
})

test('a process that dies between claiming a key and writing its execution down holds nobody up for longer than its lease', async () => {
  const world = new World()
  const first = world.mortal(
    { graphs: [orders] },
    new Proxy(world.store, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key)
        if (key === 'create') return () => new Promise(() => {})
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
  )
  void first.docket.start(orders, Receipt, inputs, { key: 'ada', onBusy: 'skip', id: 'one' }).catch(() => {})
  await world.clock.advance(10)
  first.die()
  const second = world.process({ graphs: [orders] })
  const started = outcome(second, { key: 'ada', onBusy: 'skip', id: 'two' })
  await world.clock.advance(7_000)
  expect(await started).toEqual(['two', 'started'])
})

test('a start that is refused gives its key back', async () => {
  const world = new World()
  let refuses = true
  const store = new Proxy(world.store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]): Promise<unknown> => {
        if (key === 'create' && refuses) throw new StoreError('test', 'refused', false)
        return (value as (...all: unknown[]) => unknown).apply(target, given)
      }
    },
  })
  const docket = world.process({ graphs: [orders], store })
  const keys = { key: 'ada', onBusy: 'skip', dedupe: { key: 'order', for: '1h' } } as const
  await expect(outcome(docket, { ...keys, id: 'one' })).rejects.toBeInstanceOf(StoreError)
  refuses = false
  expect(await outcome(docket, { ...keys, id: 'two' })).toEqual(['two', 'started'])
})

test('with dedupe, nothing is started for a while after another one was, even if that has ended or is deleted', async () => {
  const world = new World()
  const dockets = [world.process({ graphs: [orders] }), world.process({ graphs: [orders] })]
  const dedupe = { key: 'order-1', for: '10m' } as const
  expect(await outcome(dockets[0]!, { dedupe, id: 'one' })).toEqual(['one', 'started'])
  await world.clock.advance(1_000)
  expect(await outcome(dockets[1]!, { dedupe, id: 'two' })).toEqual(['one', 'deduplicated'])
  await dockets[0]!.cancel('one')
  await dockets[0]!.delete('one')
  expect(await outcome(dockets[1]!, { dedupe, id: 'three' })).toEqual(['one', 'deduplicated'])
  await world.clock.advance(600_000)
  expect(await outcome(dockets[1]!, { dedupe, id: 'four' })).toEqual(['four', 'started'])
})

test('execute waits for the execution that has the key', async () => {
  const world = new World()
  const docket = world.process({ graphs: [orders] })
  const skip = { key: 'ada', onBusy: 'skip' } as const
  const one = await docket.start(orders, Receipt, inputs, { ...skip, id: 'one' })
  const same = docket.execute(orders, Receipt, { Order: 'o-2' }, skip)
  await world.clock.advance(100)
  await one.signal(Paid, 'cash')
  await world.clock.advance(1_000)
  expect(await same).toBe('o-1 by cash')
})

test('what keys leave behind is forgotten', async () => {
  const world = new World()
  const docket = world.process({ graphs: [orders] })
  for (const key of ['a', 'b']) {
    await outcome(docket, { key, onBusy: 'skip', dedupe: { key, for: '1m' }, id: key })
    if (key === 'a') await docket.cancel(key)
  }
  await world.clock.advance(4_000_000)
  await docket.purge({ olderThan: '1d' })
  // b has not ended.
  expect(await world.store.oldShared(Infinity, 10)).toHaveLength(1)
  expect(await outcome(docket, { key: 'b', onBusy: 'skip', id: 'c' })).toEqual(['b', 'skipped'])
})

test('keys that can’t be are refused, all problems at once, and so are they within a transaction', async () => {
  const docket = createDocket({ graphs: [orders], store: sqliteStore(':memory:') })
  const bad = { key: '', onBusy: 'queue', dedupe: { key: 1, for: 0, of: 'x' } } as never
  const refusal = outcome(docket, bad)
  await expect(refusal).rejects.toBeInstanceOf(OptionError)
  for (const problem of [
    'key must be a non-empty string',
    "onBusy must be 'wait', 'skip' or 'cancelRunning'",
    'dedupe.key must be a non-empty string',
    'dedupe.for 0 is not a duration above zero',
    'unknown option "of"',
  ])
    await expect(outcome(docket, bad)).rejects.toThrow(problem)
  await expect(outcome(docket, { onBusy: 'skip' })).rejects.toThrow('onBusy needs a key')
  const within = { key: 'a', onBusy: 'skip', transaction: {} } as never
  await expect(outcome(docket, within)).rejects.toThrow("onBusy can't be combined with a transaction")
  await docket.close()
})

const both = { Order: 'o-2' }

test('of many that are started by one call, those whose key is taken are the handles of the others', async () => {
  const world = new World()
  const dockets = [world.process({ graphs: [orders] }), world.process({ graphs: [orders] })]
  const skip = { key: 'ada', onBusy: 'skip' } as const
  await dockets[1]!.start(orders, Receipt, inputs, { ...skip, key: 'bob', id: 'before' })
  const dedupe = { key: 'once', for: '1h' } as const
  const started = await world.clock.settle(
    dockets[0]!.startMany(orders, Receipt, [
      { inputs, id: 'one', ...skip },
      { inputs: both, id: 'two', ...skip },
      { inputs: both, id: 'three', ...skip, key: 'bob' },
      { inputs, id: 'four', dedupe },
      { inputs, id: 'five' },
    ]),
  )
  expect(started.map(({ handle }) => [handle?.id, handle?.outcome])).toEqual([
    ['one', 'started'],
    ['one', 'skipped'],
    ['before', 'skipped'],
    ['four', 'started'],
    ['five', 'started'],
  ])
  const again = await world.clock.settle(
    dockets[1]!.startMany(orders, Receipt, [
      { inputs: both, id: 'six', dedupe },
      { inputs: both, id: 'seven', key: 'ada', onBusy: 'cancelRunning' },
    ]),
  )
  expect(again.map(({ handle }) => [handle?.id, handle?.outcome])).toEqual([
    ['four', 'deduplicated'],
    ['seven', 'started'],
  ])
  await world.clock.advance(2_000)
  expect((await (await dockets[0]!.get('one'))!.details()).status).toBe('cancelled')
  await expect(dockets[0]!.startMany(orders, Receipt, [{ inputs, onBusy: 'skip' }])).rejects.toThrow(
    'start 0: onBusy needs a key',
  )
})

test('of batches with one key, or one key of dedupe, one is started, wherever its process dies', async () => {
  const world = new World()
  const first = world.mortal({ graphs: [orders] })
  const other = world.process({ graphs: [orders] })
  const skip = { queueKey: 'ada', onBusy: 'skip', dedupe: { key: 'night', for: '1h' } } as const
  // Keys of executions are others.
  await other.start(orders, Receipt, inputs, { key: 'ada', onBusy: 'skip', id: 'single' })
  const one = await world.clock.settle(first.docket.startBatch(orders, Receipt, [inputs], { ...skip, id: 'one' }))
  expect([one.id, one.outcome]).toEqual(['one', 'started'])
  first.die()
  const keyed = { queueKey: 'ada', onBusy: 'skip', id: 'two' } as const
  const two = await world.clock.settle(other.startBatch(orders, Receipt, [both], keyed))
  const deduplicated = { dedupe: { key: 'night', for: '1h' }, id: 'three' } as const
  const three = await world.clock.settle(other.startBatch(orders, Receipt, [both], deduplicated))
  expect([two.id, two.outcome, three.id, three.outcome]).toEqual(['one', 'skipped', 'one', 'deduplicated'])
  await world.clock.advance(10_000)
  await two.signal(Paid, 'card')
  await world.clock.advance(2_000)
  expect(await two.result()).toEqual(['o-1 by card'])
  const four = await world.clock.settle(other.startBatch(orders, Receipt, [both], { ...keyed, id: 'four' }))
  const cancelRunning = { ...keyed, onBusy: 'cancelRunning', id: 'five' } as const
  const five = await world.clock.settle(other.startBatch(orders, Receipt, [both], cancelRunning))
  await world.clock.advance(2_000)
  expect([four.outcome, five.outcome, (await four.details()).status]).toEqual(['started', 'started', 'cancelled'])
  await expect(other.startBatch(orders, Receipt, [both], { onBusy: 'skip' })).rejects.toThrow('onBusy needs a queueKey')
})

test('actors and schedules take no such keys, and say what to do', async () => {
  const docket = createDocket({ graphs: [orders], store: sqliteStore(':memory:') })
  for (const keys of [{ key: 'ada', onBusy: 'skip' }, { dedupe: { key: 'ada', for: '1h' } }]) {
    expect(() => docket.logic(orders, Receipt, keys as never)).toThrow('is not for logic: an actor stands for')
    const nightly = { graph: orders, target: Receipt, inputs, every: '1h', ...keys }
    await expect(docket.schedule('nightly', nightly as never)).rejects.toThrow('is not for schedules:')
  }
  await docket.close()
})

test('a start that is refused, since its id is there with other inputs, takes no key from the execution that has it', async () => {
  const world = new World()
  const dockets = [world.process({ graphs: [orders] }), world.process({ graphs: [orders] })]
  for (const keys of [{ key: 'ada', onBusy: 'skip' }, { dedupe: { key: 'ada', for: '1h' } }] as const) {
    const id = JSON.stringify(keys)
    expect(await outcome(dockets[0]!, { ...keys, id })).toEqual([id, 'started'])
    const other = dockets[1]!.start(orders, Receipt, { Order: 'o-2' }, { ...keys, id })
    await expect(other).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
    expect((await outcome(dockets[1]!, { ...keys, id: 'two' }))[0]).toBe(id)
  }
})

test('of two starts of one id at the same moment, one that is refused takes no key from the other', async () => {
  const world = new World()
  const docket = world.process({ graphs: [orders] })
  const skip = { key: 'ada', onBusy: 'skip', id: 'one' } as const
  const starts = ['o-1', 'o-2', 'o-3'].map((Order) => docket.start(orders, Receipt, { Order }, skip))
  const outcomes = await Promise.allSettled(starts)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await outcome(docket, { ...skip, id: 'two' })).toEqual(['one', 'skipped'])
})

test('dedupe counts from the start: the same call again, which finds its execution, does not make it longer', async () => {
  const world = new World()
  const docket = world.process({ graphs: [orders] })
  const once = { dedupe: { key: 'ada', for: '1h' } } as const
  expect(await outcome(docket, { ...once, id: 'one' })).toEqual(['one', 'started'])
  await world.clock.advance(50 * 60_000)
  expect(await outcome(docket, { ...once, id: 'one' })).toEqual(['one', 'attached'])
  await world.clock.advance(11 * 60_000)
  expect(await outcome(docket, { ...once, id: 'two' })).toEqual(['two', 'started'])
})
