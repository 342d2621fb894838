import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  all,
  dataType,
  event,
  eventType,
  graph,
  InputError,
  optional,
  OptionError,
  race,
  step,
  StepTimeoutError,
  timer,
} from '../../src/index.ts'
import type { AnyGraph, DocketOptions } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.string())
const Packed = eventType('Packed', z.object({ parcel: z.string() }), { ttl: '3m' })
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Outcome = dataType('Outcome', z.string())
const Shipped = dataType('Shipped', z.string())
const awaitPacked = event(Packed, { inputs: { order: Order }, key: ({ order }) => order })
const ship = step({
  name: 'Ship',
  inputs: { order: Order, packed: Packed },
  output: Shipped,
  run: ({ order, packed }) => `${order} in ${packed.parcel}`,
})
const orders = graph({ name: 'orders', steps: [awaitPacked, ship] })
const expire = timer({ name: 'Expire', output: Expiry, after: '1m' })
const decide = race({
  name: 'Decide',
  inputs: { packed: Packed, expiry: Expiry },
  output: Outcome,
  run: (first) => (first.port === 'packed' ? first.value.parcel : 'expired'),
})
const expiring = graph({ name: 'expiring', steps: [awaitPacked, expire, decide] })
const minute = 60_000

async function started(world: World, id = 'a', options: Partial<DocketOptions> = {}) {
  const docket = world.process({ graphs: [orders], lease: '2s', ...options })
  const handle = await world.clock.settle(docket.start(orders, Shipped, { Order: 'o' }, { id }))
  await world.clock.advance(100)
  return { docket, handle }
}

const waits = async (world: World) =>
  (await world.store.oldWaits(Number.MAX_SAFE_INTEGER, 100)).map(({ execution }) => execution)

