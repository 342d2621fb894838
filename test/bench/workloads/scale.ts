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
import type { Result, Workload } from './workload.ts'

/** The stores that can be named, and what they are called in tables. */
export const scaleStores = { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MariaDB', redis: 'Redis' } as const
type ScaleStore = keyof typeof scaleStores

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
  readonly costs: readonly Cost[]
  readonly list: Measured
  readonly purge: Measured
  readonly takeOver: Measured
  readonly end: Measured
  readonly workOff: Measured
  readonly steps: LongResumed
  readonly items: LongResumed
  readonly heap: HeapOverTime
}

/** A store that holds very much against one that holds little, and how fast very much is gone through. */
export const scale: Workload = {
  name: 'scale',
  title: 'a store that holds much',
  measure: async (_, { isQuick, servers, size = isQuick ? quickSize : fullSize, stores }): Promise<Result> => {
    const kinds = (stores ?? Object.keys(scaleStores)) as readonly ScaleStore[]
    const places = await servers.places(...kinds.filter((kind) => kind !== 'sqlite'))
    const all: OnStore[] = []
    for (const kind of kinds) all.push(await measureStore(kind, places, size, isQuick ? 3 : 11))
    return resultOf(all, size)
  },
}

async function measureStore(kind: ScaleStore, places: Places, size: number, rounds: number): Promise<OnStore> {
  const store = scaleStores[kind]
  const say = (what: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${store}: ${what}`)
  const takenOver = { count: size / parts.takenOver }
  say(`a store with ${grouped(size)} executions that have ended, and one with ${grouped(small)}`)
  await using child = new BenchChild('scale-child.ts')
  const since = performance.now()
  await child.ask('fill', { kind, places, small, large: size }, hourMs)
  const fillSeconds = (performance.now() - since) / 1_000
  say(`filled in ${fillSeconds.toFixed(0)} s; one against the other`)
  const costs = await child.ask<readonly Cost[]>('costs', { rounds }, hourMs)
  say('list')
  const list = await child.ask<Measured>('list', undefined, hourMs)
  say(`taking over ${grouped(takenOver.count)}`)
  const { takeOver, end } = await child.ask<{ takeOver: Measured; end: Measured }>('takeOver', takenOver, hourMs)
  const workOff = await child.ask<Measured>('workOff', takenOver, hourMs)
  say('purge')
  const purge = await child.ask<Measured>('purge', undefined, hourMs)
  say('an execution of many steps')
  const steps = await leaveAndResume({
    kind,
    places,
    name: freshName('long'),
    shape: 'steps',
    count: size / parts.steps,
  })
  say('a batch of many items')
  const items = await leaveAndResume({
    kind,
    places,
    name: freshName('long'),
    shape: 'items',
    count: size / parts.items,
  })
  say('the heap')
  await using runner = new BenchChild('scale-child.ts', ['--expose-gc'])
  const heap = await runner.ask<HeapOverTime>('heap', { kind, places, name: freshName('heap'), count: size }, hourMs)
  return { store, fillSeconds, costs, list, purge, takeOver, end, workOff, steps, items, heap }
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
    of.map(({ measure, small: little, large }) => {
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
      figures[`${store}: ${what}, a second`] = perSecond(one[what])
      figures[`${store}: ${what}, stall in ms`] = one[what].stall.wallMs
    }
    figures[`${store}: list, ms for 1,000`] = (one.list.ms / one.list.count) * 1_000
    for (const what of ['steps', 'items'] as const) {
      figures[`${store}: ${what}, s`] = one[what].ms / 1_000
      figures[`${store}: ${what}, stall in ms`] = one[what].stall.wallMs
      figures[`${store}: ${what}, MB`] = one[what].peakMb
    }
    figures[`${store}: heap, MB`] = one.heap.lateMb - one.heap.earlyMb
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
    tables: [
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
          }).map(([what, { count, ms, stall }]) => [
            `${store}: ${what}`,
            grouped(count),
            duration(ms),
            grouped((count / ms) * 1_000),
            `${stall.wallMs.toFixed(0)} ms`,
            `${stall.cpuMs.toFixed(0)} ms`,
            duration(stall.totalCpuMs),
            duration(stall.serverCpuMs),
            grouped((count / (stall.totalCpuMs + stall.serverCpuMs)) * 1_000),
          ]),
        ),
      ],
      [
        ['resumed from its records', 'time', 'longest stall', 'of it computed', 'heap, at most'],
        ...all.flatMap(({ store, ...of }) =>
          (['steps', 'items'] as const).map((shape) => [
            `${store}: ${shape === 'steps' ? `an execution of ${steps} steps` : `a batch of ${items} items`}`,
            duration(of[shape].ms),
            `${of[shape].stall.wallMs.toFixed(0)} ms`,
            `${of[shape].stall.cpuMs.toFixed(0)} ms`,
            `+ ${of[shape].peakMb.toFixed(0)} MB`,
          ]),
        ),
      ],
      [
        ['heap while executions go by', 'how many', 'a second', 'alive after a tenth', 'alive after all', 'at most'],
        ...all.map(({ store, heap: { count, ms, earlyMb, lateMb, peakMb } }) => [
          store,
          grouped(count),
          grouped((count / ms) * 1_000),
          `${earlyMb.toFixed(1)} MB`,
          `${lateMb.toFixed(1)} MB`,
          `${peakMb.toFixed(1)} MB`,
        ]),
      ],
    ],
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

function perSecond({ count, ms }: Measured): number {
  return (count / ms) * 1_000
}

function rangeOf({ low, high }: Spread): string {
  return `${duration(low)} – ${duration(high)}`
}
