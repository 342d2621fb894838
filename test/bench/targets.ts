import { ratioOf, spreadOf } from './measure.ts'
import type { Series, Spread } from './measure.ts'
import { durableTargets } from './durable-targets.ts'
import { scaleTargets } from './scale-targets.ts'
import { functionTargets } from './function-targets.ts'
import type { Target } from './target.ts'
import { waitingTargets } from './waiting-targets.ts'
import { workerTargets } from './worker-targets.ts'
import type { Result } from './workloads/workload.ts'

function seriesOf(results: ReadonlyMap<string, Result>, workload: string, name: string): Series | undefined {
  return results.get(workload)?.series.find((series) => series.name === name)
}

/** By the processor time, which what else runs on the machine, and the threads of pages, disturb less. */
function cpuRatio(workload: string, one: string, other: string): Target['got'] {
  return (results) => {
    const [ours, theirs] = [one, other].map((name) =>
      results.get(workload)?.measures?.['CPU']?.find((series) => series.name === name),
    )
    return ours === undefined || theirs === undefined ? undefined : ratioOf(ours, theirs)
  }
}

function ratio(workload: string, one: string, ...others: readonly string[]): Target['got'] {
  return (results) => {
    const ours = seriesOf(results, workload, one)
    const theirs = others.map((name) => seriesOf(results, workload, name)).filter((series) => series !== undefined)
    const fastest = theirs.toSorted((a, b) => spreadOf(a.msPerRun).median - spreadOf(b.msPerRun).median)[0]
    return ours === undefined || fastest === undefined ? undefined : ratioOf(ours, fastest)
  }
}

/** What a step costs with us beyond what it costs by hand, in milliseconds. */
function overhead(ours: Series, theirs: Series, round: number, steps: number): number {
  return (ours.msPerRun[round]! - theirs.msPerRun[round]!) / steps
}

/** The overhead per step in the huge graph, over the same in the large one. */
function growthOfOverhead(results: ReadonlyMap<string, Result>): Spread | undefined {
  const [theirs1k, ours1k, theirs100k, ours100k] = results.get('growth')?.series ?? []
  if (ours100k === undefined) return undefined
  return spreadOf(
    ours100k.msPerRun.map(
      (_, round) => overhead(ours100k, theirs100k!, round, 100_002) / overhead(ours1k!, theirs1k!, round, 1_002),
    ),
  )
}

/** What schemas add to an execution, over what they cost on their own. */
function schemasOverAlone(results: ReadonlyMap<string, Result>): Spread | undefined {
  const [without, checked, alone] = results.get('schemas')?.series ?? []
  if (alone === undefined) return undefined
  return spreadOf(alone.msPerRun.map((ms, round) => (checked!.msPerRun[round]! - without!.msPerRun[round]!) / ms))
}

export const targets: readonly Target[] = [
  {
    workload: 'diamond',
    measure: 'diamond through execute, against the faster of async.auto and Effect',
    must: 2,
    goal: 1,
    unit: 'ratio',
    got: ratio('diamond', 'Docket execute', 'async.auto', 'Effect'),
  },
  {
    workload: 'diamond',
    measure: 'diamond through createActor(fromGraph(…)), against the same',
    must: 2.5,
    goal: 1.5,
    unit: 'ratio',
    got: ratio('diamond', 'Docket createActor', 'async.auto', 'Effect'),
  },
  {
    workload: 'diamond',
    measure: 'diamond, against Promise.all',
    must: 16,
    goal: 7,
    unit: 'ratio',
    got: ratio('diamond', 'Docket execute', 'Promise.all'),
  },
  {
    workload: 'diamond',
    measure: 'diamond, against a plain XState machine',
    must: 1 / 20,
    goal: undefined,
    unit: 'ratio',
    got: ratio('diamond', 'Docket execute', 'XState machine'),
  },
  {
    workload: 'diamond',
    measure: 'diamond, against LangGraph',
    must: 1 / 80,
    goal: undefined,
    unit: 'ratio',
    got: ratio('diamond', 'Docket execute', 'LangGraph'),
  },
  {
    workload: 'growth',
    measure: 'overhead per step at 100k steps, against 1k',
    must: 1.5,
    goal: 1.1,
    unit: 'ratio',
    got: growthOfOverhead,
  },
  {
    workload: 'schemas',
    measure: 'what zod on every type adds, against the schemas alone',
    must: undefined,
    goal: 1,
    unit: 'ratio',
    got: schemasOverAlone,
  },
  {
    workload: 'observer',
    measure: 'an observer that does nothing, against none',
    must: 1.15,
    goal: 1.05,
    unit: 'ratio',
    got: ratio('observer', 'an idle observer', 'no observer'),
  },
  ...['ten pages watch', 'ten pages that never read'].map((name) => ({
    workload: 'inspector-watcher',
    measure: `executions of a docket: ${name}, against none, CPU time`,
    must: 1 / 0.9,
    goal: 1 / 0.97,
    unit: 'ratio' as const,
    got: cpuRatio('inspector-watcher', name, 'nobody watches'),
  })),
  ...[
    ['observers-memory', 'memory'],
    ['observers-sqlite', 'SQLite'],
    ['observers-postgres', 'PostgreSQL'],
    ['observers-mysql', 'MariaDB'],
    ['observers-redis', 'Redis'],
  ].flatMap(([workload, store]) =>
    (
      [
        ['prometheus', 1.05, 1.02],
        ['open-telemetry, 1 % sampled', 1.1, 1.05],
      ] as const
    ).map(([name, must, goal]) => ({
      workload: workload!,
      measure: `durable chains on ${store} with ${name}, against no observer, CPU time`,
      must,
      goal,
      unit: 'ratio' as const,
      got: cpuRatio(workload!, name, 'none'),
    })),
  ),
  {
    workload: 'heap',
    measure: 'streamed batch, peak heap over the start',
    must: 64,
    goal: undefined,
    unit: 'MB',
    got: (results) => {
      const peak = results.get('heap')?.figures?.['peakMb']
      return peak === undefined ? undefined : { median: peak, low: peak, high: peak }
    },
  },
  {
    workload: 'cache',
    measure: 'memory-cache hit at 1 KB, against canonicalise + hash + Map',
    must: 1.5,
    goal: undefined,
    unit: 'ratio',
    got: ratio('cache', '1 KB: Docket hit', '1 KB: cheapest'),
  },
  ...durableTargets,
  ...scaleTargets,
  ...waitingTargets,
  ...workerTargets,
  ...functionTargets,
]