describe('an event in a docket', () => {
  test('is waited for, and brings its value once it is emitted; the first one of its key counts', async () => {
    const world = new World()
    const { docket, handle } = await started(world)
    await world.clock.advance(60_000)
    expect(await world.clock.settle(docket.emit(Packed, 'other', { parcel: 'none' }))).toBe('accepted')
    expect(await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p1' }))).toBe('accepted')
    expect(await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p2' }))).toBe('duplicate')
    expect(await world.clock.settle(handle.result())).toBe('o in p1')
    await world.clock.advance(1_000)
    expect(await waits(world)).toEqual([])
  })

  test('that was emitted before anybody waits is kept for those that come until its ttl is over', async () => {
    const world = new World()
    const docket = world.process({ graphs: [orders] })
    await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p1' }))
    await world.clock.advance(2 * minute)
    expect(await world.clock.settle(docket.execute(orders, Shipped, { Order: 'o' }))).toBe('o in p1')
    await world.clock.advance(2 * minute)
    const late = await world.clock.settle(docket.start(orders, Shipped, { Order: 'o' }, { id: 'late' }))
    await world.clock.advance(60_000)
    expect((await world.clock.settle(late.details())).status).toBe('waiting')
    expect(await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p2' }))).toBe('accepted')
    expect(await world.clock.settle(late.result())).toBe('o in p2')
  })

  test('of one name in two scopes is two events', async () => {
    const world = new World()
    const There = eventType('Packed', z.object({ parcel: z.string() }), { scope: 'there' })
    const { docket, handle } = await started(world)
    expect(await world.clock.settle(docket.emit(There, 'o', { parcel: 'theirs' }))).toBe('accepted')
    await world.clock.advance(60_000)
    expect((await world.clock.settle(handle.details())).status).toBe('waiting')
    expect(await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'ours' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('o in ours')
  })

  test('is shown as what its step waits for: live, parked, and by a docket that knows no graph', async () => {
    const world = new World()
    const { handle } = await started(world)
    const waitsFor = { kind: 'event', event: 'Packed', key: 'o', until: undefined }
    const ofPacked = async (of: typeof handle) => {
      const { steps, situation } = await world.clock.settle(of.details())
      return [steps.find((one) => one.step === 'Packed'), situation] as const
    }
    const [live, situation] = await ofPacked(handle)
    expect(live).toMatchObject({ status: 'waiting', waitsFor, output: undefined })
    expect(situation).toContain('it waits for event "Packed" under "o"')
    expect(handle.actor!.getSnapshot().context.steps['Packed']).toMatchObject({ status: 'waiting', awaitedKey: 'o' })
    const { handle: parked } = await started(world, 'b')
    await world.clock.advance(20_000)
    expect((await world.store.get(['b']))[0]!.parkedAt).toBeDefined()
    expect((await ofPacked(parked))[0]).toMatchObject({ status: 'waiting', waitsFor })
    const looking = world.process({ graphs: [], takeOver: false })
    const found = await world.clock.settle(looking.get('b'))
    expect((await ofPacked(found as typeof handle))[0]).toMatchObject({ status: 'waiting', waitsFor })
  })

  test('wakes what is parked, from a process that has no graph; nothing that has completed runs again', async () => {
    const world = new World()
    const { handle } = await started(world)
    await world.clock.advance(20_000)
    expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
    const other = world.process({ graphs: [], takeOver: false })
    expect(await world.clock.settle(other.emit(Packed, 'o', { parcel: 'p' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('o in p')
    await world.clock.advance(1_000)
    expect(await waits(world)).toEqual([])
    expect(await world.store.readMail({ owner: 'x', limit: 10 })).toEqual([])
  })

  test('wakes a thousand that are parked', async () => {
    const world = new World()
    const docket = world.process({ graphs: [orders], park: '1s', work: { default: 2_000 } })
    const handles = await world.clock.settle(
      Promise.all(
        Array.from({ length: 1_000 }, (_, index) => docket.start(orders, Shipped, { Order: 'o' }, { id: `e${index}` })),
      ),
    )
    await world.clock.advance(5_000)
    expect((await world.store.get(['e0', 'e999'])).map((record) => record!.parkedAt !== undefined)).toEqual([
      true,
      true,
    ])
    await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p' }))
    const results = await world.clock.settle(Promise.all(handles.map((handle) => handle.result())))
    expect(new Set(results)).toEqual(new Set(['o in p']))
    await world.clock.advance(1_000)
    expect(await waits(world)).toEqual([])
  })

  test('reaches its waiters though the process that emitted it dies right after it was written', async () => {
    const world = new World()
    const { handle } = await started(world)
    await world.clock.advance(20_000)
    let hasEmitted = false
    const dying = alteredStore(world.store, (method, call) => {
      if (hasEmitted) return new Promise(() => {})
      if (method === 'emit') hasEmitted = true
      return call()
    })
    const emitter = world.process({ graphs: [], takeOver: false, store: dying })
    emitter.emit(Packed, 'o', { parcel: 'p' }).catch(() => {})
    await world.clock.advance(10_000)
    expect(hasEmitted).toBe(true)
    expect(await world.clock.settle(handle.result())).toBe('o in p')
  })

  test('is found by whoever goes on after the process that waited for it has died', async () => {
    const world = new World()
    const dying = world.mortal({ graphs: [orders], lease: '2s' })
    await world.clock.settle(dying.docket.start(orders, Shipped, { Order: 'o' }, { id: 'a' }))
    await world.clock.advance(500)
    dying.die()
    const other = world.process({ graphs: [orders], lease: '2s' })
    await world.clock.settle(other.emit(Packed, 'o', { parcel: 'p' }))
    await world.clock.advance(10_000)
    const found = await world.clock.settle(other.get('a'))
    expect(await world.clock.settle(found!.result())).toBe('o in p')
  })

  test('that does not fit the waiter’s schema is set aside, and waited for still', async () => {
    const world = new World()
    const Old = eventType('Packed', z.number(), { ttl: '1m' })
    const { docket, handle } = await started(world)
    expect(await world.clock.settle(docket.emit(Old, 'o', 7))).toBe('accepted')
    await world.clock.advance(30_000)
    expect(world.events.find(({ type }) => type === 'event.set-aside')).toMatchObject({
      event: 'Packed',
      key: 'o',
      error: expect.any(InputError) as unknown,
    })
    await world.clock.advance(2 * minute)
    expect(await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('o in p')
  })

  test('is checked where it is emitted', async () => {
    const world = new World()
    const { docket } = await started(world)
    await expect(docket.emit(Packed, 'o', { parcel: 7 } as never)).rejects.toBeInstanceOf(InputError)
    await expect(docket.emit(Order as never, 'o', 'x' as never)).rejects.toThrow('emit takes an event type')
    await expect(docket.emit(Packed, '', { parcel: 'p' })).rejects.toThrow('the key of an event is a non-empty string')
    await expect(docket.emit(Packed, 'o', { parcel: 'p' }, { to: 'x' } as never)).rejects.toBeInstanceOf(OptionError)
    await expect(docket.emit(Packed, 'o', { parcel: 'p' }, { transaction: {} })).rejects.toThrow(
      'emit: the memory store has no transactions',
    )
    expect(await world.store.undelivered(10)).toEqual([])
  })

  test('of which the key is none fails its step', async () => {
    const world = new World()
    const wrong = graph({ name: 'wrong', steps: [event(Packed, { key: () => '' })] })
    const docket = world.process({ graphs: [wrong] })
    const failed = docket.execute(wrong, Packed, {}).catch((error: unknown) => error as Error)
    expect(String(((await world.clock.settle(failed)) as Error).cause)).toContain('key of step "Packed" returned ""')
  })
})

describe('a wait for an event', () => {
  test('wins a race against a timer, or loses it', async () => {
    const world = new World()
    const docket = world.process({ graphs: [expiring] })
    const quick = await world.clock.settle(docket.start(expiring, Outcome, { Order: 'quick' }, { id: 'quick' }))
    const slow = await world.clock.settle(docket.start(expiring, Outcome, { Order: 'slow' }, { id: 'slow' }))
    await world.clock.advance(30_000)
    await world.clock.settle(docket.emit(Packed, 'quick', { parcel: 'p' }))
    expect(await world.clock.settle(quick.result())).toBe('p')
    expect(await world.clock.settle(slow.result())).toBe('expired')
    await world.clock.advance(1_000)
    expect(await waits(world)).toEqual([])
  })

  test('comes before a timer that was due later, however late a process looks', async () => {
    const world = new World()
    const docket = world.process({ graphs: [expiring] })
    await world.clock.settle(docket.start(expiring, Outcome, { Order: 'o' }, { id: 'a' }))
    await world.clock.advance(20_000)
    await world.clock.settle(docket.close())
    const emitter = world.process({ graphs: [], takeOver: false })
    await world.clock.settle(emitter.emit(Packed, 'o', { parcel: 'p' }))
    await world.clock.advance(2 * minute)
    const other = world.process({ graphs: [expiring] })
    const found = await world.clock.settle(other.get('a'))
    expect(await world.clock.settle(found!.result())).toBe('p')
  })

  test('that times out fails with a StepTimeoutError; two in a row that are caught let the third step run', async () => {
    const world = new World()
    const First = dataType('First', z.object({ parcel: z.string() }))
    const Second = dataType('Second', z.object({ parcel: z.string() }))
    const Third = dataType('Third', z.string())
    const first = event(Packed, { key: () => 'k', output: First, timeout: '1m', fallback: { parcel: 'none' } })
    const second = event(Packed, { inputs: { first: First }, key: () => 'k', output: Second, timeout: '1m' })
    const third = step({
      name: 'Third',
      inputs: { second: optional(Second) },
      output: Third,
      run: ({ second }) => String(second?.parcel),
    })
    const rows = graph({ name: 'rows', steps: [first, second, third] })
    const docket = world.process({ graphs: [rows] })
    const handle = await world.clock.settle(docket.start(rows, Third, {}, { id: 'a' }))
    expect(await world.clock.settle(handle.result())).toBe('undefined')
    const { steps } = await world.clock.settle(handle.details())
    expect(steps.map(({ status }) => status)).toEqual(['failed', 'failed', 'completed'])
    expect(steps[1]!.error).toBeInstanceOf(StepTimeoutError)
    await world.clock.advance(1_000)
    expect(await waits(world)).toEqual([])
  })

  test('of a retry begins anew, and gets an event that is kept at once', async () => {
    const world = new World()
    const brief = event(Packed, { inputs: { order: Order }, key: ({ order }) => order, timeout: '1m' })
    const retried = graph({ name: 'retried', steps: [brief, ship] })
    const docket = world.process({ graphs: [retried] })
    const handle = await world.clock.settle(docket.start(retried, Shipped, { Order: 'o' }, { id: 'a' }))
    await expect(world.clock.settle(handle.result())).rejects.toThrow()
    const again = await world.clock.settle(docket.retry('a'))
    await world.clock.advance(30_000)
    expect((await world.clock.settle(again.details())).status).toBe('waiting')
    await expect(world.clock.settle(again.result())).rejects.toThrow()
    await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p' }))
    expect(await world.clock.settle((await world.clock.settle(docket.retry('a'))).result())).toBe('o in p')
  })

  test('that has ended is copied by a fork from after it, and begins anew in one from before', async () => {
    const world = new World()
    const { docket, handle } = await started(world)
    await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p1' }))
    await world.clock.settle(handle.result())
    await world.clock.advance(4 * minute)
    await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p2' }))
    const after = await world.clock.settle(docket.fork('a', { from: 'Ship' }))
    expect(await world.clock.settle(after.result())).toBe('o in p1')
    const before = await world.clock.settle(docket.fork('a', { from: 'Packed' }))
    expect(await world.clock.settle(before.result())).toBe('o in p2')
  })

  test('of a cancelled execution is over, parked or not', async () => {
    const world = new World()
    const { docket, handle } = await started(world)
    const { handle: parked } = await started(world, 'b')
    await world.clock.settle(handle.cancel())
    await world.clock.advance(20_000)
    await world.clock.settle(parked.cancel())
    await world.clock.settle(docket.emit(Packed, 'o', { parcel: 'p' }))
    await world.clock.advance(5_000)
    expect(await waits(world)).toEqual([])
  })
})

describe('in a durable batch', () => {
  const Report = dataType('Report', z.string())
  const report = step({
    name: 'Report',
    inputs: { shipped: all(Shipped) },
    output: Report,
    run: ({ shipped }) => shipped.join(', '),
  })

  test('each item waits for its own event, and all of one key for the same', async () => {
    const world = new World()
    const docket = world.process({ graphs: [orders] })
    const items = [{ Order: 'a' }, { Order: 'b' }, { Order: 'a' }]
    const handle = await world.clock.settle(docket.startBatch(orders, Shipped, items, { id: 'batch' }))
    await world.clock.advance(30_000)
    for (const key of ['b', 'a']) await world.clock.settle(docket.emit(Packed, key, { parcel: key.toUpperCase() }))
    expect(await world.clock.settle(handle.result())).toEqual(['a in A', 'b in B', 'a in A'])
    await world.clock.advance(1_000)
    expect(await waits(world)).toEqual([])
  })

  test('a step that takes all of them runs when each has come, though the process dies between', async () => {
    const world = new World()
    const reports = graph({ name: 'reports', steps: [awaitPacked, ship, report] })
    const items = [{ Order: 'a' }, { Order: 'b' }]
    const dying = world.mortal({ graphs: [reports], lease: '2s' })
    await world.clock.settle(dying.docket.startBatch(reports, Report, items, { id: 'batch' }))
    await world.clock.advance(500)
    await world.clock.settle(dying.docket.emit(Packed, 'a', { parcel: 'A' }))
    await world.clock.advance(500)
    dying.die()
    const other = world.process({ graphs: [reports], lease: '2s' })
    await world.clock.settle(other.emit(Packed, 'b', { parcel: 'B' }))
    await world.clock.advance(10_000)
    const found = await world.clock.settle(other.get('batch'))
    expect(await world.clock.settle(found!.result())).toEqual(['a in A, b in B', 'a in A, b in B'])
  })
})

describe('upkeep', () => {
  test('deletes events after their ttl, but for what somebody waits for, however long nobody looks', async () => {
    const world = new World()
    const { docket, handle } = await started(world)
    await world.clock.advance(20_000)
    await world.clock.settle(docket.close())
    const emitter = world.process({ graphs: [] as AnyGraph[], takeOver: false })
    for (const key of ['o', 'nobody']) await world.clock.settle(emitter.emit(Packed, key, { parcel: 'p' }))
    await world.clock.advance(5 * minute)
    await world.clock.settle(emitter.purge({ olderThan: '1m' }))
    const probe = (key: string) => world.clock.settle(emitter.emit(Packed, key, { parcel: 'again' }, {}))
    expect((await world.store.get(['a']))[0]!.status).toBe('waiting')
    const other = world.process({ graphs: [orders] })
    const found = await world.clock.settle(other.get(handle.id))
    expect(await world.clock.settle(found!.result())).toBe('o in p')
    expect(await probe('nobody')).toBe('accepted')
  })

  test('ends waits of executions that are gone, without anybody emitting', async () => {
    const world = new World()
    const { docket, handle } = await started(world)
    await world.clock.advance(20_000)
    await world.clock.settle(handle.cancel())
    await world.clock.settle(docket.purge({ olderThan: '0s' }))
    expect(await waits(world)).toEqual([])
  })
})
