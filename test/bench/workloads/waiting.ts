import { setTimeout as sleep } from 'node:timers/promises'
import { loadavg } from 'node:os'
import { execute, dataType, graph, race as raceOf, step, type } from '../../../src/index.ts'
import { BenchChild } from '../durable/bench-child.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { quantileOf, race } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration, grouped } from '../table-text.ts'
import type { ParkedHeap } from '../waiting/parked.ts'
import type { WaitingContender } from '../waiting/waiting-engine.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import type { Result, Workload } from './workload.ts'

/** What is measured of each contender, by the names that the targets use. */
export const waitingMeasures = {
  own: 'signal from its own process',
  other: 'signal from another process',
  child: 'child started and joined',
  heap: 'heap over start, MB',
  startUp: 'start-up',
  broadcast: 'an emit until the last of them begins',
} as const

const script = 'waiting-child.ts'
const live: readonly WaitingContender[] = [
  'Docket on PostgreSQL',
  'Docket on Redis',
  'Docket on SQLite',
  'Docket on MariaDB',
  'DBOS',
  'Restate',
  'openworkflow',
]
const parked: readonly WaitingContender[] = ['Docket on PostgreSQL, parked', 'Docket on Redis, parked']

/** A contender in a process of its own, with another process beside it that sends. */
class Pair implements AsyncDisposable {
  readonly engine = new BenchChild(script)
  readonly sender = new BenchChild(script)
  #keys = 0

