import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createDocket,
  dataType,
  ExecutionCancelledError,
  ExecutionExpiredError,
  graph,
  signal,
  step,
  StoreError,
} from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { Approval, inputs, minute, Order, recordOf } from './parked-orders.ts'

const Receipt = dataType('Receipt', z.string())
const bookings: string[] = []
const approvals = graph({
  name: 'approvals',
  steps: [
    signal(Approval),
    step({
      name: 'Print',
      inputs: { order: Order, approval: Approval },
      output: Receipt,
      run: ({ order }) => order.id,
    }),
  ],
})

describe('maxRunning', () => {
  test.each(['10s', '10h'])('cancels an execution that only waits, and says why (park: %s)', async (park) => {
    const world = new World()
    const docket = world.process({ graphs: [approvals], park })
    const at = world.clock.now()
    const handle = await world.clock.settle(docket.start(approvals, Receipt, inputs, { id: 'a', maxRunning: '1h' }))
    expect((await recordOf(world)).deadline).toBe(at + 60 * minute)
    const error: unknown = await world.clock.settle(handle.result().catch((thrown: unknown) => thrown))
    expect(error).toBeInstanceOf(ExecutionExpiredError)
    expect(error).toBeInstanceOf(ExecutionCancelledError)
    expect(error).toMatchObject({ code: 'EXECUTION_EXPIRED', limit: 'maxRunning', limitMs: 60 * minute })
    expect((error as Error).message).toBe(
      'execution "a" of graph "approvals" was cancelled: it had not ended 3600000 ms after it had begun (maxRunning)',
    )
    expect(world.clock.now() - at).toBeLessThan(61 * minute)
    expect((await recordOf(world)).status).toBe('cancelled')
  })

  test('reaches what is parked while no process has its graph, and what its process has left', async () => {
    for (const park of ['10s', '10h']) {
      const world = new World()
      const { docket, die } = world.mortal({ graphs: [approvals], park, maxRunning: '1h' })
      await world.clock.settle(docket.start(approvals, Receipt, inputs, { id: 'a' }))
      await world.clock.advance(minute)
      die()
      const other = world.process({ graphs: [], takeOver: false })
      await world.clock.advance(58 * minute)
      expect((await recordOf(world)).status).toBe('waiting')
      await world.clock.advance(2 * minute)
      expect((await recordOf(world)).status).toBe('cancelled')
      const handle = (await world.clock.settle(other.get('a')))!
      await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ code: 'EXECUTION_EXPIRED' })
    }
  })

  test('counts from when an execution began first, whichever process goes on with it', async () => {
    const world = new World()
    const { docket, die } = world.mortal({ graphs: [approvals], park: '10h' })
    const at = world.clock.now()
    await world.clock.settle(docket.start(approvals, Receipt, inputs, { id: 'a', maxRunning: '1h' }))
    await world.clock.advance(50 * minute)
    die()
    const other = world.process({ graphs: [approvals] })
    const handle = (await world.clock.settle(other.get('a')))!
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ limit: 'maxRunning' })
    expect(world.clock.now() - at).toBeLessThan(61 * minute)
  })

  test('counts from when an execution began, and not from the call that the store took long to carry out', async () => {
    const world = new World()
    let isAway = true
    const store = alteredStore(world.store, (method, ask) => {
      if (method !== 'create' || !isAway) return ask()
      return Promise.reject(new StoreError('memory', 'it is away', true))
    })
    const { docket, die } = world.mortal({ graphs: [approvals], park: '10h' }, store)
    const started = docket.start(approvals, Receipt, inputs, { id: 'a', maxRunning: '10s' })
    await world.clock.advance(20_000)
    isAway = false
    const handle = await world.clock.settle(started)
    const begunAt = world.clock.now()
    await world.clock.advance(1_000)
    expect(await recordOf(world)).toMatchObject({ status: 'waiting' })
    expect((await recordOf(world)).deadline).toBeGreaterThanOrEqual(begunAt + 9_900)
    expect((await recordOf(world)).deadline).toBeLessThanOrEqual(begunAt + 10_000)
    die()
    const other = world.process({ graphs: [approvals] })
    await world.clock.advance(12_000)
    await expect(world.clock.settle((await other.get('a'))!.result())).rejects.toMatchObject({ limit: 'maxRunning' })
    expect(handle.id).toBe('a')
  })

  test('undoes what the execution did, in a process that has its graph', async () => {
    const world = new World()
    const Booking = dataType('Booking', z.string())
    const trips = graph({
      name: 'trips',
      steps: [
        step({
          name: 'Book',
          inputs: { order: Order },
          output: Booking,
          run: ({ order }) => `booking ${bookings.push(`book ${order.id}`)}`,
          compensate: () => void bookings.push('undo'),
        }),
        signal(Approval, { inputs: { booking: Booking } }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [trips], park: '10s' })
    await world.clock.settle(docket.start(trips, Approval, inputs, { id: 'a', maxRunning: '1h' }))
    await world.clock.advance(minute)
    die()
    world.process({ graphs: [], takeOver: false })
    await world.clock.advance(61 * minute)
    expect((await recordOf(world)).status).toBe('compensating')
    expect(bookings).toEqual(['book o'])
    const heir = world.process({ graphs: [trips] })
    const handle = (await world.clock.settle(heir.get('a')))!
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ limit: 'maxRunning' })
    expect(bookings).toEqual(['book o', 'undo'])
  })

  test('ends batches and children, and leaves no timer of those that end in time', async () => {
    const world = new World()
    const docket = world.process({ graphs: [approvals], maxRunning: '1h' })
    const batch = await world.clock.settle(docket.startBatch(approvals, Receipt, [inputs, inputs], { id: 'b' }))
    await expect(world.clock.settle(batch.result())).rejects.toMatchObject({ code: 'EXECUTION_EXPIRED' })
    const handle = await world.clock.settle(docket.start(approvals, Receipt, inputs, { id: 'a' }))
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(handle.result())).toBe('o')
    await world.clock.advance(120 * minute)
    expect((await recordOf(world)).status).toBe('completed')
  })

  test('is an option of a batch, too, as maxPending is', async () => {
    const world = new World()
    const docket = world.process({ graphs: [approvals] })
    const { clock } = world
    const limits = { maxPending: '2h', maxRunning: '1h' } as const
    const batch = await clock.settle(docket.startBatch(approvals, Receipt, [inputs], { id: 'b', ...limits }))
    await expect(clock.settle(batch.result())).rejects.toMatchObject({ limit: 'maxRunning' })
  })

  test('counts anew with a retry, and is not the fork’s', async () => {
    const world = new World()
    const docket = world.process({ graphs: [approvals] })
    const first = await world.clock.settle(docket.start(approvals, Receipt, inputs, { id: 'a', maxRunning: '1h' }))
    await world.clock.settle(first.result().catch(() => {}))
    const again = await world.clock.settle(docket.retry('a'))
    const at = world.clock.now()
    await world.clock.advance(50 * minute)
    expect((await recordOf(world)).status).toBe('waiting')
    await expect(world.clock.settle(again.result())).rejects.toMatchObject({ limit: 'maxRunning' })
    expect(world.clock.now() - at).toBeGreaterThan(59 * minute)
    const fork = await world.clock.settle(docket.fork('a', { from: 'Approval', id: 'fork' }))
    await world.clock.advance(120 * minute)
    expect((await world.clock.settle(fork.details())).status).toBe('waiting')
  })

  test.each(['10s', '10h'])(
    'leaves the deadline alone that a call gives to what has ended (park: %s)',
    async (park) => {
      const world = new World()
      const { docket, die } = world.mortal({ graphs: [approvals], park, maxRunning: '3h' })
      const startBoth = async (minutes: number) => {
        const deadline = new Date(world.clock.now() + minutes * minute)
        const one = await docket.start(approvals, Receipt, inputs, { id: 'a', deadline })
        const batch = await docket.startBatch(approvals, Receipt, [inputs], { id: 'b', deadline })
        return [one, batch]
      }
      for (const handle of await world.clock.settle(startBoth(1)))
        await expect(world.clock.settle<unknown>(handle.result())).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT' })
      const begunAt = world.clock.now()
      await world.clock.settle(startBoth(60))
      await world.clock.advance(10 * minute)
      die()
      const other = world.process({ graphs: [approvals], park })
      await world.clock.advance(40 * minute)
      const waiting = { status: 'waiting', deadline: begunAt + 60 * minute }
      expect(await world.store.get(['a', 'b'])).toMatchObject([waiting, waiting])
      for (const id of ['a', 'b']) {
        const handle = (await world.clock.settle(other.get(id)))!
        await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT' })
      }
      expect(world.clock.now() - begunAt).toBeLessThan(62 * minute)
      await world.clock.settle(other.close())
    },
  )

  test('and a deadline: the one that comes first ends the execution', async () => {
    const world = new World()
    const docket = world.process({ graphs: [approvals] })
    const deadline = new Date(world.clock.now() + 30 * minute)
    const start = (id: string, maxRunning: string) =>
      world.clock.settle(docket.start(approvals, Receipt, inputs, { id, maxRunning, deadline }))
    const [by, within] = [await start('a', '1h'), await start('b', '10m')]
    await expect(world.clock.settle(within.result())).rejects.toMatchObject({ code: 'EXECUTION_EXPIRED' })
    await expect(world.clock.settle(by.result())).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT', deadline })
  })
})

