import { graphName, idOf, livingOwner } from './fixtures.ts'
import type { Store } from '../../../src/core/contracts/store.ts'
import type { Filled } from './filled.ts'
import { serverCpuMs } from './server-cpu.ts'

/** What a measure is about, in the store that holds little and in the one that holds much. */
export interface Cost {
  readonly measure: string
  readonly small: CostIn
  readonly large: CostIn
}

interface CostIn {
  /** Milliseconds for one, by round. */
  readonly ms: number[]
  /** What this thread and the database servers have computed for it in all rounds together. */
  cpuMs: number
}

export interface Took {
  readonly ms: number
  readonly cpuMs: number
}

const atOnce = 100
const pageSize = 500
const longAgo = Date.UTC(2001, 0, 1)

export interface Measure<Place> {
  readonly name: string
  /** Does it, and gives the milliseconds for one of it: what is not to be measured is done before and after. */
  readonly run: (place: Place, owner: string, round: number) => Promise<Took>
}

export async function timed(times: number, act: () => Promise<unknown>): Promise<Took> {
  const served = serverCpuMs()
  const used = process.threadCpuUsage()
  const start = performance.now()
  for (let time = 0; time < times; time++) await act()
  const ms = performance.now() - start
  const { user, system } = process.threadCpuUsage(used)
  return { ms: ms / times, cpuMs: (user + system) / 1_000 + serverCpuMs() - served }
}

const measures: readonly Measure<Filled>[] = [
  {
    name: 'start, until it has ended',
    run: ({ docket, graph: { graph, target, inputs } }) => timed(20, () => docket.execute(graph, target, inputs)),
  },
  {
    name: 'a look that finds no work',
    run: ({ store }, owner) =>
      timed(20, () => store.acquire({ owner, graphs: [graphName], except: [], ranges: new Map(), limit: atOnce })),
  },
  {
    name: `acquire ${atOnce}`,
    run: async (filled, owner, round) => {
      const filling = { prefix: `acquired${round}`, count: atOnce, from: Date.now(), owner: null }
      await filled.add(filling)
      const took = await timed(1, async () => {
        const found = await filled.store.acquire({ owner, graphs: [graphName], limit: atOnce })
        if (found.length !== atOnce) throw new Error(`acquired ${found.length} of ${atOnce}`)
      })
      await filled.remove(filling, owner)
      return took
    },
  },
  {
    name: `resume ${atOnce}, until they have ended`,
    run: async (filled, owner, round) => {
      const filling = { prefix: `resumed${round}`, count: atOnce, from: Date.now(), owner: null }
      await filled.add(filling)
      const { promise: haveEnded, resolve: allEnded } = Promise.withResolvers<void>()
      let ended = 0
      filled.steps.onEnd = () => {
        if (++ended === atOnce) allEnded()
      }
      const took = await timed(1, async () => {
        await filled.docket.resume()
        await haveEnded
      })
      filled.steps.onEnd = () => {}
      // Their last commits are not what is measured, and must be through before they are taken away.
      for (let place = 0; place < atOnce; place++)
        await (await filled.docket.get(idOf(filling.prefix, place)))?.result()
      await filled.remove(filling, owner)
      return took
    },
  },
  { name: 'the first page of 100', run: ({ docket }) => timed(5, () => docket.list()) },
  {
    name: 'the first page of 40 that run',
    run: ({ docket }) => timed(5, () => docket.list({ status: 'running', graph: graphName, limit: 40 })),
  },
  {
    name: `a page of ${pageSize} in the middle`,
    run: ({ docket, middle }) => timed(1, () => docket.list({ before: middle, limit: pageSize })),
  },
  {
    name: `purge ${atOnce} old ones`,
    run: async (filled, _, round) => {
      await filled.add({ prefix: `old${round}`, count: atOnce, from: longAgo })
      return timed(1, async () => {
        const count = await filled.docket.purge({ olderThan: Date.now() - Date.UTC(2002, 0, 1) })
        if (count !== atOnce) throw new Error(`purged ${count} of ${atOnce}`)
      })
    },
  },
]

export function compareCosts(small: Filled, large: Filled, rounds: number): Promise<readonly Cost[]> {
  return compare(measures, small, large, rounds)
}

/** Does everything in turn in the two stores, round by round, so that what disturbs the machine disturbs both. */
export async function compare<Place extends { readonly store: Store }>(
  measures: readonly Measure<Place>[],
  small: Place,
  large: Place,
  rounds: number,
): Promise<readonly Cost[]> {
  const costs = measures.map(({ name }): Cost => ({
    measure: name,
    small: { ms: [], cpuMs: 0 },
    large: { ms: [], cpuMs: 0 },
  }))
  const owner = 'the one that measures'
  for (const filled of [small, large]) await livingOwner(filled.store, owner)
  // The first round is for the compiler, and for plans and pages that nobody has needed yet.
  for (let round = -1; round < rounds; round++)
    for (const [place, { run }] of measures.entries()) {
      const pair = round % 2 === 0 ? ([small, large] as const) : ([large, small] as const)
      for (const filled of pair) {
        const { ms, cpuMs } = await run(filled, owner, round + 1)
        if (round < 0) continue
        const cost = costs[place]![filled === small ? 'small' : 'large']
        cost.ms.push(ms)
        cost.cpuMs += cpuMs
      }
    }
  return costs
}
