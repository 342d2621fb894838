import { quantileOf, ratioOf, spreadOf } from './measure.ts'
import type { Series, Spread } from './measure.ts'
import type { Target } from './target.ts'
import { chainMeasures } from './workloads/durable-chain.ts'
import type { Result } from './workloads/workload.ts'

type Results = ReadonlyMap<string, Result>

function seriesOf(results: Results, workload: string, measure: string, name: string): Series | undefined {
  return results.get(workload)?.measures?.[measure]?.find((series) => series.name === name)
}

function fastestOf(results: Results, workload: string, measure: string, names: readonly string[]): Series | undefined {
  return names
    .map((name) => seriesOf(results, workload, measure, name))
    .filter((series) => series !== undefined)
    .toSorted((a, b) => spreadOf(a.msPerRun).median - spreadOf(b.msPerRun).median)[0]
}

/** How many times as fast as the fastest of the others. */
function speed(workload: string, ours: string, ...theirs: readonly string[]): Target['got'] {
  return (results) => {
    const own = seriesOf(results, workload, chainMeasures.many, ours)
    const other = fastestOf(results, workload, chainMeasures.many, theirs)
    return own === undefined || other === undefined ? undefined : ratioOf(other, own)
  }
}

/** How many times as long as the fastest of the others. */
function time(workload: string, measure: string, ours: string, ...theirs: readonly string[]): Target['got'] {
  return (results) => {
    const own = seriesOf(results, workload, measure, ours)
    const other = fastestOf(results, workload, measure, theirs)
    return own === undefined || other === undefined ? undefined : ratioOf(own, other)
  }
}

function spreadIn(workload: string, measure: string, name: string, unit = 1): Target['got'] {
  return (results) => {
    const series = seriesOf(results, workload, measure, name)
    return series && spreadOf(series.msPerRun.map((value) => value / unit))
  }
}

function p99In(workload: string, measure: string, name: string, unit: number): Target['got'] {
  return (results) => {
    const series = seriesOf(results, workload, measure, name)
    const value = series && quantileOf(series.msPerRun, 0.99) / unit
    return value === undefined ? undefined : { median: value, low: value, high: value }
  }
}

function figure(workload: string, name: string): Target['got'] {
  return (results) => {
    const value = results.get(workload)?.figures?.[name]
    return value === undefined ? undefined : { median: value, low: value, high: value }
  }
}

function unpersisted(shape: string): Target['got'] {
  return (results): Spread | undefined => {
    const series = results.get('durable-unpersisted')?.series ?? []
    const ours = series.find(({ name }) => name === `${shape}: docket.execute`)
    const plain = series.find(({ name }) => name === `${shape}: execute`)
    return ours === undefined || plain === undefined ? undefined : ratioOf(ours, plain)
  }
}

const ratio = { unit: 'ratio', isAtLeast: true } as const
const inPostgres = ['DBOS', 'openworkflow', 'Effect'] as const
const stores = ['PostgreSQL', 'Redis', 'SQLite, FULL'] as const

/** What the project promised of executions that are written down. */
export const durableTargets: readonly Target[] = [
  {
    workload: 'durable-pg',
    measure: 'PostgreSQL, 50 at once: speed against the best of DBOS, openworkflow, Effect',
    must: 2,
    goal: 5,
    ...ratio,
    got: speed('durable-pg', 'Docket on PostgreSQL', ...inPostgres),
  },
  {
    workload: 'durable-pg',
    measure: 'PostgreSQL, one at a time: p50 against the best of them',
    must: 1,
    goal: 0.5,
    unit: 'ratio',
    got: time('durable-pg', chainMeasures.p50, 'Docket on PostgreSQL', ...inPostgres),
  },
  {
    workload: 'durable-pg',
    measure: 'PostgreSQL, 50 at once: speed against Restate',
    must: undefined,
    goal: undefined,
    ...ratio,
    got: speed('durable-pg', 'Docket on PostgreSQL', 'Restate'),
  },
  {
    workload: 'durable-redis',
    measure: 'Redis, 50 at once: speed against raw pipelines',
    must: 0.5,
    goal: 0.8,
    ...ratio,
    got: speed('durable-redis', 'Docket on Redis', 'raw Redis'),
  },
  {
    workload: 'durable-redis',
    measure: 'Redis, 50 at once: speed against Restate',
    must: 2,
    goal: 5,
    ...ratio,
    got: speed('durable-redis', 'Docket on Redis', 'Restate'),
  },
  {
    workload: 'durable-redis',
    measure: 'Redis, 50 at once: speed against BullMQ',
    must: 1.5,
    goal: 4,
    ...ratio,
    got: speed('durable-redis', 'Docket on Redis', 'BullMQ'),
  },
  ...(['FULL', 'NORMAL'] as const).map((synchronous): Target => ({
    workload: 'durable-sqlite',
    measure: `SQLite ${synchronous}, 50 at once: speed against raw inserts`,
    must: 0.5,
    goal: 0.8,
    ...ratio,
    got: speed('durable-sqlite', `Docket on SQLite, ${synchronous}`, `raw SQLite, ${synchronous}`),
  })),
  ...stores.map((store): Target => ({
    workload: 'durable-growth',
    measure: `${store}: step 1,000 against step 10`,
    must: 1.1,
    goal: undefined,
    unit: 'ratio',
    got: spreadIn('durable-growth', 'growth', store),
  })),
  ...(['Redis', 'PostgreSQL'] as const).map((store): Target => ({
    workload: 'durable-cache',
    measure: `${store}: a cached step against a raw read, 100 in flight`,
    // What is asked for is asked of Redis.
    must: store === 'Redis' ? 1.5 : undefined,
    goal: undefined,
    unit: 'ratio',
    got: time100(store),
  })),
  ...(['Redis', 'PostgreSQL'] as const).map((store): Target => ({
    workload: 'durable-cache',
    measure: `${store}: runs for 200 equal requests from 4 processes`,
    must: 1,
    goal: undefined,
    unit: 'runs',
    got: figure('durable-cache', `runs on ${store}`),
  })),
  ...(['diamond', 'chain of 10'] as const).map((shape): Target => ({
    workload: 'durable-unpersisted',
    measure: `${shape} that persists nothing: docket.execute against execute`,
    must: 1.05,
    goal: undefined,
    unit: 'ratio',
    got: unpersisted(shape),
  })),
  ...[...stores, 'MariaDB'].map((store): Target => ({
    workload: 'durable-recovery',
    measure: `${store}: p99 from SIGKILL until it goes on elsewhere`,
    must: 6,
    goal: ['PostgreSQL', 'MariaDB', 'Redis'].includes(store) ? 1 : undefined,
    unit: 's',
    got: p99In('durable-recovery', 'recovery', store, 1_000),
  })),
  ...stores.flatMap((store): readonly Target[] => [
    {
      workload: 'durable-resume',
      measure: `${store}: resume of 10,000 executions`,
      must: 10,
      goal: undefined,
      unit: 's',
      got: spreadIn('durable-resume', 'resume, ms', store, 1_000),
    },
    {
      workload: 'durable-resume',
      measure: `${store}: highest heap meanwhile`,
      must: 256,
      goal: undefined,
      unit: 'MB',
      got: spreadIn('durable-resume', 'highest heap, MB', store),
    },
  ]),
]

function time100(store: string): Target['got'] {
  return (results) => {
    const hit = seriesOf(results, 'durable-cache', 'found, 100 in flight', store)
    const raw = seriesOf(results, 'durable-cache', 'raw read, 100 in flight', store)
    return hit === undefined || raw === undefined ? undefined : ratioOf(hit, raw)
  }
}
