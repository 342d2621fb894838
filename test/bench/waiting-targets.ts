import { quantileOf, ratioOf, spreadOf } from './measure.ts'
import type { Series, Spread } from './measure.ts'
import type { Target } from './target.ts'
import { waitingMeasures } from './workloads/waiting.ts'
import type { Result } from './workloads/workload.ts'

type Results = ReadonlyMap<string, Result>

const opponents = ['DBOS', 'Restate', 'openworkflow'] as const
const signals = 'waiting-signals'

function seriesOf(results: Results, workload: string, measure: string, name: string): Series | undefined {
  return results.get(workload)?.measures?.[measure]?.find((series) => series.name === name)
}

function p50(measure: string, name: string): Target['got'] {
  return (results) => {
    const series = seriesOf(results, signals, measure, name)
    return series && spreadOf(series.msPerRun)
  }
}

/** The median over that of the fastest of the others. */
function againstBest(measure: string, name: string): Target['got'] {
  return (results) => {
    const ours = seriesOf(results, signals, measure, name)
    const theirs = opponents
      .map((other) => seriesOf(results, signals, measure, other))
      .filter((one) => one !== undefined)
    if (ours === undefined || theirs.length === 0) return undefined
    const best = Math.min(...theirs.map(({ msPerRun }) => quantileOf(msPerRun, 0.5)))
    return spreadOf(ours.msPerRun.map((ms) => ms / best))
  }
}

function figure(workload: string, name: string): Target['got'] {
  return (results): Spread | undefined => {
    const value = results.get(workload)?.figures?.[name]
    return value === undefined ? undefined : { median: value, low: value, high: value }
  }
}

/** What the project promised of what waits. */
export const waitingTargets: readonly Target[] = [
  {
    workload: signals,
    measure: 'PostgreSQL: signal from the owner’s process, against the best of DBOS, Restate, openworkflow',
    must: 1 / 3,
    goal: undefined,
    unit: 'ratio',
    got: againstBest(waitingMeasures.own, 'Docket on PostgreSQL'),
  },
  {
    workload: signals,
    measure: 'PostgreSQL: signal from the owner’s process',
    must: undefined,
    goal: 5,
    unit: 'ms',
    got: p50(waitingMeasures.own, 'Docket on PostgreSQL'),
  },
  ...(['PostgreSQL', 'Redis'] as const).flatMap((store): readonly Target[] => [
    {
      workload: signals,
      measure: `${store}: signal from another process, live`,
      must: 10,
      goal: undefined,
      unit: 'ms',
      got: p50(waitingMeasures.other, `Docket on ${store}`),
    },
    {
      workload: signals,
      measure: `${store}: signal from another process, parked`,
      must: 20,
      goal: undefined,
      unit: 'ms',
      got: p50(waitingMeasures.other, `Docket on ${store}, parked`),
    },
    ...(['', ', parked'] as const).map((state): Target => ({
      workload: signals,
      measure: `${store}${state}: signal from another process, against the best of the others`,
      must: undefined,
      goal: 1 / 2,
      unit: 'ratio',
      got: againstBest(waitingMeasures.other, `Docket on ${store}${state}`),
    })),
  ]),
  {
    workload: signals,
    measure: 'PostgreSQL: child started and joined, against the best of the others',
    must: 1 / 2,
    goal: 1 / 5,
    unit: 'ratio',
    got: againstBest(waitingMeasures.child, 'Docket on PostgreSQL'),
  },
  ...(['PostgreSQL', 'Redis'] as const).map((store): Target => ({
    workload: 'waiting-timers',
    measure: `${store}: 10,000 timers due at once, the last one late by`,
    must: 5,
    goal: 2,
    unit: 's',
    got: figure('waiting-timers', `Docket on ${store}, parked: last, s`),
  })),
  ...(['PostgreSQL', 'Redis', 'SQLite'] as const).flatMap((store): readonly Target[] => [
    {
      workload: 'waiting-parked',
      measure: `${store}: 100,000 parked, heap over start`,
      must: 50,
      goal: 5,
      unit: 'MB',
      isOptional: true,
      got: (results) => {
        const series = seriesOf(results, 'waiting-parked', waitingMeasures.heap, store)
        return series && spreadOf(series.msPerRun)
      },
    },
    {
      workload: 'waiting-parked',
      measure: `${store}: start-up with 100,000 parked, against 1,000`,
      must: 1.1,
      goal: undefined,
      unit: 'ratio',
      isOptional: true,
      got: (results) => {
        const [few, many] = [`${store}, few`, store].map((name) =>
          seriesOf(results, 'waiting-parked', waitingMeasures.startUp, name),
        )
        return few === undefined || many === undefined ? undefined : ratioOf(many, few)
      },
    },
  ]),
  ...(['PostgreSQL', 'Redis', 'SQLite'] as const).map((store): Target => ({
    workload: 'waiting-events',
    measure: `${store}: an emit that wakes 1,000 parked executions, until the last one begins`,
    must: 2_000,
    goal: 500,
    unit: 'ms',
    got: (results) => {
      const series = seriesOf(results, 'waiting-events', waitingMeasures.broadcast, store)
      return series && spreadOf(series.msPerRun)
    },
  })),
  {
    workload: 'waiting-race',
    measure: 'race of two functions in execute, against Promise.any by hand',
    must: 5,
    goal: 2,
    unit: 'ratio',
    got: (results) => {
      const [hand, ours] = results.get('waiting-race')?.series ?? []
      return ours === undefined ? undefined : ratioOf(ours, hand!)
    },
  },
]
