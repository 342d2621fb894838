import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createDocket } from '../../src/index.ts'
import { childProgram } from '../child-program.ts'
import { placeMaker, storeKinds } from './place.ts'
import type { Place } from './place.ts'
import { Tick, tickGraph } from './ticks.ts'

const newPlace = await placeMaker()
const program = childProgram(join(import.meta.dirname, 'schedule-process.ts'))
const second = 1_000

/** Runs a process that is killed right before a call of its store. */
async function killedBefore({ address }: Place, call: string): Promise<void> {
  const child = spawn(process.execPath, [program, JSON.stringify({ address, call })], { stdio: 'inherit' })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
}

test.concurrent.each(storeKinds)(
  'several processes that fire the same schedules at the same moments start each run once on %s',
  { timeout: 60_000 },
  async (kind) => {
    const place = await newPlace(kind)
    const { ticks } = tickGraph()
    const open = () => createDocket({ graphs: [ticks], store: place.createStore() })
    const dockets = [open(), open(), open()]
    const names = Array.from({ length: 20 }, (_, index) => `tick${index}`)
    const declared = { graph: ticks, target: Tick, inputs: {}, nominalTime: 'At', every: '1s' } as const
    // All of them declare all, as at a start.
    const infos = await Promise.all(
      dockets.flatMap((docket) => names.map((name) => docket.schedule(name, { ...declared, overlap: 'allowAll' }))),
    )
    await sleep(2 * second)
    const haveFired = async (): Promise<boolean> =>
      (await dockets[0]!.schedules.list()).schedules.every(({ started }) => started >= 2)
    await expect.poll(haveFired, { timeout: 40_000, interval: 100 }).toBe(true)
    await Promise.all(names.map((name) => dockets[0]!.schedules.pause(name)))
    await sleep(200)
    const { schedules } = await dockets[0]!.schedules.list()
    for (const { name, lastAt, started } of schedules) {
      const { executions } = await dockets[0]!.list({ limit: 1_000 })
      const own = executions.filter(({ id }) => id.startsWith(`${name}/`)).map(({ id }) => id.slice(name.length + 1))
      const declaredAs = infos.filter((info) => info.name === name)
      const first = Math.min(...declaredAs.map(({ nextAt }) => nextAt!.getTime()))
      const times = Array.from(
        { length: (lastAt!.getTime() - first) / second + 1 },
        (_, index) => first + index * second,
      )
      const expected = times.map((time) => new Date(time).toISOString())
      // One may have been started at the moment of the pause.
      expect(own.filter((time) => time <= expected.at(-1)!).toSorted()).toEqual(expected)
      expect(started).toBe(times.length)
    }
    await Promise.all(dockets.map((docket) => docket.close()))
  },
)

test.concurrent.each(storeKinds)(
  'processes that are killed before a run is created, and between that and the move, leave one run for each time on %s',
  { timeout: 60_000 },
  async (kind) => {
    const place = await newPlace(kind)
    const { ticks } = tickGraph()
    await using declaring = createDocket({ graphs: [ticks], store: place.createStore(), takeOver: false })
    const declared = { graph: ticks, target: Tick, inputs: {}, nominalTime: 'At', every: '1s' } as const
    const more = { overlap: 'allowAll', catchUp: { max: 1_000 } } as const
    const { nextAt } = await declaring.schedule('tick', { ...declared, ...more })
    await killedBefore(place, 'create')
    await killedBefore(place, 'changeSchedules')
    const created = (await declaring.list({ graph: 'ticks' })).executions.map(({ id }) => id)
    expect(created.length).toBeGreaterThan(0)
    await using last = createDocket({ graphs: [ticks], store: place.createStore(), lease: '1s' })
    let lastAt: Date | undefined
    for (let looks = 0; looks < 200; looks++) {
      await sleep(100)
      const info = await last.schedules.get('tick')
      lastAt = info?.lastAt
      if (lastAt !== undefined && lastAt.getTime() > Date.now() - 3 * second) break
    }
    await last.schedules.pause('tick')
    const end = (await last.schedules.get('tick'))!.lastAt!.getTime()
    const expected: string[] = []
    for (let time = nextAt!.getTime(); time <= end; time += second)
      expected.push(`tick/${new Date(time).toISOString()}`)
    const results = await Promise.all(
      expected.map(async (id) => `tick/${String(await (await last.get(id))?.result())}`),
    )
    expect(results).toEqual(expected)
    const { executions } = await last.list({ graph: 'ticks', limit: 1_000 })
    const ids = executions.map(({ id }) => id).toSorted()
    // One may have been started at the moment of the pause.
    expect(ids.filter((id) => id <= expected.at(-1)!)).toEqual(expected)
    expect(created.every((id) => expected.includes(id))).toBe(true)
  },
)
