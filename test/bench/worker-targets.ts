import { quantileOf } from './measure.ts'
import type { Target } from './target.ts'
import { scheduleMeasures } from './workloads/worker-schedules.ts'

/** What the project promised of many workers. */
export const workerTargets: readonly Target[] = ['PostgreSQL', 'Redis', 'SQLite'].map((store): Target => ({
  workload: 'worker-schedules',
  measure: `${store}: ${scheduleMeasures.spread}, p99`,
  must: 1_000,
  goal: 200,
  unit: 'ms',
  got: (results) => {
    const all = results.get('worker-schedules')?.measures?.[scheduleMeasures.spread]
    const series = all?.find(({ name }) => name === store)
    if (series === undefined) return undefined
    const p99 = quantileOf(series.msPerRun, 0.99)
    return { median: p99, low: p99, high: p99 }
  },
}))
