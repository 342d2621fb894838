import { setTimeout as sleep } from 'node:timers/promises'
import { BenchChild } from '../durable/bench-child.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { ratioOf, spreadOf } from '../measure.ts'
import type { Spread } from '../measure.ts'
import { unfinishedIn } from '../scale/filled.ts'
import type { Cost } from '../scale/costs.ts'
import type { HeapOverTime, LongResumed, LongRun } from '../scale/long-run.ts'
import type { Measured } from '../scale/throughput.ts'
import { duration, factor, grouped } from '../table-text.ts'
import type { Result, TableRows, Workload } from './workload.ts'

/** The stores that can be named, and what they are called in tables. */
export const scaleStores = { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MariaDB', redis: 'Redis' } as const
type ScaleStore = keyof typeof scaleStores

/** What can be measured apart: each takes its time. */
export const scaleParts = ['costs', 'list', 'take-over', 'purge', 'long', 'heap'] as const
type ScalePart = (typeof scaleParts)[number]

const small = 1_000
const fullSize = 1_000_000
const quickSize = 20_000
// Parts of the size: of a million, 20,000 are taken over, a chain has 50,000 steps, and a batch 100,000 items.
const parts = { takenOver: 50, steps: 20, items: 10 } as const
const hourMs = 3_600_000

/** What was measured on one store. */
interface OnStore {
  readonly store: string
  readonly fillSeconds: number
  readonly costs?: readonly Cost[] | undefined
  readonly list?: Measured | undefined
  readonly purge?: Measured | undefined
  readonly takeOver?: Measured | undefined
  readonly end?: Measured | undefined
  readonly workOff?: Measured | undefined
  readonly steps?: LongResumed | undefined
  readonly items?: LongResumed | undefined
  readonly heap?: HeapOverTime | undefined
}

/** A store that holds very much against one that holds little, and how fast very much is gone through. */
export const scale: Workload = {
  name: 'scale',
  title: 'a store that holds much',
  measure: async (_, { isQuick, servers, size = isQuick ? quickSize : fullSize, stores, parts }): Promise<Result> => {
    const kinds = (stores ?? Object.keys(scaleStores)) as readonly ScaleStore[]
    const places = await servers.places(...kinds.filter((kind) => kind !== 'sqlite'))
    const all: OnStore[] = []
    const wanted = new Set((parts ?? scaleParts) as readonly ScalePart[])
    for (const kind of kinds) all.push(await measureStore(kind, places, { size, rounds: isQuick ? 3 : 11, wanted }))
    return resultOf(all, size)
  },
}

interface Extent {
  readonly size: number
  readonly rounds: number
  readonly wanted: ReadonlySet<ScalePart>
}

async function measureStore(kind: ScaleStore, places: Places, { size, rounds, wanted }: Extent): Promise<OnStore> {
  const store = scaleStores[kind]
  const say = (what: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${store}: ${what}`)
  const part = async <T>(name: ScalePart, what: string, measure: () => Promise<T>): Promise<T | undefined> => {
    if (!wanted.has(name)) return undefined
    say(what)
    return measure()
  }
  const takenOver = { count: size / parts.takenOver }
  say(`a store with ${grouped(size)} executions that have ended, and one with ${grouped(small)}`)
  await using child = new BenchChild('scale-child.ts')
  const since = performance.now()
  await child.ask('fill', { kind, places, small, large: size }, hourMs)
  const fillSeconds = (performance.now() - since) / 1_000
  say(`filled in ${fillSeconds.toFixed(0)} s`)
  const costs = await part('costs', 'one against the other', () =>
    child.ask<readonly Cost[]>('costs', { rounds }, hourMs),
  )
  const list = await part('list', 'list', () => child.ask<Measured>('list', undefined, hourMs))
  const taken = await part('take-over', `taking over ${grouped(takenOver.count)}`, async () => ({
    ...(await child.ask<{ takeOver: Measured; end: Measured }>('takeOver', takenOver, hourMs)),
    workOff: await child.ask<Measured>('workOff', takenOver, hourMs),
  }))
  const purge = await part('purge', 'purge', () => child.ask<Measured>('purge', undefined, hourMs))
  const long = (shape: LongRun['shape'], count: number): Promise<LongResumed> =>
    leaveAndResume({ kind, places, name: freshName('long'), shape, count })
  const resumed = await part('long', 'an execution of many steps, and a batch of many items', async () => ({
    steps: await long('steps', size / parts.steps),
    items: await long('items', size / parts.items),
  }))
  const heap = await part('heap', 'the heap', async () => {
    await using runner = new BenchChild('scale-child.ts', ['--expose-gc'])
    // Awaited here, while the process is still there.
    return await runner.ask<HeapOverTime>('heap', { kind, places, name: freshName('heap'), count: size }, hourMs)
  })
  return { store, fillSeconds, costs, list, purge, ...taken, ...resumed, heap }
}

async function leaveAndResume(run: LongRun): Promise<LongResumed> {
  await using owner = new BenchChild('scale-child.ts')
  await owner.ask('leaveLong', run, hourMs)
  await owner.kill()
  // The lease of the one that was killed.
  await sleep(5_500)
  await using heir = new BenchChild('scale-child.ts', ['--expose-gc'])
  // Awaited here, while the process is still there.
  return await heir.ask<LongResumed>('resumeLong', run, hourMs)
}

function resultOf(all: readonly OnStore[], size: number): Result {
  const [steps, items] = [grouped(size / parts.steps), grouped(size / parts.items)]
  const costs = all.flatMap(({ store, costs: of }) =>
    (of ?? []).map(({ measure, small: little, large }) => {
      const [one, other] = [little, large].map(({ ms }) => ({ name: measure, msPerRun: ms }))
      return {
        name: `${store}: ${measure}`,
        little: spreadOf(little.ms),
        much: spreadOf(large.ms),
        ratio: ratioOf(other!, one!),
        computed: large.cpuMs / little.cpuMs,
      }
    }),
  )
  const figures: Record<string, number> = {}
  for (const { store, ...one } of all) {
    for (const what of ['list', 'purge', 'takeOver', 'workOff'] as const) {
      const measured = one[what]
      if (measured === undefined) continue
      figures[`${store}: ${what}, a second`] = perSecond(measured)
      figures[`${store}: ${what}, stall in ms`] = measured.stall.wallMs
      if (what === 'list') figures[`${store}: list, ms for 1,000`] = (measured.ms / measured.count) * 1_000
    }
    for (const what of ['steps', 'items'] as const) {
      const resumed = one[what]
      if (resumed === undefined) continue
      figures[`${store}: ${what}, s`] = resumed.ms / 1_000
      figures[`${store}: ${what}, stall in ms`] = resumed.stall.wallMs
      figures[`${store}: ${what}, MB`] = resumed.peakMb
    }
    if (one.heap !== undefined) figures[`${store}: heap, MB`] = one.heap.lateMb - one.heap.earlyMb
  }
  return {
    name: scale.name,
    title: `${scale.title}: ${grouped(size)} executions that have ended and ${grouped(unfinishedIn(size))} that have not`,
    series: [],
    measures: {
      growth: costs.map(({ name, ratio }) => ({
        name,
        msPerRun: [ratio.low, ratio.median, ratio.high],
      })),
    },
    figures,
    tables: tablesWithRows([
      [
        ['one of it', `with ${grouped(small)}`, 'middle half', 'with all', 'middle half', 'ratio', '', 'computed'],
        ...costs.map(({ name, little, much, ratio, computed }) => [
          name,
          duration(little.median),
          rangeOf(little),
          duration(much.median),
          rangeOf(much),
          factor(ratio.median),
          `${factor(ratio.low)} – ${factor(ratio.high)}`,
          factor(computed),
        ]),
      ],
      [
        [
          'all of it',
          'how many',
          'time',
          'a second',
          'longest stall',
          'of it computed',
          'this thread',
          'server',
          'a second of both',
        ],
        ...all.flatMap(({ store, list, purge, takeOver, end, workOff }) =>
          Object.entries({
            'list, pages of 1,000': list,
            purge: purge,
            'take over, until all run': takeOver,
            'then until all have ended': end,
            'work off with 100 slots': workOff,
          }).flatMap(([what, measured]) =>
            measured === undefined ? [] : [throughputRow(`${store}: ${what}`, measured)],
          ),
        ),
      ],
      [
        ['resumed from its records', 'time', 'longest stall', 'of it computed', 'heap, at most'],
        ...all.flatMap(({ store, ...of }) =>
          (['steps', 'items'] as const).flatMap((shape) => {
            const resumed = of[shape]
            if (resumed === undefined) return []
            const what = shape === 'steps' ? `an execution of ${steps} steps` : `a batch of ${items} items`
            const { wallMs, cpuMs } = resumed.stall
            const stall = [`${wallMs.toFixed(0)} ms`, `${cpuMs.toFixed(0)} ms`]
            return [[`${store}: ${what}`, duration(resumed.ms), ...stall, `+ ${resumed.peakMb.toFixed(0)} MB`]]
          }),
        ),
      ],
      [
        ['heap while executions go by', 'how many', 'a second', 'alive after a tenth', 'alive after all', 'at most'],
        ...all.flatMap(({ store, heap }) => {
          if (heap === undefined) return []
          const { count, ms, earlyMb, lateMb, peakMb } = heap
          const sizes = [earlyMb, lateMb, peakMb].map((mb) => `${mb.toFixed(1)} MB`)
          return [[store, grouped(count), grouped((count / ms) * 1_000), ...sizes]]
        }),
      ],
    ]),
    notes: [
      'half of what has not ended belongs to ten processes that live, the other half to nobody, of a graph that no process here knows',
      'ratio: by the clock, round by round, and its middle half; computed: the same of the processor time of Docket’s thread and the server together',
      'a stall: how long the event loop stood still, looked at every 2 ms; computed: the part of it in which this thread computed itself',
      'take over: slots for all; work off: the default of 100 slots, from createDocket until the last one has ended',
      'this thread, server: processor time of the main thread, and of the database server; of both: of their sum, which a busy machine leaves as it is',
      ...all.map(({ store, fillSeconds }) => `${store} was filled in ${fillSeconds.toFixed(0)} s`),
    ],
  }
}

/** Without those of parts that were not wanted. */
function tablesWithRows(tables: readonly TableRows[]): readonly TableRows[] {
  return tables.filter(({ length }) => length > 1)
}

function throughputRow(what: string, { count, ms, stall }: Measured): readonly string[] {
  const { wallMs, cpuMs, totalCpuMs, serverCpuMs } = stall
  return [
    what,
    grouped(count),
    duration(ms),
    grouped((count / ms) * 1_000),
    `${wallMs.toFixed(0)} ms`,
    `${cpuMs.toFixed(0)} ms`,
    duration(totalCpuMs),
    duration(serverCpuMs),
    grouped((count / (totalCpuMs + serverCpuMs)) * 1_000),
  ]
}

function perSecond({ count, ms }: Measured): number {
  return (count / ms) * 1_000
}

function rangeOf({ low, high }: Spread): string {
  return `${duration(low)} – ${duration(high)}`
}
