import { spreadOf } from './measure.ts'
import type { Target } from './target.ts'
import { scaleStores } from './workloads/scale.ts'

const stores = Object.values(scaleStores)
const workload = 'scale'

function figure(name: string): Target['got'] {
  return (results) => {
    const value = results.get(workload)?.figures?.[name]
    return value === undefined ? undefined : { median: value, low: value, high: value }
  }
}

/** The worst of what is compared on one store. */
export function worstGrowth(store: string, of = workload): Target['got'] {
  return (results) => {
    const ratios = (results.get(of)?.measures?.['growth'] ?? [])
      .filter(({ name }) => name.startsWith(`${store}: `))
      .map(({ msPerRun: [low, median, high] }) => ({ low: low!, median: median!, high: high! }))
    return ratios.toSorted((a, b) => b.median - a.median)[0]
  }
}

function listOnRedis(results: Parameters<Target['got']>[0]): ReturnType<Target['got']> {
  const figures = results.get(workload)?.figures
  const [redis, postgres] = ['Redis', 'PostgreSQL'].map((store) => figures?.[`${store}: list, ms for 1,000`])
  return redis === undefined || postgres === undefined ? undefined : spreadOf([redis / postgres])
}

const all: readonly Target[] = [
  ...stores.flatMap((store): readonly Target[] => [
    {
      workload,
      measure: `${store}: the most that anything costs more with all that the store holds`,
      must: 1.2,
      goal: undefined,
      unit: 'ratio',
      got: worstGrowth(store),
    },
    {
      workload,
      measure: `${store}: purge`,
      must: 20_000,
      goal: 40_000,
      unit: 'a second',
      isAtLeast: true,
      got: figure(`${store}: purge, a second`),
    },
    {
      workload,
      measure: `${store}: longest stall of the purge`,
      must: 50,
      goal: 25,
      unit: 'ms',
      got: figure(`${store}: purge, stall in ms`),
    },
    {
      workload,
      measure: `${store}: take-over`,
      must: 5_000,
      goal: 10_000,
      unit: 'a second',
      isAtLeast: true,
      got: figure(`${store}: takeOver, a second`),
    },
    {
      workload,
      measure: `${store}: a batch resumed`,
      must: 5,
      goal: 2.5,
      unit: 's',
      got: figure(`${store}: items, s`),
    },
    {
      workload,
      measure: `${store}: heap for it`,
      must: 200,
      goal: 100,
      unit: 'MB',
      got: figure(`${store}: items, MB`),
    },
    {
      workload,
      measure: `${store}: longest stall meanwhile`,
      must: 100,
      goal: 50,
      unit: 'ms',
      got: figure(`${store}: items, stall in ms`),
    },
    {
      workload,
      measure: `${store}: what the heap has grown by while executions went by`,
      must: 5,
      goal: 1,
      unit: 'MB',
      got: figure(`${store}: heap, MB`),
    },
  ]),
  { workload, measure: 'list on Redis against PostgreSQL', must: 2, goal: 1, unit: 'ratio', got: listOnRedis },
]

/** What the project promised of stores that hold much. */
/** A page by the slowest filter, and a count. */
const filters: readonly Target[] = (['SQLite', 'PostgreSQL'] as const).flatMap((store): readonly Target[] =>
  (
    [
      ['list', 300, 50],
      ['count', 50, undefined],
    ] as const
  ).map(([what, must, goal]) => ({
    workload: 'list-filters',
    measure: `${store}: ${what} by the slowest filter, p95`,
    must,
    goal,
    unit: 'ms',
    got: (results) => {
      const value = results.get('list-filters')?.figures?.[`${store}: ${what}, p95 of the slowest filter, ms`]
      return value === undefined ? undefined : { median: value, low: value, high: value }
    },
  })),
)

export const scaleTargets: readonly Target[] = [...all, ...filters].map((target) => ({ ...target, isOptional: true }))
