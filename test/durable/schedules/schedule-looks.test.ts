import { afterEach, expect, test, vi } from 'vitest'
import { dataType, graph, schedule, step, type } from '../../../src/index.ts'
import type { Docket, DocketOptions, ExecutionEvent } from '../../../src/index.ts'
import { alteredStore } from '../altered-store.ts'
import { World } from '../durable-time.ts'

const Shop = dataType('Shop', type<string>())
const Report = dataType('Report', type<string>())

afterEach(() => void vi.restoreAllMocks())

/** What was reported that nobody waits for, without repetitions. */
function noteReports(): () => readonly string[] {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  return () => [...new Set(warned.mock.calls.map(([warning]) => String(warning)))].toSorted()
}

/** Reports of shops; what runs is noted. */
function reporting(name = 'reports') {
  const ran: string[] = []
  const write = step({
    name: 'Write',
    inputs: { shop: Shop },
    output: Report,
    run: ({ shop }) => {
      ran.push(shop)
      return shop
    },
  })
  return { ran, reports: graph({ name, steps: [write] }) }
}

/** Processes of one program, each with the same schedule as it declares it. */
function scheduling() {
  const world = new World()
  const { reports, ran } = reporting()
  const declared = { graph: reports, target: Report, inputs: { Shop: 'Berlin' } } as const
  const process = (every: string, more: Partial<DocketOptions> = {}): Docket =>
    world.process({ graphs: [reports], schedules: [schedule('s', { ...declared, every })], ...more })
  const overruled = async (docket: Docket) => (await world.clock.settle(docket.health())).overruled
  return { world, ran, declared, process, overruled }
}

test('what goes wrong as a process looks for what others have declared holds up no schedule that is due', async () => {
  const { world, ran, process } = scheduling()
  const reported = noteReports()
  let isDamaged = false
  const damaged = ['getSchedules', 'listSchedules']
  const store = alteredStore(world.store, (method, ask) =>
    isDamaged && damaged.includes(method) ? Promise.reject(new Error('damaged')) : ask(),
  )
  const docket = process('1s', { store, unknownGraph: () => undefined })
  await world.clock.advance(1_500)
  isDamaged = true
  for (let seconds = 0; seconds < 40; seconds++) {
    const { length } = ran
    await world.clock.advance(1_000)
    expect(ran).toHaveLength(length + 1)
  }
  expect(reported()).toMatchObject([
    expect.stringMatching(/schedules of unlisted graphs failed.*damaged/),
    expect.stringMatching(/schedules that were declared otherwise failed.*damaged/),
  ])
  await world.clock.settle(docket.close())
})

test('a process that can not find out which schedules have vanished fires those that there are', async () => {
  const { world, ran, process } = scheduling()
  const reported = noteReports()
  const store = alteredStore(world.store, (method, ask) =>
    method === 'listSchedules' ? Promise.reject(new Error('damaged')) : ask(),
  )
  const docket = process('1s', { store })
  await world.clock.advance(5_500)
  expect(ran.length).toBeGreaterThanOrEqual(4)
  expect(reported()).toMatchObject([expect.stringMatching(/schedules that have vanished failed.*damaged/)])
  await world.clock.settle(docket.close())
})

test('a schedule that a docket was given, and declares otherwise itself, is not overruled', async () => {
  const { world, declared, process, overruled } = scheduling()
  const docket = process('1h')
  await world.clock.advance(1_000)
  await world.clock.settle(docket.schedule('s', { ...declared, every: '2h' }))
  await world.clock.advance(65_000)
  expect(await overruled(docket)).toEqual([])
  // Nor where the call comes before what it was given is declared.
  const early = process('1h')
  await world.clock.settle(early.schedule('s', { ...declared, every: '3h', version: 1 }))
  await world.clock.advance(25_000)
  expect(await overruled(early)).toEqual([])
  await world.clock.advance(10_000)
  expect(await overruled(docket)).toEqual([
    'schedule "s": another process has declared it otherwise in version 1, and that holds',
  ])
  for (const one of [docket, early]) await world.clock.settle(one.close())
})

test('a schedule that is overruled again, once it was as declared meanwhile, is reported again', async () => {
  const { world, process, overruled } = scheduling()
  const events: ExecutionEvent[] = []
  const docket = process('1h', { observers: [(event) => void events.push(event)] })
  const others: Docket[] = []
  const declare = async (every: string): Promise<void> => {
    others.push(process(every))
    await world.clock.advance(35_000)
  }
  const reported = () => events.filter((event) => event.type === 'schedule.overruled').length
  await world.clock.advance(1_000)
  await declare('2h')
  expect(reported()).toBe(1)
  await declare('1h')
  expect([reported(), await overruled(docket)]).toEqual([1, []])
  await declare('2h')
  expect(reported()).toBe(2)
  for (const one of [docket, ...others]) await world.clock.settle(one.close())
})

test('a schedule of a graph that nobody lists is found at once where the store sends hints, also just after a look, and behind thousands of others', async () => {
  const world = new World()
  const { reports, ran } = reporting('tenant-1')
  const { reports: own } = reporting()
  const many = world.process({ graphs: [own, reports], takeOver: false })
  await many.schedule('a0', {
    graph: own,
    target: Report,
    inputs: { Shop: 'x' },
    at: new Date(world.clock.now() + 1e9),
  })
  const record = (await world.store.getSchedules(['a0']))[0]!
  const others = Array.from({ length: 2_500 }, (_, index) => ({ ...record, name: `b${index}`, write: `w${index}` }))
  await world.store.addSchedules(others)
  const docket = world.process({ graphs: [own], unknownGraph: (name) => (name === 'tenant-1' ? reports : undefined) })
  // It looks as it begins.
  await world.clock.advance(100)
  await many.schedule('z', { graph: reports, target: Report, inputs: { Shop: 'Berlin' }, every: '1s' })
  await world.clock.advance(1_900)
  expect(ran.length).toBeGreaterThanOrEqual(1)
  for (const one of [docket, many]) await world.clock.settle(one.close())
})
