import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, race, signal, step, timer } from '../../src/index.ts'
import { compression } from '../../src/codecs/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { Approval, Decision, Expiry, isParking, minute, orders, parked, recordOf, Shipment } from './parked-orders.ts'

const Reminder = dataType('Reminder', z.object({ dueAt: z.date() }))
const Order = dataType('Order', z.object({ id: z.string() }))
const remind = timer({ name: 'Remind', output: Reminder, after: '1h' })
const reminders = graph({ name: 'reminders', steps: [remind] })

async function started(world: World, options: object = {}) {
  const docket = world.process({ graphs: [reminders], ...options })
  const at = world.clock.now()
  const handle = await world.clock.settle(docket.start(reminders, Reminder, {}, { id: 'a' }))
  return { docket, handle, at }
}

async function mailLeft(world: World) {
  const { owner } = await recordOf(world)
  return (await world.store.readMail({ owner: owner ?? '', executions: ['a'], limit: 10 })).length
}

describe('a timer of an execution', () => {
  test.each(['10s', '10h'])('is moved while it waits, sooner and later (park: %s)', async (park) => {
    const world = new World()
    const { handle, at } = await started(world, { park })
    await world.clock.advance(minute)
    expect(await world.clock.settle(handle.reschedule(remind, '3h'))).toBe('accepted')
    await world.clock.advance(100 * minute)
    expect((await recordOf(world)).status).toBe('waiting')
    const sooner = new Date(world.clock.now() + 5 * minute)
    expect(await world.clock.settle(handle.reschedule('Remind', sooner))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toEqual({ dueAt: sooner })
    expect(world.clock.now()).toBeGreaterThanOrEqual(sooner.getTime())
    expect(world.clock.now()).toBeLessThan(at + 107 * minute)
  })

  test('fires now where its new time has passed, and says which time that was', async () => {
    const world = new World()
    const { handle } = await started(world)
    const past = new Date(world.clock.now() - minute)
    expect(await world.clock.settle(handle.reschedule(remind, past))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toEqual({ dueAt: past })
  })

  test('has its new time on record, in the commit that consumes the message', async () => {
    const world = new World()
    const { handle, docket } = await started(world)
    await world.clock.advance(1_000)
    const dueAt = new Date(world.clock.now() + 2 * minute)
    await world.clock.settle(handle.reschedule(remind, dueAt))
    await world.clock.advance(1_000)
    expect(await mailLeft(world)).toBe(0)
    const details = await world.clock.settle((await world.clock.settle(docket.get('a')))!.details())
    expect(details.steps).toMatchObject([{ step: 'Remind', status: 'waiting', waitsFor: { kind: 'time', at: dueAt } }])
    expect(world.events.filter(({ type }) => type === 'step.waiting')).toHaveLength(2)
  })

  test('keeps its new time when its process dies, before the message was read and after', async () => {
    for (const isRead of [false, true]) {
      const world = new World()
      const { docket, die } = world.mortal({ graphs: [reminders], park: '10h' })
      await world.clock.settle(docket.start(reminders, Reminder, {}, { id: 'a' }))
      const other = world.process({ graphs: [], takeOver: false })
      const handle = (await world.clock.settle(other.get('a')))!
      if (!isRead) die()
      expect(await world.clock.settle(handle.reschedule('Remind', '10m'))).toBe('accepted')
      const dueAt = world.clock.now() + 10 * minute
      if (isRead) await world.clock.advance(1_000)
      die()
      const heir = world.process({ graphs: [reminders] })
      const found = (await world.clock.settle(heir.get('a')))!
      const value = (await world.clock.settle(found.result())) as { dueAt: Date }
      expect(Math.abs(value.dueAt.getTime() - dueAt)).toBeLessThan(100)
      expect(world.clock.now()).toBeLessThan(dueAt + minute)
    }
  })

  test('that is parked is moved from a process without its graph', async () => {
    const world = new World()
    const { handle } = await parked(world)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(found.reschedule('Expire', '1m'))).toBe('accepted')
    const at = world.clock.now()
    expect(await world.clock.settle(handle.result())).toBe('prepared o, expired')
    expect(world.clock.now() - at).toBeLessThan(2 * minute)
  })

  test('that is moved while its execution is being parked is not parked until its old time', async () => {
    const world = new World()
    let isSent = false
    const store = alteredStore(world.store, async (method, ask, given) => {
      if (isParking(method, given) && !isSent) {
        isSent = true
        await other.get('a').then((found) => found!.reschedule('Expire', 0))
      }
      return ask()
    })
    const declared = orders([])
    const other = world.process({ graphs: [], takeOver: false })
    const docket = world.process({ graphs: [declared], store })
    const handle = await world.clock.settle(docket.start(declared, Shipment, { Order: { id: 'o' } }, { id: 'a' }))
    const at = world.clock.now()
    expect(await world.clock.settle(handle.result())).toBe('prepared o, expired')
    expect(isSent).toBe(true)
    expect(world.clock.now() - at).toBeLessThan(minute)
  })

  test('that is moved while a step runs is not parked until its old time by an old picture', async () => {
    const world = new World()
    const slow = Promise.withResolvers<string>()
    const declared = orders([], { prepare: () => slow.promise })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Shipment, { Order: { id: 'o' } }, { id: 'a' }))
    await world.clock.settle(handle.reschedule('Expire', '20s'))
    const dueAt = world.clock.now() + 20_000
    await world.clock.advance(2_000)
    slow.resolve('prepared')
    expect(await world.clock.settle(handle.result())).toBe('prepared, expired')
    expect(world.clock.now() - dueAt).toBeLessThan(2_000)
  })

  test('ignores the wake that was on its way when it was moved', async () => {
    const world = new World()
    const dueAt = world.clock.now() + 60 * minute
    let isSent = false
    // It is due, and a process is about to take it.
    const store = alteredStore(world.store, async (method, ask) => {
      const answer = await ask()
      if (method === 'acquire' && (answer as readonly unknown[]).length > 0 && !isSent) {
        isSent = true
        await other.get('a').then((found) => found!.reschedule('Remind', new Date(dueAt + 60 * minute)))
      }
      return answer
    })
    const other = world.process({ graphs: [], takeOver: false })
    const { handle } = await started(world, { store })
    await world.clock.advance(11_000)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    const value = (await world.clock.settle(handle.result())) as { dueAt: Date }
    expect(isSent).toBe(true)
    expect(value.dueAt.getTime()).toBe(dueAt + 60 * minute)
    expect(world.events.filter(({ type }) => type === 'step.ended')).toHaveLength(1)
  })

  test('keeps the time that it is given before it is set, through parking and death, and the last one holds', async () => {
    const world = new World()
    const late = graph({
      name: 'late',
      steps: [
        signal(Approval),
        timer({ name: 'Remind', inputs: { approval: Approval }, output: Reminder, after: '1h' }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [late] })
    const handle = await world.clock.settle(docket.start(late, Reminder, {}, { id: 'a' }))
    expect(await world.clock.settle(handle.reschedule('Remind', '10h'))).toBe('accepted')
    const at = new Date(world.clock.now() + 30 * minute)
    expect(await world.clock.settle(handle.reschedule('Remind', at))).toBe('accepted')
    await world.clock.advance(20_000)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    die()
    const heir = world.process({ graphs: [late] })
    const found = (await world.clock.settle(heir.get('a')))!
    await world.clock.settle(found.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(found.result())).toEqual({ dueAt: at })
    expect(world.clock.now() - at.getTime()).toBeLessThan(minute)
  })

  test('that has fired, or has lost its race, is late; after the end the answer is ended', async () => {
    const world = new World()
    const declared = graph({
      name: 'two',
      steps: [
        signal(Approval),
        timer({ name: 'Expire', output: Expiry, after: '1m' }),
        race({
          name: 'Decide',
          inputs: { approval: Approval, expiry: Expiry },
          output: Decision,
          run: (first) => first.port,
        }),
        timer({ name: 'Remind', inputs: { decision: Decision }, output: Reminder, after: '1h' }),
      ],
    })
    const docket = world.process({ graphs: [declared] })
    const fired = await world.clock.settle(docket.start(declared, Reminder, {}, { id: 'a' }))
    const lost = await world.clock.settle(docket.start(declared, Reminder, {}, { id: 'b' }))
    await world.clock.settle(lost.signal(Approval, { by: 'Ada' }))
    await world.clock.advance(2 * minute)
    for (const handle of [fired, lost]) {
      expect(await world.clock.settle(handle.reschedule('Expire', '5h'))).toBe('late')
      expect(await world.clock.settle(handle.reschedule('Remind', 0))).toBe('accepted')
      await world.clock.settle(handle.result())
      expect(await world.clock.settle(handle.reschedule('Remind', 0))).toBe('ended')
    }
  })

  test('can be moved by the name that it had before', async () => {
    const world = new World()
    await started(world)
    const renamed = graph({
      name: 'reminders',
      steps: [timer({ name: 'Nudge', formerly: 'Remind', output: Reminder, after: '1h' })],
    })
    await world.clock.advance(20_000)
    const other = world.process({ graphs: [renamed] })
    const found = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(found.reschedule('Remind', '1m'))).toBe('accepted')
    expect(await world.clock.settle(found.reschedule('Nudge', '2m'))).toBe('accepted')
    const at = world.clock.now()
    await world.clock.settle(found.result())
    expect(world.clock.now() - at).toBeLessThan(4 * minute)
  })

  test('is moved where values are compressed, too', async () => {
    const world = new World()
    const { handle } = await started(world, { codecs: [compression({ above: 0 })] })
    const at = world.clock.now()
    expect(await world.clock.settle(handle.reschedule(remind, '1m'))).toBe('accepted')
    await world.clock.settle(handle.result())
    expect(world.clock.now() - at).toBeLessThan(2 * minute)
  })

  test('that nobody can move is an error that says so', async () => {
    const world = new World()
    const { handle, docket } = await started(world)
    const moved = (...given: [string, string | Date, object?]) =>
      world.clock.settle(
        (handle as unknown as typeof handle).reschedule(...(given as Parameters<typeof handle.reschedule>)),
      )
    await expect(moved('Remnd', '1h')).rejects.toThrow('has no timer "Remnd"; did you mean "Remind"?')
    await expect(moved('Remind', 'soon')).rejects.toThrow('reschedule takes a Date, or a duration from now, not "soon"')
    await expect(moved('Remind', new Date(NaN))).rejects.toThrow('not an invalid Date')
    await expect(moved('', '1h')).rejects.toThrow('reschedule takes a timer')
    await expect(moved('Remind', '1h', { item: 1 })).rejects.toThrow('item is for batches')
    await expect(moved('Remind', '1h', { itm: 'x' })).rejects.toThrow('itm')
    await world.clock.settle(handle.cancel())
    await world.clock.settle(docket.delete('a'))
    await expect(moved('Remind', '1h')).rejects.toThrow('there is no execution "a"')
  })

  test('begins anew with a retry, whatever it was moved to in its last life', async () => {
    const world = new World()
    let fails = true
    const declared = graph({
      name: 'failing',
      steps: [
        remind,
        step({
          name: 'Fail',
          inputs: { order: Order },
          output: Shipment,
          run: () => {
            if (fails) throw new Error('no')
            return 'ok'
          },
        }),
        step({
          name: 'Both',
          inputs: { reminder: Reminder, shipment: Shipment },
          output: Decision,
          run: ({ reminder }) => reminder.dueAt.toISOString(),
        }),
      ],
    })
    const docket = world.process({ graphs: [declared] })
    const slow = await world.clock.settle(docket.start(declared, Decision, { Order: { id: 'o' } }, { id: 'a' }))
    await world.clock.settle(slow.result().catch(() => {}))
    fails = false
    const again = await world.clock.settle(docket.retry('a'))
    const at = world.clock.now()
    expect(await world.clock.settle(again.reschedule('Remind', '10m'))).toBe('accepted')
    await world.clock.settle(again.result())
    expect(world.clock.now() - at).toBeLessThan(12 * minute)
  })
})

