import { quantileOf, ratioOf } from './measure.ts'
import { worstGrowth } from './scale-targets.ts'
import type { Target } from './target.ts'
import { scaleStores } from './workloads/scale.ts'
import { scheduleMeasures } from './workloads/worker-schedules.ts'
import { startMeasure } from './workloads/worker-start.ts'
import { tripMeasures } from './workloads/worker-trips.ts'
import { throughputMeasures } from './workloads/worker-throughput.ts'
import type { Result } from './workloads/workload.ts'

const scheduleTargets: readonly Target[] = ['PostgreSQL', 'Redis', 'SQLite'].map((store): Target => ({
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

function seriesOf(results: ReadonlyMap<string, Result>, workload: string, measure: string, name: string) {
  return results.get(workload)?.measures?.[measure]?.find((series) => series.name === name)
}

/** How many times as much one does in the same time. */
function rateRatio(measure: string, name: string, others: readonly string[]): Target['got'] {
  return (results) => {
    const ours = seriesOf(results, 'worker-throughput', measure, name)
    const theirs = others.flatMap((other) => seriesOf(results, 'worker-throughput', measure, other) ?? [])
    if (ours === undefined || theirs.length === 0) return undefined
    const fastest = theirs.toSorted((one, other) => Math.min(...one.msPerRun) - Math.min(...other.msPerRun))[0]!
    return ratioOf(fastest, ours)
  }
}

function quantileAt(workload: string, measure: string, name: string, at: number): Target['got'] {
  return (results) => {
    const series = seriesOf(results, workload, measure, name)
    if (series === undefined) return undefined
    const ms = quantileOf(series.msPerRun, at)
    return { median: ms, low: ms, high: ms }
  }
}

const throughputTargets: readonly Target[] = [
  {
    workload: 'worker-throughput',
    measure: 'executions through BullMQ on Redis, × BullMQ alone with the same bytes',
    must: 0.6,
    goal: 0.9,
    isAtLeast: true,
    unit: 'ratio',
    got: rateRatio(throughputMeasures.one, 'Docket by BullMQ on Redis', [
      'BullMQ on Redis, with the same bytes beside',
    ]),
  },
  {
    workload: 'worker-throughput',
    measure: 'executions on PostgreSQL, × the best of DBOS, pg-boss, graphile-worker',
    must: 1,
    goal: 2,
    isAtLeast: true,
    unit: 'ratio',
    got: rateRatio(throughputMeasures.one, 'Docket on PostgreSQL', ['DBOS', 'pg-boss', 'graphile-worker']),
  },
  {
    workload: 'worker-throughput',
    measure: '4 workers, × 1, steps that wait 10 ms',
    must: 3.5,
    goal: 3.9,
    isAtLeast: true,
    unit: 'ratio',
    got: (results) => {
      const [one, four] = [1, 4].map((workers) =>
        seriesOf(results, 'worker-throughput', `${throughputMeasures.waits}, ${workers}`, 'Docket by BullMQ on Redis'),
      )
      return one === undefined || four === undefined ? undefined : ratioOf(one, four)
    },
  },
]

const startTargets: readonly Target[] = (
  [
    ['Docket by BullMQ on Redis', 0.5, 5, 2],
    ['Docket by BullMQ on Redis', 0.99, 50, 20],
    ['Docket on PostgreSQL', 0.5, 20, 5],
    ['Docket on PostgreSQL', 0.99, 100, 50],
  ] as const
).map(([name, at, must, goal]) => ({
  workload: 'worker-start',
  measure: `${name}: ${startMeasure}, p${at * 100}`,
  must,
  goal,
  unit: 'ms',
  got: quantileAt('worker-start', startMeasure, name, at),
}))

const tripTargets: readonly Target[] = ['Docket by BullMQ on Redis', 'Docket on PostgreSQL'].flatMap((name) =>
  (
    [
      [tripMeasures.trip, 0.5, 20, 5],
      // The lease, and a second.
      [tripMeasures.recovery, 0.99, 6_000, 1_000],
    ] as const
  ).map(([measure, at, must, goal]): Target => ({
    workload: 'worker-trips',
    measure: `${name}: ${measure}, p${at * 100}`,
    must,
    goal,
    unit: 'ms',
    got: quantileAt('worker-trips', measure, name, at),
  })),
)

/** The worst of what is compared on one store. */
const backlogTargets: readonly Target[] = Object.values(scaleStores).map((store) => ({
  workload: 'worker-backlog',
  measure: `${store}: the most that anything costs more with all that is ready`,
  must: 1.2,
  goal: 1.05,
  unit: 'ratio',
  isOptional: true,
  got: worstGrowth(store, 'worker-backlog'),
}))

/** What the project promised of many workers. */
export const workerTargets: readonly Target[] = [
  ...scheduleTargets,
  ...throughputTargets,
  ...startTargets,
  ...tripTargets,
  ...backlogTargets,
]