  static async of(contender: WaitingContender, places: Places): Promise<Pair> {
    const pair = new Pair()
    const which = { contender, places, name: freshName('waiting') }
    try {
      // Whoever comes first makes the tables.
      await pair.engine.ask('open', which, 120_000)
      await pair.sender.ask('openSender', which, 120_000)
      return pair
    } catch (error) {
      // Its processes would keep this one.
      await pair[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Milliseconds from the sending of a signal until the step begins that it was waited for. */
  async signal(from: BenchChild): Promise<number> {
    const key = `${process.pid}-${++this.#keys}`
    const address = await this.engine.ask<string>('wait', key)
    // It waits by then, and at no certain moment of anybody's looks.
    await sleep(50 + Math.random() * 100)
    const [begun, sent] = await Promise.all([
      this.engine.ask<number>('begunAt', key),
      from.ask<number>('send', address),
    ])
    return begun - sent
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.engine.ask('close', undefined, 10_000), this.sender.ask('close', undefined, 10_000)])
    await Promise.all([this.engine[Symbol.asyncDispose](), this.sender[Symbol.asyncDispose]()])
  }
}

/**
 * Measures each contender in turn, several rounds, alone: some of them look into their database all the time. Whoever can't be run leaves the others
 * comparable.
 */
async function inTurn(
  names: readonly WaitingContender[],
  rounds: number,
  places: Places,
  act: (pair: Pair, name: WaitingContender) => Promise<void>,
): Promise<string[]> {
  const leftOut = new Map<WaitingContender, string>()
  for (let round = 0; round < rounds; round++)
    for (const name of names) {
      if (leftOut.has(name)) continue
      try {
        await using pair = await Pair.of(name, places)
        await act(pair, name)
      } catch (error) {
        leftOut.set(name, `${name} is left out: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  return [...leftOut.values()]
}

/** All values of the rounds, with a row for each contender. */
class Found {
  readonly #series = new Map<string, number[]>()

  add(name: string, value: number): void {
    this.#series.set(name, [...(this.#series.get(name) ?? []), value])
  }

  series(): Series[] {
    return [...this.#series].map(([name, msPerRun]) => ({ name, msPerRun }))
  }
}

function quantiles(name: string, { msPerRun }: Series): string[] {
  return [name, ...[0.5, 0.9, 0.99].map((share) => duration(quantileOf(msPerRun, share))), String(msPerRun.length)]
}

function loadNote(): string {
  return `load of the machine when it ended: ${loadavg()[0]!.toFixed(1)}`
}

const waitingSignals: Workload = {
  name: 'waiting-signals',
  title: 'from the sending of a signal until the step begins that waited for it; a child started and joined',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis', 'mysql')
    const own = new Found()
    const other = new Found()
    const children = new Found()
    // Those that look now and then take minutes for so many, and on a busy machine all do: fewer say the same.
    const [warmUps, each, limitMs] = isQuick ? [4, 8, 4_000] : [6, 40, 6_000]
    const leftOut = await inTurn([...live, ...parked], isQuick ? 1 : 3, places, async (pair, name) => {
      let until = Infinity
      for (let count = -warmUps; count < each && performance.now() < until; count++) {
        if (count === 0) until = performance.now() + limitMs
        const fromOwn = await pair.signal(pair.engine)
        const fromOther = await pair.signal(pair.sender)
        const child = await pair.engine.ask<number>('child')
        if (count < 0) continue
        own.add(name, fromOwn)
        other.add(name, fromOther)
        children.add(name, child)
      }
    })
    const measures = {
      [waitingMeasures.own]: own.series(),
      [waitingMeasures.other]: other.series(),
      [waitingMeasures.child]: children.series().filter(({ name }) => !name.endsWith('parked')),
    }
    return {
      name: waitingSignals.name,
      title: waitingSignals.title,
      series: [],
      measures,
      tables: Object.entries(measures).map(([measure, all]) => [
        [measure, 'p50', 'p90', 'p99', 'how many'],
        ...all.map((series) => quantiles(series.name, series)),
      ]),
      notes: [
        ...leftOut,
        'DBOS: send, recv, startWorkflow and getResult; Restate: awakeables and calls of a service; openworkflow: signals and workflows of workflows, with looks every 5 ms',
        'the next step, and the only one of the child, are persisted by all of them',
        'parked: nobody has it, and its row alone is there; another process finds the execution by its id first',
        loadNote(),
      ],
    }
  },
}

const sleepers: readonly (readonly [WaitingContender, number])[] = [
  ['Docket on PostgreSQL, parked', 10_000],
  ['Docket on Redis, parked', 10_000],
  ['DBOS', 2_000],
  ['Restate', 2_000],
]

const waitingTimers: Workload = {
  name: 'waiting-timers',
  title: 'timers that are due at the same moment: how late the step after each of them begins',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis', 'mysql')
    const figures: Record<string, number> = {}
    const rows: string[][] = [['', 'timers', 'p50', 'p99', 'the last']]
    const notes: string[] = []
    for (const [contender, all] of sleepers) {
      const count = isQuick ? all / 10 : all
      try {
        await using engine = new BenchChild(script)
        await engine.ask('open', { contender, places, name: freshName('timers') }, 120_000)
        const late = await sleepAndWake(engine, count, isQuick)
        figures[`${contender}: last, s`] = Math.max(...late) / 1_000
        const cells = [0.5, 0.99, 1].map((share) => duration(quantileOf(late, share)))
        rows.push([contender, grouped(count), ...cells])
        if (Math.min(...late) < 0) notes.push(`${contender} was early by ${duration(-Math.min(...late))}`)
      } catch (error) {
        notes.push(`${contender} is left out: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return {
      name: waitingTimers.name,
      title: waitingTimers.title,
      series: [],
      tables: [rows],
      figures,
      notes: [
        ...notes,
        'all of Docket’s are parked, and one process with its default of 100 slots wakes them',
        loadNote(),
      ],
    }
  },
}

/** They must all sleep before the time comes; where they don't, there is more time. */
async function sleepAndWake(engine: BenchChild, count: number, isQuick: boolean): Promise<readonly number[]> {
  const aheadMs = isQuick ? 10_000 : 60_000
  const until = Date.now() + aheadMs
  const ready = await engine.ask<number>('sleep', { count, until }, aheadMs * 3)
  if (ready > until - 500) throw new Error(`they did not all sleep within ${aheadMs} ms`)
  return engine.ask<number[]>('late', undefined, aheadMs + 180_000)
}

const parkingStores: readonly (readonly [string, StoreKind])[] = [
  ['PostgreSQL', 'postgres'],
  ['Redis', 'redis'],
  ['SQLite', 'sqlite'],
]

const waitingParked: Workload = {
  name: 'waiting-parked',
  title: 'parked executions: what they leave in the heap of the process that parked them, and the start-up of others',
  measure: async (_, { isQuick, servers, size, stores }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const [small, large] = [1_000, size ?? (isQuick ? 5_000 : 100_000)]
    const chosen = parkingStores.filter(([, kind]) => stores?.includes(kind) ?? true)
    if (chosen.length === 0)
      throw new Error(`--stores: it is measured on ${parkingStores.map(([, kind]) => kind).join(', ')}`)
    const heaps: Series[] = []
    const startUps: Series[] = []
    const rows: string[][] = [['', 'parked', 'in', 'heap before', 'heap over it', `start-up with ${small}`, 'with all']]
    for (const [store, kind] of chosen) {
      const names = [freshName('few'), freshName('many')]
      await using child = new BenchChild(script, ['--expose-gc'])
      const on = { kind, places }
      await child.ask('fillParked', { ...on, name: names[0], count: small }, 120_000)
      const heap = await child.ask<ParkedHeap>('parkedHeap', { ...on, name: names[1], count: large }, 900_000)
      await using fresh = new BenchChild(script)
      const [few, many] = await fresh.ask<number[][]>('startUps', { ...on, names, rounds: isQuick ? 4 : 30 }, 300_000)
      heaps.push({ name: store, msPerRun: [heap.grownMb] })
      startUps.push({ name: `${store}, few`, msPerRun: few! }, { name: store, msPerRun: many! })
      rows.push([
        store,
        grouped(large),
        `${heap.seconds.toFixed(0)} s`,
        `${heap.startMb.toFixed(1)} MB`,
        `${heap.grownMb.toFixed(1)} MB`,
        duration(quantileOf(few!, 0.5)),
        duration(quantileOf(many!, 0.5)),
      ])
    }
    return {
      name: waitingParked.name,
      title: waitingParked.title,
      series: [],
      measures: { [waitingMeasures.heap]: heaps, [waitingMeasures.startUp]: startUps },
      tables: [rows],
      notes: [
        'start-up: from createDocket until a first execution has ended and a look has found no other work; in turn over both stores',
        loadNote(),
      ],
    }
  },
}

const waitingEvents: Workload = {
  name: 'waiting-events',
  title: 'an event that 1,000 parked executions wait for: from the emit until the next step of each begins',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const last: Series[] = []
    const rows: string[][] = [['', 'p50', 'p99', 'the last']]
    for (const [name, kind] of parkingStores) {
      await using child = new BenchChild(script)
      const rounds: number[][] = []
      for (let round = 0; round < (isQuick ? 1 : 5); round++)
        rounds.push(await child.ask<number[]>('broadcast', { kind, places, count: 1_000 }, 120_000))
      last.push({ name, msPerRun: rounds.map((waits) => Math.max(...waits)) })
      rows.push([name, ...[0.5, 0.99, 1].map((share) => duration(quantileOf(rounds.flat(), share)))])
    }
    return {
      name: waitingEvents.name,
      title: waitingEvents.title,
      series: [],
      measures: { [waitingMeasures.broadcast]: last },
      tables: [rows],
      notes: ['one process, with its default of 100 slots, wakes them', loadNote()],
    }
  },
}

const waitingRace: Workload = {
  name: 'waiting-race',
  title: 'the first of two async functions, of which the other is aborted',
  measure: async (effort): Promise<Result> => {
    const { declared, Winner } = raceGraph()
    const series = await race(
      [
        { name: 'Promise.any', run: byHand },
        { name: 'execute', run: () => execute(declared, Winner, {}) },
      ],
      effort,
    )
    return {
      name: waitingRace.name,
      title: waitingRace.title,
      series,
      base: 'Promise.any',
      notes: ['one function returns at once, the other when it is aborted', loadNote()],
    }
  },
}

async function fast(): Promise<string> {
  return 'fast'
}

/** As a call that listens to its signal does. */
function slow(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function byHand(): Promise<string> {
  const controllers = [new AbortController(), new AbortController()]
  const run = async (place: number, call: (signal: AbortSignal) => Promise<string>) => ({
    place,
    value: await call(controllers[place]!.signal),
  })
  const { place, value } = await Promise.any([run(0, fast), run(1, slow)])
  for (const [other, controller] of controllers.entries()) if (other !== place) controller.abort(new Error('lost'))
  return value
}

function raceGraph() {
  const Fast = dataType('Fast', type<string>())
  const Slow = dataType('Slow', type<string>())
  const Winner = dataType('Winner', type<string>())
  const declared = graph({
    name: 'first',
    steps: [
      step({ name: 'fast', inputs: {}, output: Fast, run: fast }),
      step({ name: 'slow', inputs: {}, output: Slow, run: (_, { signal }) => slow(signal) }),
      raceOf({ name: 'either', inputs: { fast: Fast, slow: Slow }, output: Winner }),
    ],
  })
  return { declared, Winner }
}

export const waiting: readonly Workload[] = [waitingSignals, waitingTimers, waitingParked, waitingEvents, waitingRace]
