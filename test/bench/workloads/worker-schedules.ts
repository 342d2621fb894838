import { loadavg } from 'node:os'
import { BenchChild } from '../durable/bench-child.ts'
import { freshName } from '../durable/engine.ts'
import { quantileOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { duration } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

/** What is measured of schedules, by the names that the targets use. */
export const scheduleMeasures = {
  spread: 'a schedule due until its step begins, 1,000 within a second',
  atOnce: 'a schedule due until its step begins, 1,000 at one moment',
} as const

const stores: Readonly<Record<string, StoreKind>> = { PostgreSQL: 'postgres', Redis: 'redis', SQLite: 'sqlite' }

/** How late the steps of schedules begin. */
export const workerSchedules: Workload = {
  name: 'worker-schedules',
  title: '1,000 schedules that are due within a second, or at one moment: how late their steps begin',
  measure: async (_, { isQuick, servers, stores: wanted }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const [rounds, count] = isQuick ? [1, 200] : [3, 1_000]
    const late: Record<string, Map<string, number[]>> = { spread: new Map(), atOnce: new Map() }
    for (let round = 0; round < rounds; round++)
      for (const [store, kind] of Object.entries(stores)) {
        if (wanted !== undefined && !wanted.includes(kind)) continue
        await using child = new BenchChild('worker-schedules-child.ts')
        await child.ask('open', { kind, places, name: freshName('schedules') }, 120_000)
        for (const [measure, withinMs] of [
          ['spread', 1_000],
          ['atOnce', 0],
        ] as const) {
          const times = await child.ask<number[]>('fire', { count, withinMs, prefix: measure }, 120_000)
          late[measure]!.set(store, [...(late[measure]!.get(store) ?? []), ...times])
        }
        await child.ask('close', undefined, 30_000).catch(() => {})
      }
    const measures = {
      [scheduleMeasures.spread]: seriesOf(late['spread']!),
      [scheduleMeasures.atOnce]: seriesOf(late['atOnce']!),
    }
    return {
      name: workerSchedules.name,
      title: workerSchedules.title,
      series: [],
      measures,
      tables: Object.entries(measures).map(([measure, all]) => [
        [measure, 'p50', 'p90', 'p99'],
        ...all.map(({ name, msPerRun }) => [name, ...[0.5, 0.9, 0.99].map((at) => duration(quantileOf(msPerRun, at)))]),
      ]),
      notes: [
        'one process with 100 slots; each schedule has one moment, and starts an execution of one step',
        `load of the machine when it ended: ${loadavg()[0]!.toFixed(1)}`,
      ],
    }
  },
}

function seriesOf(found: ReadonlyMap<string, number[]>): Series[] {
  return [...found].map(([name, msPerRun]) => ({ name, msPerRun }))
}
