import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { collecting, halfDone, items, N, Out, sends, shown } from './half-done.ts'
import { asker } from './placed.ts'

test.each([undefined, ['n2']])(
  'a completed batch that a docket with work: false retries waits in its queue for a worker (items: %j)',
  async (named) => {
    const { world, ran, sending, docket } = await halfDone()
    await world.clock.settle(docket.close())
    const api = asker(world, sending)
    const handle = await world.clock.settle(api.retry('b', { ...(named !== undefined && { items: named }) }))
    await world.clock.advance(20_000)
    expect(ran).toEqual([])
    const waiting = await world.clock.settle(handle.details())
    expect(waiting).toMatchObject({ status: 'pending', lease: undefined, endedAt: undefined })
    expect(waiting.batch?.counts).toMatchObject({ completed: 2, failed: named === undefined ? 0 : 1 })
    await expect(world.clock.settle(api.retry('b'))).rejects.toThrow('"b" is pending')
    world.process({ graphs: [sending] })
    expect(shown(await world.clock.settle(handle.result()))).toEqual(
      named === undefined ? [10, 20, 30, 40] : [10, 20, 30, '-'],
    )
    expect(ran).toEqual(named === undefined ? [2, 4] : [2])
    const { status, lease } = await world.clock.settle(handle.details())
    expect({ status, lease }).toEqual({ status: 'completed', lease: undefined })
  },
)

test('a batch that a docket with work: false retries begins again where a worker serves its queue already', async () => {
  const { world, ran, sending } = await halfDone()
  const handle = await world.clock.settle(asker(world, sending).retry('b'))
  expect(shown(await world.clock.settle(handle.result()))).toEqual([10, 20, 30, 40])
  expect(ran).toEqual([2, 4])
})

test('a retried batch waits while its queue is paused, as executions do', async () => {
  const { world, ran, docket } = await halfDone()
  await world.clock.settle(docket.queue('default').pause())
  await world.clock.advance(6_000)
  const handle = await world.clock.settle(docket.retry('b'))
  await world.clock.advance(20_000)
  expect(ran).toEqual([])
  expect((await world.clock.settle(handle.details())).status).toBe('pending')
  await world.clock.settle(docket.queue('default').resume())
  expect(shown(await world.clock.settle(handle.result()))).toEqual([10, 20, 30, 40])
})

test('a batch that failed and was undone begins anew with the worker that goes on with it', async () => {
  const world = new World()
  const did: string[] = []
  let isBroken = true
  const Sent = dataType('Sent', type<string>())
  const book = step({
    name: 'Book',
    inputs: { n: N },
    output: Out,
    persist: 'execution',
    run: ({ n }) => {
      did.push(`book ${n}`)
      return n * 10
    },
    compensate: (_, { inputs: { n } }) => void did.push(`undo ${n}`),
  })
  const send = step({
    name: 'Send',
    inputs: { out: Out },
    output: Sent,
    persist: 'execution',
    run: ({ out }) => {
      if (isBroken && out === 20) throw new Error('down')
      return `sent ${out}`
    },
  })
  const booking = graph({ name: 'booking', steps: [book, send] })
  const docket = world.process({ graphs: [booking] })
  const batch = await docket.startBatch(booking, Sent, items.slice(0, 2), { id: 'b' })
  await world.clock.settle(batch.result().catch(() => {}))
  await world.clock.settle(docket.close())
  expect(did.toSorted()).toEqual(['book 1', 'book 2', 'undo 1', 'undo 2'])
  did.length = 0
  isBroken = false
  const handle = await world.clock.settle(asker(world, booking).retry('b'))
  world.process({ graphs: [booking] })
  expect(await world.clock.settle(handle.result())).toEqual(['sent 10', 'sent 20'])
  expect(did.toSorted()).toEqual(['book 1', 'book 2'])
})

test('a batch of which not all items were written is refused by who does not serve its queue before anything of it changes', async () => {
  const world = new World()
  const { sending } = sends(world)
  const many = Array.from({ length: 2_500 }, (_, n) => ({ N: n }))
  let commits = 0
  const store = alteredStore(world.store, (method, ask) => {
    if (method === 'commit') commits++
    return commits > 2 ? new Promise(() => {}) : ask()
  })
  void world.process({ graphs: [sending], store }).startBatch(sending, Out, many, collecting)
  await world.clock.advance(20_000)
  const api = asker(world, sending)
  await world.clock.settle(api.cancel('b'))
  const before = await world.clock.settle((await api.get('b'))!.details())
  expect(before.status).toBe('cancelled')
  await expect(world.clock.settle(api.startBatch(sending, Out, many, collecting))).rejects.toThrow(
    'batch "b" can\'t begin again here: not all of its items were written',
  )
  expect(await world.clock.settle((await api.get('b'))!.details())).toEqual(before)
  const worker = world.process({ graphs: [sending] })
  const again = await world.clock.settle(worker.startBatch(sending, Out, many, collecting))
  expect(await world.clock.settle(again.result())).toHaveLength(2_500)
})
