import { BenchChild } from '../durable/bench-child.ts'
import type { Places } from '../durable/engine.ts'
import type { CachedTimes } from '../durable/shared-results.ts'
import { ratioOf, spreadOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration, factor } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

const stores = [
  ['Redis', 'redis'],
  ['PostgreSQL', 'postgres'],
] as const
const processCount = 4
const requestCount = 200

/** Results that all executions share: made, found, and asked for by many at once before they are there. */
export const durableCache: Workload = {
  name: 'durable-cache',
  title: 'global results of 1 KB in a store',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const rows: string[][] = [
      ['', 'made', 'found', 'raw read', 'found, 100 in flight', 'raw read, 100 in flight', '× raw, 100 in flight'],
    ]
    const measures: Record<string, Series[]> = {
      'found, 100 in flight': [],
      'raw read, 100 in flight': [],
      made: [],
      found: [],
    }
    const notes: string[] = []
    const figures: Record<string, number> = {}
    for (const [store, kind] of stores) {
      await using child = new BenchChild('durable-docket-child.ts')
      const times = await child.ask<CachedTimes>('cached', { kind, places, rounds: isQuick ? 3 : 9 }, 120_000)
      const series = (msPerRun: readonly number[]): Series => ({ name: store, msPerRun })
      const hit = series(times.hit100)
      const raw = series(times.raw100)
      measures['found, 100 in flight']!.push(hit)
      measures['raw read, 100 in flight']!.push(raw)
      measures['made']!.push(series(times.missAlone))
      measures['found']!.push(series(times.hitAlone))
      const { median, low, high } = ratioOf(hit, raw)
      rows.push([
        store,
        ...[times.missAlone, times.hitAlone, times.rawAlone, times.hit100, times.raw100].map(middleOf),
        `${factor(median)} (${factor(low)} – ${factor(high)})`,
      ])
      const runs = await askColdly(kind, places, isQuick ? 2 : 10)
      figures[`runs on ${store}`] = Math.max(...runs)
      notes.push(
        `${requestCount} equal requests from ${processCount} processes, not made before, on ${store}: it ran ${[...new Set(runs)].toSorted().join(' or ')} time(s), in ${runs.length} tries`,
      )
    }
    notes.push(
      'made and found: one at a time, the whole execution; raw read: GET, or a prepared select, of the same bytes',
    )
    return { name: durableCache.name, title: durableCache.title, series: [], measures, tables: [rows], notes, figures }
  },
}

function middleOf(values: readonly number[]): string {
  return duration(spreadOf(values).median)
}

/** Many processes ask for the same at the same time; tells how often it was made in all, for each try. */
async function askColdly(kind: 'postgres' | 'redis', places: Places, tries: number): Promise<number[]> {
  await using stack = new AsyncDisposableStack()
  const children = Array.from({ length: processCount }, () => stack.use(new BenchChild('durable-docket-child.ts')))
  await children[0]!.ask('openCold', { kind, places })
  await Promise.all(children.slice(1).map((child) => child.ask('openCold', { kind, places })))
  const runs: number[] = []
  for (let question = 0; question < tries; question++) {
    const counts = await Promise.all(
      children.map((child) =>
        child.ask<number>('askCold', { question: `cold ${question}`, times: requestCount / processCount }),
      ),
    )
    runs.push(counts.reduce((sum, count) => sum + count, 0))
  }
  return runs
}
