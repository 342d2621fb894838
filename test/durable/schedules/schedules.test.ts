import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, OptionError, schedule } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { alteredStore } from '../altered-store.ts'
import { World } from '../durable-time.ts'
import { WatchedStore } from '../watched-store.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { day, hour, minute, Report, reportGraphs, reportWorld, scheduleEvents } from './reports.ts'

const inputs = { Shop: 'Berlin' }

describe('a schedule', () => {
  test('starts an execution for each nominal time, under its id and with its time as an input', async () => {
    const { ran, reports } = reportGraphs()
    await using docket = createTestDocket({ graphs: [reports], now: new Date('2026-03-01T00:00:00Z') })
    const info = await docket.schedule('daily', {
      graph: reports,
      target: Report,
      inputs,
      nominalTime: 'Day',
      cron: '30 2 * * *',
      headers: { by: ' by night' },
      metadata: { team: 'sales' },
    })
    expect(info).toMatchObject({
      name: 'daily',
      graph: 'reports',
      nextAt: new Date('2026-03-01T02:30:00Z'),
      started: 0,
    })
    await docket.advance('2d')
    expect(ran).toEqual([
      'daily/2026-03-01T02:30:00.000Z Berlin 2026-03-01T02:30:00.000Z by night',
      'daily/2026-03-02T02:30:00.000Z Berlin 2026-03-02T02:30:00.000Z by night',
    ])
    const handle = await docket.get('daily/2026-03-02T02:30:00.000Z')
    expect(await handle!.result()).toBe('report of Berlin')
    expect(await docket.schedules.get('daily')).toMatchObject({
      started: 2,
      skipped: 0,
      missed: 0,
      lastAt: new Date('2026-03-02T02:30:00Z'),
      nextAt: new Date('2026-03-03T02:30:00Z'),
    })
  })

  test('of a docket that lacks an input, or has one that its target does not need, is refused with the docket', () => {
    const { reports } = reportGraphs()
    const given = (more: object) => () =>
      createDocket({
        graphs: [reports],
        store: memoryStore(),
        schedules: [schedule('daily', { graph: reports, target: Report, every: '1h', ...more } as never)],
      })
    for (const [more, text] of [
      [{}, 'schedule "daily": inputs for "Report" of graph "reports": inputs must be a plain object'],
      [{ nominalTime: 'Day' }, 'Shop'],
      [{ inputs: { Shop: 'Berlin', Shpo: 1 }, nominalTime: 'Day' }, 'Shpo'],
      [{ inputs: { ...inputs, Day: new Date(0) }, nominalTime: 'Nite' }, 'Nite'],
    ] as const)
      expect(given(more)).toThrow(
        expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining(text) }),
      )
  })

  test('whose inputs do not fit their schemas is said by a process warning and an event, and others are declared', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
    const { world, process: begin, reports } = reportWorld()
    const next = begin({
      schedules: ['bad', 'good'].map((name) =>
        schedule(name, {
          graph: reports,
          target: Report,
          inputs: { Shop: name === 'bad' ? 7 : 'Berlin' } as never,
          nominalTime: 'Day',
          every: '1h',
        }),
      ),
    })
    await world.clock.advance(1_000)
    expect(warned.mock.calls).toEqual([
      [
        expect.stringMatching(/^schedule "bad" is not declared, so that it starts nothing: .*Shop/),
        { type: 'DocketScheduleWarning' },
      ],
    ])
    expect(world.events.filter(({ type }) => type === 'schedule.failed')).toMatchObject([
      { schedule: 'bad', graph: 'reports', error: { code: 'INPUT_INVALID' } },
    ])
    const { schedules } = await world.clock.settle(next.schedules.list())
    expect(schedules.map(({ name }) => name)).toEqual(['good'])
    await world.clock.settle(next.close())
  })

  test('that a docket has not declared when it is closed is said by no warning', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
    const world = new World()
    const { reports } = reportGraphs()
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const store = alteredStore(world.store, async (method, ask) => {
      if (method === 'open') await held
      return ask()
    })
    const daily = schedule('daily', { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1h' })
    const docket = world.process({ graphs: [reports], store, schedules: [daily] })
    await world.clock.advance(10)
    const closing = docket.close({ deadline: 0 })
    release()
    await world.clock.settle(closing)
    await world.clock.advance(1_000)
    expect(warned.mock.calls).toEqual([])
  })

  test('begins at its very moment, not at the next look', async () => {
    const { world, docket, ran, reports } = reportWorld('2026-03-01T00:00:00.200Z')
    await world.clock.settle(
      docket.schedule('s', { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1m' }),
    )
    await world.clock.advance(minute - 300)
    expect(ran).toEqual([])
    await world.clock.advance(100)
    expect(ran).toEqual([`s/2026-03-01T00:01:00.000Z Berlin 2026-03-01T00:01:00.000Z`])
    await world.clock.settle(docket.close())
  })

  test('is fired by processes that know its graph, whichever has declared it', async () => {
    const { world, docket, ran, reports, process, approvals } = reportWorld()
    const other = process({ graphs: [approvals] })
    const worker = process()
    await world.clock.advance(1_000)
    await world.clock.settle(
      docket.schedule('s', { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '10s' }),
    )
    await world.clock.settle(docket.close())
    await world.clock.advance(30_000)
    expect(ran.length).toBe(3)
    for (const one of [other, worker]) await world.clock.settle(one.close())
  })

  test('that is declared again, unchanged, stays as it is, and its next run is not moved', async () => {
    const { world, docket, ran, reports } = reportWorld()
    const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '60s' } as const
    const first = await world.clock.settle(docket.schedule('s', declared))
    await world.clock.advance(59_000)
    expect(await world.clock.settle(docket.schedule('s', { ...declared }))).toEqual(first)
    await world.clock.advance(1_000)
    expect(ran.length).toBe(1)
    // Of other inputs, the time that comes next stays; of another time, it is another one.
    await world.clock.settle(docket.schedule('s', { ...declared, inputs: { Shop: 'Paris' } }))
    const [next] = await world.clock.settle(docket.schedules.nextTimes('s', 1))
    expect(next).toEqual(new Date('2026-03-01T00:02:00Z'))
    const moved = await world.clock.settle(docket.schedule('s', { ...declared, every: '40s' }))
    expect(moved.nextAt).toEqual(new Date('2026-03-01T00:01:20Z'))
    await world.clock.settle(docket.close())
  })

  test('that fifty dockets declare at the same moment runs once for each time', async () => {
    const { world, docket, ran, reports, process } = reportWorld('2026-03-01T00:00:01.990Z')
    const dockets = [docket, ...Array.from({ length: 49 }, () => process())]
    const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '2s' } as const
    const infos = await world.clock.settle(Promise.all(dockets.map((one) => one.schedule('s', declared))))
    expect(new Set(infos.map(({ nextAt }) => nextAt?.toISOString()))).toEqual(new Set(['2026-03-01T00:00:02.000Z']))
    for (let restarts = 0; restarts < 3; restarts++) {
      await world.clock.advance(1_000)
      await world.clock.settle(Promise.all(dockets.map((one) => one.schedule('s', declared))))
      await world.clock.advance(1_000)
    }
    expect(ran.map((one) => one.split(' ')[0])).toEqual([2, 4, 6].map((at) => `s/2026-03-01T00:00:0${at}.000Z`))
    expect((await world.clock.settle(docket.schedules.get('s')))?.started).toBe(3)
    await world.clock.settle(Promise.all(dockets.map((one) => one.close())))
  })

  test('repeats no run when the clock is set back, and misses none when processes have other clocks', async () => {
    const { world, docket, ran, reports, process } = reportWorld()
    const { clock } = world
    const skewed = (byMs: number) => ({
      now: () => clock.now() + byMs,
      elapsed: () => clock.elapsed(),
      setTimeout: (handler: () => void, ms: number) => clock.setTimeout(handler, ms),
      clearTimeout: (handle: number) => clock.clearTimeout(handle),
      setImmediate: (handler: () => void) => clock.setImmediate(handler),
    })
    const others = [process({ clock: skewed(3 * hour) }), process({ clock: skewed(-5 * hour) })]
    await clock.settle(
      docket.schedule('s', { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '10s' }),
    )
    const times = () => ran.map((one) => one.slice(13, 21))
    await clock.advance(25_000)
    expect(times()).toEqual(['00:00:10', '00:00:20'])
    clock.setTimeOfDay(-2 * hour)
    await clock.advance(60_000)
    expect(times()).toEqual(['00:00:10', '00:00:20'])
    clock.setTimeOfDay(2 * hour - 60_000)
    await clock.advance(15_000)
    expect(times()).toEqual(['00:00:10', '00:00:20', '00:00:30', '00:00:40'])
    await clock.settle(Promise.all([docket, ...others].map((one) => one.close())))
  })

  test('of which nobody was there for three days makes up for its last time alone', async () => {
    const { world, docket, ran, reports, process } = reportWorld()
    await world.clock.settle(
      docket.schedule('s', { graph: reports, target: Report, inputs, nominalTime: 'Day', cron: '*/5 * * * *' }),
    )
    await world.clock.advance(10 * minute)
    expect(ran.length).toBe(2)
    await world.clock.settle(docket.close())
    await world.clock.advance(3 * day + 2 * minute)
    const later = process()
    await world.clock.advance(1_000)
    expect(ran.slice(2).map((one) => one.split(' ')[0])).toEqual(['s/2026-03-04T00:10:00.000Z'])
    expect(scheduleEvents(world)).toEqual(['schedule.missed s/2026-03-04T00:05:00.000Z'])
    const missed = world.events.find(({ type }) => type === 'schedule.missed')
    expect(missed).toMatchObject({ count: 863, from: Date.parse('2026-03-01T00:15:00Z') })
    expect(await world.clock.settle(later.schedules.get('s'))).toMatchObject({ started: 3, missed: 863 })
    await world.clock.advance(3 * minute)
    expect(ran.length).toBe(4)
    await world.clock.settle(later.close())
  })

  test.each([['1s'], ['1m']])(
    'that begins up to an hour later than its times, every %s, makes up for the last one and goes on',
    async (every) => {
      const { world, docket, ran, reports, process } = reportWorld()
      const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', jitter: '1h' } as const
      await world.clock.settle(docket.schedule('s', { ...declared, every }))
      await world.clock.settle(docket.close())
      await world.clock.advance(3 * day)
      const later = process()
      await world.clock.advance(1_000)
      expect(ran).toHaveLength(1)
      const { lastAt, nextAt, missed } = (await world.clock.settle(later.schedules.get('s')))!
      // Whatever is an hour old has come.
      expect(lastAt!.getTime()).toBeGreaterThan(world.clock.now() - hour - 2 * minute)
      expect(nextAt!.getTime()).toBeLessThan(world.clock.now())
      expect(missed).toBeGreaterThanOrEqual(999)
      expect(scheduleEvents(world)).toContainEqual(expect.stringContaining('schedule.missed s/2026-03-03T2'))
      await world.clock.settle(later.close())
    },
  )

  test.each([
    ['none', []],
    ['last', ['10:00']],
    [{ max: 3 }, ['08:00', '09:00', '10:00']],
  ] as const)('with catchUp %j makes up for %j', async (catchUp, expected) => {
    const { world, docket, ran, reports, process } = reportWorld()
    const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1h' } as const
    await world.clock.settle(docket.schedule('s', { ...declared, catchUp, overlap: 'allowAll' }))
    await world.clock.settle(docket.close())
    await world.clock.advance(10 * hour + 30 * minute)
    const later = process()
    await world.clock.advance(1_000)
    expect(ran.map((one) => one.slice(13, 18))).toEqual(expected)
    await world.clock.settle(later.close())
  })

  test('is refused with everything that is wrong with it, before anything is written', async () => {
    const { world, docket, reports } = reportWorld()
    const { settle } = world.clock
    const good = { graph: reports, target: Report, inputs, nominalTime: 'Day' } as const
    const refused = async (wrong: object, name = 's'): Promise<string> => {
      const error: unknown = await settle
        .call(world.clock, docket.schedule(name, { ...good, ...wrong } as never))
        .catch((thrown: unknown) => thrown)
      return (error as Error).message
    }
    expect(await refused({ cron: '0 * * * *', timeZone: 'Mars/X' })).toContain('timeZone "Mars/X" is not known')
    expect(await refused({ every: 0 })).toContain('every 0 is not a duration of at least a second')
    expect(await refused({ cron: '0 0 31 2 *' })).toContain('cron "0 0 31 2 *" never comes')
    expect(await refused({ cron: '61 * * * *' })).toContain('cron "61 * * * *" is not a pattern')
    expect(await refused({ cron: '2026-01-01T00:00:00' })).toContain('is not a pattern of five fields')
    expect(await refused({})).toContain('exactly one of cron, every and at')
    expect(await refused({ every: '1h', at: new Date() })).toContain('every and at are given')
    expect(await refused({ at: new Date('2020-01-01') })).toContain('no nominal time is to come')
    expect(await refused({ every: '1h', startAt: 2, endAt: 1 })).toContain('startAt is after endAt')
    expect(
      await refused({ every: '1h', evry: 1, overlap: 'no', catchUp: { mx: 1 }, jitter: 'x', metadata: 1 }),
    ).toMatch(/unknown option "evry".*jitter.*overlap.*mx.*metadata/)
    expect(await refused({ every: '1h', id: 'x' })).toContain('unknown option "id"')
    expect(await refused({ every: '1h', timeout: -1 })).toContain('timeout')
    expect(await refused({ every: '1h', nominalTime: 'Shop', inputs: { Day: new Date() } })).toContain('Shop')
    expect(await refused({ every: '1h', inputs: { Shop: 'a', Day: new Date() } })).toContain('leave one of them out')
    expect(await refused({ every: '1h', nominalTime: 'Dya' })).toContain('Dya')
    expect(await refused({ every: '1h', inputs: {} })).toContain('Shop')
    expect(await refused({ every: '1h' }, 'x'.repeat(201))).toContain('201 bytes')
    expect(await refused({ every: '1h' }, '')).toContain('non-empty')
    expect(await settle.call(world.clock, docket.schedules.list())).toEqual({ schedules: [], next: undefined })
    for (const call of [
      () => docket.schedules.pause('nobody'),
      () => docket.schedules.resume('nobody'),
      () => docket.schedules.trigger('nobody'),
      () => docket.schedules.nextTimes('nobody'),
      () => docket.schedules.list({ grph: 'x' } as never),
      () => docket.schedules.backfill('nobody', { from: new Date(0), to: 'x' } as never),
      () => docket.schedules.get(1 as never),
    ])
      await expect(world.clock.settle<unknown>(call())).rejects.toThrow(OptionError)
    await settle.call(world.clock, docket.close())
  })

  test('costs a docket that has none one question, and then two a minute', async () => {
    const { world, process, docket: first } = reportWorld()
    await world.clock.settle(first.close())
    const watched = new WatchedStore(world.store)
    const docket = process({ store: watched.store })
    await world.clock.advance(2 * minute)
    expect(watched.count('nextSchedule')).toBe(5)
    expect(watched.count('takeSchedules') + watched.count('listSchedules') + watched.count('getSchedules')).toBe(0)
    await world.clock.settle(docket.close())
  })
})
