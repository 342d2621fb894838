import { expect, test } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, graph, step } from '../../../src/index.ts'
import { encryption } from '../../../src/codecs/index.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { WatchedStore } from '../watched-store.ts'
import { minute, Report, reportGraphs, reportWorld } from './reports.ts'

const inputs = { Shop: 'Berlin' }

test('a thousand schedules that are due in one second are worked off in portions, each once', async () => {
  const { world, docket, ran, reports, process } = reportWorld()
  await world.clock.settle(docket.close())
  const watched = new WatchedStore(world.store)
  const two = [process({ store: watched.store }), process({ store: watched.store })]
  const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1m' } as const
  const names = Array.from({ length: 1_000 }, (_, index) => `s${index}`)
  await world.clock.settle(Promise.all(names.map((name) => two[0]!.schedule(name, declared))))
  await world.clock.advance(minute)
  expect(new Set(ran.map((one) => one.split(' ')[0])).size).toBe(1_000)
  expect(ran.length).toBe(1_000)
  const takings = watched.calls.filter(({ name }) => name === 'takeSchedules')
  expect(takings.every(({ given }) => (given[0] as { readonly limit: number }).limit === 100)).toBe(true)
  // A full portion each, and a few looks that find nothing.
  expect(takings.length).toBeLessThan(25)
  expect(watched.count('changeSchedules')).toBeLessThan(25)
  await world.clock.settle(Promise.all(two.map((one) => one.close())))
})

test('a schedule that somebody has altered by hand holds up no other', async () => {
  const { reports, ran } = reportGraphs()
  const docket = createTestDocket({ graphs: [reports], now: new Date('2026-03-01T00:00:00Z') })
  const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '1h' } as const
  for (const name of ['a', 'b', 'c']) await docket.schedule(name, declared)
  const [record] = await docket.store.getSchedules(['b'])
  const { everyMs: _, ...rule } = record!.rule
  await docket.store.changeSchedules([
    { ...record!, rule: { ...rule, cron: 'nonsense' }, revision: record!.revision + 1, write: 'mine' },
  ])
  await docket.advance('1h')
  expect(ran.map((text) => text.slice(0, 1)).toSorted()).toEqual(['a', 'c'])
  expect(docket.events.of({ type: 'schedule.failed' })).toMatchObject([{ schedule: 'b', failures: 1 }])
  await docket.close()
})

test('a process that closes while it fires leaves what it has taken to others at once', async () => {
  const { world, docket, ran, reports, process } = reportWorld()
  await world.clock.settle(docket.close())
  const { clock } = world
  const slow = process({
    interceptors: [
      {
        start: async (_, next) => {
          await clock.sleep(1_000)
          await next()
        },
      },
    ],
  })
  const declared = { graph: reports, target: Report, inputs, nominalTime: 'Day', every: '10s' } as const
  await clock.settle(slow.schedule('s', declared))
  await clock.advance(10_500)
  const closing = slow.close()
  const other = process()
  await clock.settle(closing)
  await clock.advance(2_000)
  expect(ran.map((one) => one.split(' ')[0])).toEqual(['s/2026-03-01T00:00:10.000Z'])
  await clock.settle(other.close())
})

test('names and texts of strangers come through whole, and inputs are encrypted with the rest', async () => {
  const { ran, reports } = reportGraphs()
  const inner = memoryStore()
  const key = Buffer.alloc(32, 7)
  const options = { codecs: [encryption({ keys: { a: key }, current: 'a' })] }
  await using docket = createDocket({ graphs: [reports], store: inner, ...options })
  for (const name of ['a/b:c', '0', '\u0000 \ud800', '__proto__', 'é/../☃', '{s}', ' ']) {
    const declared = JSON.parse(
      `{ "every": "1h", "metadata": { "__proto__": "x", "a\\u0000": "\\ud800" }, "nominalTime": "Day" }`,
    ) as { readonly nominalTime: 'Day'; readonly every: string }
    const given = { ...declared, graph: reports, target: Report, inputs: { Shop: name } }
    const info = await docket.schedule(name, given)
    expect(await docket.schedules.get(name)).toEqual(info)
    const id = await docket.schedules.trigger(name)
    await (await docket.get(id))!.result()
    expect(ran.at(-1)).toContain(`${id} ${name} `)
  }
  const { schedules } = await docket.schedules.list({ metadata: { ['a\u0000']: '\ud800' } })
  expect(schedules.length).toBe(7)
  const [record] = await inner.getSchedules(['é/../☃'])
  expect(typeof record!.inputs).not.toBe('string')
  expect(Buffer.from(record!.inputs as Uint8Array).includes('☃')).toBe(false)
})

test('the first call of a docket may be a schedule, and values that schemas convert come as they were given', async () => {
  const At = dataType(
    'At',
    z.iso.datetime().transform((text) => new Date(text)),
  )
  const Shown = dataType('Shown', z.string())
  const seen: unknown[] = []
  const show = step({
    name: 'Show',
    inputs: { at: At },
    output: Shown,
    run: ({ at }) => {
      seen.push(at)
      return at.toISOString()
    },
  })
  const shows = graph({ name: 'shows', steps: [show] })
  await using docket = createTestDocket({ graphs: [shows], now: new Date('2026-03-01T00:00:00Z') })
  const input = '2020-01-01T00:00:00Z'
  await docket.schedule('s', { graph: shows, target: Shown, inputs: { At: input }, cron: '@hourly' })
  await docket.advance('1h')
  expect(seen).toEqual([new Date(input)])
  // That leaf takes a text: no date can be given to it.
  await expect(
    docket.schedule('t', {
      graph: shows,
      target: Shown,
      // @ts-expect-error and so it is missing here
      inputs: {},
      // @ts-expect-error '"At"' is not assignable to type 'undefined'
      nominalTime: 'At',
      every: '1h',
    }),
  ).rejects.toThrow('At')
})
