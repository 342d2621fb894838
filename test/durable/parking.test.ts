import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, signal, step, subgraph, timer } from '../../src/index.ts'
import type { ExecutionEvent } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import {
  Approval,
  Decision,
  Expiry,
  isParking,
  Order,
  Shipment,
  inputs,
  minute,
  orders,
  parked,
  recordOf,
} from './parked-orders.ts'

describe('an execution that only waits', () => {
  test('is parked after ten seconds: nobody owns it, its row says when it is due and what it waits for', async () => {
    const world = new World()
    const at = world.clock.now()
    const { docket, handle } = await parked(world)
    const record = await recordOf(world)
    expect(record).toMatchObject({ status: 'waiting', owner: undefined, dueAt: at + 60 * minute, recoveries: 0 })
    expect(record.parkedAt).toBeGreaterThanOrEqual(at + 10_000)
    expect(String(record.waitsFor)).toContain('Approval')
    expect(world.events.at(-1)).toMatchObject({ type: 'execution.released', cause: 'park' })
    expect(handle.actor).toBeUndefined()
    const details = await world.clock.settle(handle.details())
    expect(details.status).toBe('waiting')
    expect(details.situation).toContain('it is parked')
    expect(details.situation).toContain('it waits for signal "Approval", timer "Expire" at')
    expect((await world.clock.settle(docket.list({ status: 'waiting' }))).executions).toHaveLength(1)
  })

  test('goes on with a signal, and runs no step again, though its value was not persisted', async () => {
    const world = new World()
    const runs: string[] = []
    const { handle } = await parked(world, runs)
    const result = handle.result()
    await world.clock.advance(30 * minute)
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(result)).toBe('prepared o, for Ada')
    expect(runs).toEqual(['Prepare', 'Ship'])
    expect(await recordOf(world)).toMatchObject({ status: 'completed', recoveries: 0 })
  })

  test('goes on when its timer is due, never before, in whatever process there is', async () => {
    const world = new World()
    const runs: string[] = []
    const at = world.clock.now()
    const { docket } = await parked(world, runs)
    await world.clock.settle(docket.close())
    await world.clock.advance(30 * minute)
    const other = world.process({ graphs: [orders(runs)] })
    await world.clock.advance(29 * minute)
    expect(runs).toEqual(['Prepare'])
    const handle = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(handle.result())).toBe('prepared o, expired')
    expect(world.clock.now()).toBeGreaterThanOrEqual(at + 60 * minute)
    expect(world.clock.now()).toBeLessThan(at + 61 * minute)
    expect(runs).toEqual(['Prepare', 'Ship'])
  })

  test('is not parked while something of it runs, or is due soon', async () => {
    const world = new World()
    const slow = Promise.withResolvers<string>()
    const declared = orders([], { prepare: () => slow.promise })
    const docket = world.process({ graphs: [declared] })
    await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(minute)
    expect(await recordOf(world)).toMatchObject({ status: 'running', parkedAt: undefined })
    slow.resolve('late')
    await world.clock.advance(11_000)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    const soon = graph({ name: 'soon', steps: [timer({ name: 'Expire', output: Expiry, after: '15s' })] })
    const other = world.process({ graphs: [soon] })
    await world.clock.settle(other.start(soon, Expiry, {}, { id: 'b' }))
    await world.clock.advance(14_000)
    expect((await recordOf(world, 'b')).parkedAt).toBeUndefined()
  })

  test('is not parked when a message came that was not read, and goes on with it', async () => {
    const world = new World()
    const store = alteredStore(world.store, async (method, ask, given) => {
      if (isParking(method, given) && !isSent) {
        isSent = true
        await other.get('a').then((found) => found!.signal(Approval, { by: 'Ada' }))
      }
      return ask()
    })
    let isSent = false
    const runs: string[] = []
    const declared = orders(runs)
    const other = world.process({ graphs: [], takeOver: false })
    const docket = world.process({ graphs: [declared], store })
    const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(12_000)
    expect(isSent).toBe(true)
    expect(await world.clock.settle(handle.result())).toBe('prepared o, for Ada')
    expect(world.events.some(({ type }) => type === 'execution.resumed')).toBe(false)
    expect(runs).toEqual(['Prepare', 'Ship'])
  })

  test.each(['10s', '10h'])(
    'has a timeout that does not count that, whether it is parked for it or not (park: %s)',
    async (park) => {
      const world = new World()
      const Second = dataType('Second', z.object({ by: z.string() }))
      const two = graph({
        name: 'two',
        timeout: '5m',
        steps: [
          signal(Approval),
          signal(Second, { inputs: { approval: Approval } }),
          step({ name: 'Ship', inputs: { second: Second }, output: Shipment, run: ({ second }) => second.by }),
        ],
      })
      const docket = world.process({ graphs: [two], park })
      const handle = await world.clock.settle(docket.start(two, Shipment, {}, { id: 'a' }))
      await world.clock.advance(30 * minute)
      await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
      await world.clock.advance(30 * minute)
      expect(await recordOf(world)).toMatchObject({ status: 'waiting', ...(park === '10s' && { owner: undefined }) })
      expect((await recordOf(world)).ownedMs).toBeLessThan(minute)
      await world.clock.settle(handle.signal(Second, { by: 'Bo' }))
      expect(await world.clock.settle(handle.result())).toBe('Bo')
    },
  )

  test('ends at its deadline, and by the timeout of its wait, while it is parked', async () => {
    const world = new World()
    const patient = graph({
      name: 'patient',
      steps: [
        signal(Approval, { timeout: '1h' }),
        step({ name: 'Ship', inputs: { approval: Approval }, output: Shipment, run: ({ approval }) => approval.by }),
      ],
    })
    const docket = world.process({ graphs: [patient] })
    const deadline = world.clock.now() + 30 * minute
    const early = await world.clock.settle(docket.start(patient, Shipment, {}, { id: 'a', deadline }))
    const late = await world.clock.settle(docket.start(patient, Shipment, {}, { id: 'b' }))
    await world.clock.advance(minute)
    expect((await recordOf(world)).dueAt).toBe(deadline)
    const ends = [early.result(), late.result()].map((end) => end.catch((error: unknown) => error))
    await world.clock.advance(60 * minute)
    expect(await world.clock.settle(Promise.all(ends))).toMatchObject([
      { code: 'EXECUTION_TIMEOUT' },
      { cause: { code: 'STEP_TIMEOUT' } },
    ])
  })

  test('is cancelled, deleted, forked and purged as any other', async () => {
    const world = new World()
    const { docket, declared } = await parked(world)
    await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'b' }))
    await world.clock.advance(minute)
    expect(await world.clock.settle(docket.purge({ olderThan: 0 }))).toBe(0)
    const fork = await world.clock.settle(docket.fork('b', { from: 'Approval', id: 'c' }))
    await world.clock.settle(fork.signal(Approval as never, { by: 'Ada' } as never))
    expect(await world.clock.settle(fork.result())).toBe('prepared o, for Ada')
    await world.clock.settle(docket.cancel('a'))
    expect(await recordOf(world)).toMatchObject({ status: 'cancelled', parkedAt: undefined })
    const retried = await world.clock.settle(docket.retry('a'))
    await world.clock.settle(retried.signal(Approval as never, { by: 'Bo' } as never))
    expect(await world.clock.settle(retried.result())).toBe('prepared o, for Bo')
    expect(await world.clock.settle(docket.delete('b'))).toBe(true)
    expect((await world.store.get(['b']))[0]).toBeUndefined()
  })

  test('keeps what its caller has: observers, async context, and a signal that ends it', async () => {
    const world = new World()
    const requests = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const declared = orders([], {
      ship: () => {
        seen.push(requests.getStore())
        return 'shipped'
      },
    })
    const docket = world.process({ graphs: [declared] })
    const events: ExecutionEvent[] = []
    const controller = new AbortController()
    const options = { observers: [(event: ExecutionEvent) => void events.push(event)], signal: controller.signal }
    const [one, other] = await requests.run('a request', () =>
      world.clock.settle(
        Promise.all(['a', 'b'].map((id) => docket.start(declared, Shipment, inputs, { id, ...options }))),
      ),
    )
    await world.clock.advance(minute)
    await world.clock.settle(one!.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(one!.result())).toBe('shipped')
    expect(seen).toEqual(['a request'])
    expect(events.at(-1)).toMatchObject({ type: 'execution.ended', executionId: 'a' })
    const end = other!.result().catch((error: unknown) => error)
    controller.abort(new Error('the client has gone'))
    expect(await world.clock.settle(end)).toMatchObject({ name: 'ExecutionCancelledError' })
    await world.clock.advance(minute)
    expect(await recordOf(world, 'b')).toMatchObject({ status: 'cancelled' })
  })

  test('stays where a value that it needs can’t be stored, and that is reported', async () => {
    const world = new World()
    const declared = orders([], { prepare: () => () => 'a function' })
    const Loose = dataType('Prepared', z.any())
    const loose = graph({
      name: 'orders',
      steps: [
        step({ name: 'Prepare', inputs: { order: Order }, output: Loose, run: () => () => 'a function' }),
        ...declared.steps.slice(1, 4),
        step({
          name: 'Ship',
          inputs: { prepared: Loose, decision: Decision },
          output: Shipment,
          run: ({ decision }) => decision,
        }),
      ],
    } as never) as typeof declared
    const docket = world.process({ graphs: [loose] })
    const handle = await world.clock.settle(docket.start(loose, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(10 * minute)
    expect((await recordOf(world)).owner).toBeDefined()
    expect(world.events.filter(({ type }) => type === 'parking.failed')).toHaveLength(1)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(handle.result())).toBe('for Ada')
  })

  test('that fits no graph here is left to others, and reported, when it is due', async () => {
    const world = new World()
    const { docket } = await parked(world)
    await world.clock.settle(docket.close())
    const changed = graph({
      name: 'orders',
      steps: [step({ name: 'Ship', inputs: { order: Order }, output: Shipment, run: () => 'another' })],
    })
    world.process({ graphs: [changed] })
    await world.clock.advance(minute)
    expect(world.events.filter(({ type }) => type === 'execution.incompatible')).toEqual([])
    await world.clock.advance(61 * minute)
    expect(world.events.filter(({ type }) => type === 'execution.incompatible').length).toBeGreaterThan(0)
    expect(await recordOf(world)).toMatchObject({ status: 'waiting', owner: undefined })
    const fitting = world.process({ graphs: [orders([])] })
    const handle = (await world.clock.settle(fitting.get('a')))!
    expect(await world.clock.settle(handle.result())).toBe('prepared o, expired')
  })

  test('stays in a process that takes nothing over: it would not wake it', async () => {
    const world = new World()
    const { handle } = await parked(world, [], { takeOver: false })
    await world.clock.advance(minute)
    expect((await recordOf(world)).owner).toBeDefined()
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(handle.result())).toBe('prepared o, for Ada')
  })

  test('is seldom looked at by who waits for its result, where the store says when it has ended', async () => {
    const world = new World()
    let looks = 0
    const store = alteredStore(world.store, (method, ask) => {
      if (method === 'get') looks++
      return ask()
    })
    const { handle } = await parked(world, [], { store })
    const result = handle.result()
    await world.clock.advance(minute)
    looks = 0
    await world.clock.advance(10 * minute)
    expect(looks).toBeLessThan(150)
    const at = world.clock.now()
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(result)).toBe('prepared o, for Ada')
    expect(world.clock.now() - at).toBeLessThan(1_000)
  })

  test('is joined by its parent once it has gone on, where it is a child', async () => {
    const world = new World()
    const runs: string[] = []
    const child = orders(runs)
    const Receipt = dataType('Receipt', z.string())
    const parent = graph({
      name: 'parent',
      steps: [
        subgraph(child, Shipment),
        step({ name: 'Receipt', inputs: { shipment: Shipment }, output: Receipt, run: ({ shipment }) => shipment }),
      ],
    })
    const docket = world.process({ graphs: [parent] })
    const handle = await world.clock.settle(docket.start(parent, Receipt, inputs, { id: 'a' }))
    await world.clock.advance(minute)
    expect(await recordOf(world, 'a/orders')).toMatchObject({ status: 'waiting', owner: undefined })
    const waiting = (await world.clock.settle(docket.get('a/orders')))!
    expect(await world.clock.settle(waiting.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('prepared o, for Ada')
    expect(runs).toEqual(['Prepare', 'Ship'])
  })
})