describe('maxPending', () => {
  test('cancels what no process has begun, whoever is there', async () => {
    const world = new World()
    const { docket: first, die } = world.mortal({ graphs: [approvals] })
    await world.clock.settle(first.start(approvals, Receipt, inputs, { id: 'model', maxPending: '1m' }))
    const model = await recordOf(world, 'model')
    expect(model.deadline).toBeUndefined()
    die()
    // As `start` within a transaction leaves it.
    const at = world.clock.now()
    const given = { ...model, id: 'a', owner: undefined, startedAt: undefined, createdAt: at, deadline: at + minute }
    await world.store.create([
      { ...given, inputs: JSON.stringify({ Order: { id: 'o' }, $limits: { maxPendingMs: minute } }) },
    ])
    const other = world.process({ graphs: [], takeOver: false })
    const handle = (await world.clock.settle(other.get('a')))!
    await world.clock.advance(59_000)
    expect((await recordOf(world)).status).toBe('pending')
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({
      code: 'EXECUTION_EXPIRED',
      limit: 'maxPending',
      message:
        'execution "a" of graph "approvals" was cancelled: no process had begun it 60000 ms after it was started (maxPending)',
    })
  })

  test('ends nothing that has begun in time, and lets nothing begin that is late', async () => {
    const world = new World()
    const { docket: first, die } = world.mortal({ graphs: [approvals] })
    await world.clock.settle(first.start(approvals, Receipt, inputs, { id: 'model' }))
    const model = await recordOf(world, 'model')
    die()
    const at = world.clock.now()
    const create = (id: string) =>
      world.store.create([
        {
          ...model,
          id,
          owner: undefined,
          startedAt: undefined,
          createdAt: at,
          deadline: at + minute,
          inputs: JSON.stringify({ Order: { id: 'o' }, $limits: { maxPendingMs: minute, maxRunningMs: 60 * minute } }),
        },
      ])
    await create('a')
    const other = world.mortal({ graphs: [approvals] })
    await world.clock.advance(5_000)
    expect(await recordOf(world)).toMatchObject({ startedAt: expect.any(Number) as number, status: 'waiting' })
    expect((await recordOf(world)).deadline).toBe((await recordOf(world)).startedAt! + 60 * minute)
    await world.clock.advance(10 * minute)
    expect((await recordOf(world)).status).toBe('waiting')
    other.die()
    await create('b')
    await world.clock.advance(20 * minute)
    world.process({ graphs: [approvals] })
    await world.clock.advance(5_000)
    expect(await recordOf(world, 'b')).toMatchObject({ status: 'cancelled' })
  })
})

test('Limits that are no durations above zero are errors', async () => {
  const world = new World()
  const docket = world.process({ graphs: [approvals] })
  for (const options of [{ maxPending: 0 }, { maxRunning: 'soon' }])
    await expect(docket.start(approvals, Receipt, inputs, options)).rejects.toThrow('is not a duration above zero')
  expect(() => createDocket({ graphs: [approvals], store: world.store, maxPending: -1 })).toThrow(
    'maxPending -1 is not',
  )
})
