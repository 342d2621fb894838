import { expect, test } from 'vitest'
import { schedule } from '../../../src/index.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { Approved, Report, reportGraphs, reportWorld, scheduleEvents } from './reports.ts'

const now = new Date('2026-03-01T00:00:00Z')
const inputs = { Shop: 'Berlin' }

async function reporting() {
  const { ran, reports, approvals } = reportGraphs()
  const docket = createTestDocket({ graphs: [reports, approvals], now })
  const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1h' } as const
  return { ran, docket, reports, approvals, declared, times: () => ran.map((one) => one.split(' ')[0]!.slice(2)) }
}

test('a paused schedule starts nothing, says why, and makes up for nothing when it is resumed', async () => {
  const { docket, declared, times } = await reporting()
  await docket.schedule('s', declared)
  await docket.advance('1h')
  await docket.schedules.pause('s', 'the shop is closed')
  // Declared again, it stays paused.
  await docket.schedule('s', declared)
  await docket.schedule('s', { ...declared, metadata: { a: 'b' } })
  await docket.advance('3h')
  expect(await docket.schedules.get('s')).toMatchObject({
    note: 'the shop is closed',
    pausedAt: new Date('2026-03-01T01:00:00Z'),
  })
  await docket.schedules.resume('s')
  await docket.advance('1h')
  expect(times()).toEqual(['2026-03-01T01:00:00.000Z', '2026-03-01T05:00:00.000Z'])
  expect(await docket.schedules.get('s')).toMatchObject({ note: undefined, pausedAt: undefined, missed: 0 })
  await docket.close()
})

test('a schedule is triggered at any time, paused or not', async () => {
  const { docket, declared, times } = await reporting()
  await docket.schedule('s', declared)
  await docket.schedules.pause('s')
  await docket.advance('90s')
  const id = await docket.schedules.trigger('s')
  expect(id).toBe('s/2026-03-01T00:01:30.000Z')
  expect(await (await docket.get(id))!.result()).toBe('report of Berlin')
  expect(times()).toEqual(['2026-03-01T00:01:30.000Z'])
  await docket.close()
})

test('what a backfill would cancel, or let wait, is counted as well', async () => {
  const { docket, approvals } = await reporting()
  await docket.schedule('s', { graph: approvals, target: Approved, inputs: {}, every: '1h' })
  await docket.advance('1h')
  const options = { from: new Date('2026-02-28T20:00:00Z'), to: new Date('2026-02-28T22:00:00Z') }
  const cancelling = { ...options, overlap: 'cancelOther' } as const
  const counted = { started: 0, existing: 0, skipped: 2, isOneBuffered: true, cancelled: 1 }
  expect(await docket.schedules.backfill('s', { ...cancelling, dryRun: true })).toEqual(counted)
  expect(await docket.schedules.backfill('s', { ...options, overlap: 'bufferOne', dryRun: true })).toEqual({
    ...counted,
    cancelled: 0,
  })
  expect(await docket.schedules.backfill('s', cancelling)).toEqual(counted)
  await docket.advance('1m')
  expect((await docket.list({ status: 'cancelled' })).executions).toHaveLength(1)
  await docket.close()
})

test('each trigger starts an execution of its own, also two in one millisecond', async () => {
  const { docket, declared, ran } = await reporting()
  await docket.schedule('s', declared)
  const trigger = () => docket.schedules.trigger('s')
  const ids = await Promise.all([trigger(), trigger()])
  ids.push(await trigger())
  expect(ids).toEqual(['000', '001', '002'].map((ms) => `s/2026-03-01T00:00:00.${ms}Z`))
  await docket.advance('1s')
  expect(ran).toHaveLength(3)
  expect(await docket.schedules.get('s')).toMatchObject({ started: 3 })
  // Once time has gone on, it is the time of the trigger again.
  await docket.advance('1m')
  expect(await trigger()).toBe('s/2026-03-01T00:01:01.000Z')
  await docket.close()
})