describe('a timer of a batch', () => {
  test('is moved by item, in the process that has it and after its death', async () => {
    const world = new World()
    const Parcel = dataType('Parcel', z.string())
    const parcels = graph({
      name: 'parcels',
      steps: [
        timer({
          name: 'Wait',
          inputs: { parcel: Parcel },
          output: Decision,
          after: '1h',
          value: ({ parcel }, { dueAt }) => `${parcel} ${dueAt.getTime()}`,
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [parcels] })
    const items = ['a', 'b', 'c'].map((name) => ({ Parcel: name }))
    const at = world.clock.now()
    await world.clock.settle(
      docket.startBatch(parcels, Decision, items, { id: 'batch', key: ({ Parcel: name }) => name }),
    )
    const other = world.process({ graphs: [], takeOver: false })
    const handle = (await world.clock.settle(other.get('batch')))!
    expect(await world.clock.settle(handle.reschedule('Wait', new Date(at + minute), { item: 1 }))).toBe('accepted')
    await world.clock.advance(2 * minute)
    expect(await world.clock.settle(handle.reschedule('Wait', '1h', { item: 1 }))).toBe('late')
    await expect(world.clock.settle(handle.reschedule('Wait', 0, { item: 3 }))).rejects.toThrow('has no item 3')
    die()
    expect(await world.clock.settle(handle.reschedule('Wait', new Date(at + 30 * minute), { item: 2 }))).toBe(
      'accepted',
    )
    const heir = world.process({ graphs: [parcels] })
    const found = (await world.clock.settle(heir.get('batch')))!
    expect(await world.clock.settle(found.result())).toEqual([
      `a ${at + 60 * minute}`,
      `b ${at + minute}`,
      `c ${at + 30 * minute}`,
    ])
  })
})