test('a year is made up for, each time once, however often it is called for', { timeout: 60_000 }, async () => {
  const { docket, declared, ran } = await reporting()
  await docket.schedule('s', { ...declared, every: '1d' })
  await docket.advance('2d')
  expect(ran.length).toBe(2)
  const year = { from: new Date('2025-03-03T00:00:00Z'), to: new Date('2026-03-03T00:00:00Z') }
  const counted = await docket.schedules.backfill('s', { ...year, dryRun: true })
  expect(counted).toEqual({ started: 364, existing: 2, skipped: 0, isOneBuffered: false, cancelled: 0 })
  await docket.advance('1m')
  expect(ran.length).toBe(2)
  expect(await docket.schedules.backfill('s', year)).toEqual(counted)
  await docket.advance('1m')
  expect(ran.length).toBe(366)
  expect(new Set(ran).size).toBe(366)
  expect(await docket.schedules.backfill('s', year)).toEqual({
    started: 0,
    existing: 366,
    skipped: 0,
    isOneBuffered: false,
    cancelled: 0,
  })
  await expect(docket.schedules.backfill('s', { from: now, to: new Date('2027-01-01') })).rejects.toThrow(
    'in the future',
  )
  await docket.advance('1d')
  expect(ran.length).toBe(367)
  await docket.close()
})

test('what is made up for goes by its own overlap', async () => {
  const { docket, approvals } = await reporting()
  const graph = approvals
  await docket.schedule('s', { graph, target: Approved, inputs: {}, every: '1h', startAt: new Date('2026-04-01') })
  await docket.advance('5h')
  const some = { from: now, to: new Date('2026-03-01T04:00:00Z') }
  const wouldBe = await docket.schedules.backfill('s', { ...some, overlap: 'skip', dryRun: true })
  expect(wouldBe).toEqual({ started: 1, existing: 0, skipped: 4, isOneBuffered: false, cancelled: 0 })
  expect((await docket.list()).executions).toEqual([])
  expect((await docket.schedules.get('s'))?.skipped).toBe(0)
  expect(await docket.schedules.backfill('s', { ...some, overlap: 'skip' })).toEqual({
    started: 1,
    existing: 0,
    skipped: 4,
    isOneBuffered: false,
    cancelled: 0,
  })
  expect(await docket.schedules.backfill('s', { ...some, overlap: 'bufferOne' })).toEqual({
    started: 0,
    existing: 1,
    skipped: 3,
    isOneBuffered: true,
    cancelled: 0,
  })
  const first = await docket.get('s/2026-03-01T00:00:00.000Z')
  await first!.cancel()
  await docket.advance('1m')
  const { executions } = await docket.list()
  expect(executions.map(({ id, status }) => `${id.slice(13, 18)} ${status}`)).toEqual([
    '01:00 waiting',
    '00:00 cancelled',
  ])
  await docket.close()
})

test('schedules are listed by their names, by graph and by metadata, and deleted', async () => {
  const { docket, declared, approvals, ran } = await reporting()
  for (const [index, team] of ['sales', 'stock', 'sales', 'sales'].entries())
    await docket.schedule(`s${index}`, { ...declared, metadata: { team } })
  await docket.schedule('t', { graph: approvals, target: Approved, inputs: {}, cron: '@daily' })
  const names = async (query: Parameters<typeof docket.schedules.list>[0]) => {
    const { schedules, next } = await docket.schedules.list(query)
    return [...schedules.map(({ name }) => name), next]
  }
  expect(await names({})).toEqual(['s0', 's1', 's2', 's3', 't', undefined])
  expect(await names({ metadata: { team: 'sales' }, limit: 2 })).toEqual(['s0', 's2', 's2'])
  expect(await names({ metadata: { team: 'sales' }, limit: 2, after: 's2' })).toEqual(['s3', undefined])
  expect(await names({ graph: 'approvals' })).toEqual(['t', undefined])
  expect(await docket.schedules.nextTimes('t', 2)).toEqual([new Date('2026-03-02'), new Date('2026-03-03')])
  expect(await docket.schedules.delete('s0')).toBe(true)
  expect(await docket.schedules.delete('s0')).toBe(false)
  expect(await docket.schedules.get('s0')).toBeUndefined()
  await docket.advance('1h')
  expect(ran.map((one) => one.slice(0, 2)).toSorted()).toEqual(['s1', 's2', 's3'])
  await docket.close()
})

test('a schedule of a single moment runs then, and ends; its bounds and its jitter hold', async () => {
  const { docket, declared, times } = await reporting()
  const { every: _, ...once } = declared
  await docket.schedule('a', { ...once, at: new Date('2026-03-01T02:30:00Z') })
  await docket.schedule('b', {
    ...declared,
    startAt: new Date('2026-03-01T03:00:00Z'),
    endAt: new Date('2026-03-01T04:00:00Z'),
    jitter: '20m',
  })
  await docket.advance('1d')
  expect(times()).toEqual(['2026-03-01T02:30:00.000Z', '2026-03-01T03:00:00.000Z', '2026-03-01T04:00:00.000Z'])
  const began = docket.events.of({ type: 'execution.started' }).map(({ at }) => at)
  const late = [began[1]! - Date.parse('2026-03-01T03:00:00Z'), began[2]! - Date.parse('2026-03-01T04:00:00Z')]
  for (const ms of late) expect(ms > 0 && ms < 20 * 60_000).toBe(true)
  expect(late[0]).not.toBe(late[1])
  expect((await docket.schedules.get('a'))?.nextAt).toBeUndefined()
  await docket.close()
})

test('a schedule whose run failed is paused before the next one, and says which it was', async () => {
  const { docket, declared, times } = await reporting()
  await docket.schedule('s', { ...declared, inputs: { Shop: 'broken' }, pauseOnFailure: true })
  await docket.advance('3h')
  expect(times()).toEqual(['2026-03-01T01:00:00.000Z'])
  const id = 's/2026-03-01T01:00:00.000Z'
  expect((await docket.schedules.get('s'))?.note).toBe(`execution "${id}" has failed`)
  expect(docket.events.of({ type: 'schedule.paused' })).toMatchObject([{ executionId: id, schedule: 's' }])
  await docket.schedules.resume('s')
  await docket.advance('1h')
  expect(times()).toHaveLength(2)
  await docket.close()
})

test('schedules are declared beside graphs; one that vanishes from the code is reported, and goes on', async () => {
  const { docket: other, declared, reports, ran } = await reporting()
  await other.close()
  const one = schedule('one', declared)
  const two = schedule('two', { ...declared, every: '2h' })
  const docket = createTestDocket({ graphs: [reports], now, schedules: [one, two] })
  await docket.advance('2h')
  expect(ran.map((text) => text.split(' ')[0]).toSorted()).toEqual([
    'one/2026-03-01T01:00:00.000Z',
    'one/2026-03-01T02:00:00.000Z',
    'two/2026-03-01T02:00:00.000Z',
  ])
  await docket.restart({ schedules: [one] })
  await docket.advance('1h')
  expect(docket.events.of({ type: 'schedule.vanished' })).toMatchObject([{ schedule: 'two' }])
  await docket.advance('1h')
  expect(ran.filter((text) => text.startsWith('two'))).toHaveLength(2)
  expect((await docket.schedules.list()).schedules.map(({ name }) => name)).toEqual(['one', 'two'])
  await docket.close()
})

test('of two dockets that declare a schedule differently the higher version holds, whichever begins last; the other one reports it', async () => {
  const { world, docket: unversioned, reports, process } = reportWorld()
  const of = (every: string, version?: number) =>
    process({
      schedules: [
        schedule('s', {
          graph: reports,
          target: Report,
          inputs: { Shop: 'Berlin' },
          nominalTime: 'Day',
          every,
          ...(version !== undefined && { version }),
        }),
      ],
    })
  const held = async () => {
    await world.clock.advance(1_000)
    const info = await world.clock.settle(unversioned.schedules.get('s'))
    return [info?.everyMs, info?.version]
  }
  const overruled = async (one: typeof unversioned) => (await world.clock.settle(one.health())).overruled
  const old = of('1h')
  expect(await held()).toEqual([3_600_000, 0])
  const next = of('2h', 1)
  expect(await held()).toEqual([7_200_000, 1])
  expect(await overruled(old)).toEqual([])
  await world.clock.advance(35_000)
  const message = 'schedule "s": another process has declared it otherwise in version 1, and that holds'
  expect([await overruled(old), await overruled(next)]).toEqual([[message], []])
  // One of the old program that begins anew puts nothing back.
  await world.clock.settle(old.close())
  const again = of('1h')
  expect(await held()).toEqual([7_200_000, 1])
  expect(await overruled(again)).toEqual([message])
  // Of equal versions the last one holds, and the call of another one says what does.
  const last = of('3h', 1)
  expect(await held()).toEqual([10_800_000, 1])
  await world.clock.advance(60_000)
  expect(await overruled(next)).toEqual([
    'schedule "s": another process has declared it otherwise since, and that holds',
  ])
  const declared = { graph: reports, target: Report, inputs: { Shop: 'Berlin' }, nominalTime: 'Day' } as const
  expect(await world.clock.settle(unversioned.schedule('s', { ...declared, every: '9h' }))).toMatchObject({
    everyMs: 10_800_000,
  })
  expect(scheduleEvents(world).filter((text) => text.startsWith('schedule.overruled'))).toHaveLength(3)
  for (const one of [unversioned, next, again, last]) await world.clock.settle(one.close())
})

test('what a schedule starts stands in the queue, with the priority and under the key that it names', async () => {
  const { docket, declared } = await reporting()
  await docket.schedule('s', { ...declared, queue: 'night', priority: 3, key: 'acme' })
  await docket.advance('1h')
  const { executions } = await docket.list({ queue: 'night', key: 'acme' })
  expect(executions.map(({ id }) => id)).toEqual(['s/2026-03-01T01:00:00.000Z'])
  expect(await (await docket.get(executions[0]!.id))!.details()).toMatchObject({ priority: 3 })
  await docket.close()
})

test('a docket with defaults runs schedules of the graphs that it was given', async () => {
  const { reports, ran } = reportGraphs()
  const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1h' } as const
  const schedules = [schedule('a', declared)]
  const docket = createTestDocket({ graphs: [reports], now, schedules, defaults: { timeout: '1m' } })
  await docket.schedule('b', declared)
  await docket.advance('1h')
  expect(ran.map((text) => text.slice(0, 1)).toSorted()).toEqual(['a', 'b'])
  await docket.close()
})

test('schedules beside graphs are checked when the docket is made, all of them', () => {
  const { reports, approvals } = reportGraphs()
  const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1h' } as const
  const foreign = schedule('foreign', { graph: approvals, target: Approved, inputs: {}, every: '1h' })
  const wrong = schedule('wrong', { ...declared, cron: '61 * * * *' })
  const schedules = [schedule('a', declared), schedule('a', declared), foreign, wrong, {}]
  expect(() => createTestDocket({ graphs: [reports], schedules: schedules as never })).toThrow(
    /two schedules are named "a".*"approvals", which is not among graphs.*cron and every are given.*made by schedule\(\), not an object/,
  )
})

test('a schedule that can start nothing says so, is tried again, and holds up no other', async () => {
  const { reports, ran } = reportGraphs()
  let isRefusing = true
  const docket = createTestDocket({
    graphs: [reports],
    now,
    interceptors: [
      {
        start: async ({ by, executionId }, next) => {
          expect(by).toBe('schedule')
          if (isRefusing && executionId.startsWith('bad')) throw new Error('not now')
          await next()
        },
      },
    ],
  })
  const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1h' } as const
  await docket.schedule('bad', declared)
  await docket.schedule('good', declared)
  await docket.advance('1h5s')
  expect(ran).toHaveLength(1)
  expect(docket.events.of({ type: 'schedule.failed' })).toMatchObject([
    { schedule: 'bad', error: { message: 'not now' }, failures: 1 },
  ])
  await docket.advance('20s')
  expect((await docket.schedules.get('bad'))?.failures).toBe(2)
  isRefusing = false
  await docket.advance('1m')
  expect(ran.map((text) => text.split(' ')[0])).toContain('bad/2026-03-01T01:00:00.000Z')
  expect((await docket.schedules.get('bad'))?.failures).toBe(0)
  await docket.close()
})
