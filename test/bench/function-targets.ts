import { quantileOf, ratioOf, spreadOf } from './measure.ts'
import type { Series } from './measure.ts'
import type { Target } from './target.ts'
import { chainMeasures, functionChain } from './workloads/durable-chain.ts'
import { functionMeasures, longFunctions } from './workloads/durable-functions.ts'
import { machineEvents, msPerEvent } from './workloads/machines.ts'
import { msPerThousand, testDockets } from './workloads/test-dockets.ts'
import { updateMeasures, updates } from './workloads/updates.ts'
import type { Result } from './workloads/workload.ts'

type Results = ReadonlyMap<string, Result>

const ours = 'Docket’s function on PostgreSQL'
const others = ['DBOS', 'openworkflow', 'Absurd', 'Effect', 'Restate']
const stores = ['PostgreSQL', 'Redis', 'SQLite, FULL']

function seriesOf(results: Results, workload: string, measure: string, name: string): Series | undefined {
  return results.get(workload)?.measures?.[measure]?.find((series) => series.name === name)
}

function bestOf(results: Results, measure: string): Series | undefined {
  return others
    .flatMap((name) => seriesOf(results, functionChain, measure, name) ?? [])
    .toSorted((one, other) => spreadOf(one.msPerRun).median - spreadOf(other.msPerRun).median)[0]
}

function longOf(measure: string, store: string): Target['got'] {
  return (results) => {
    const series = seriesOf(results, longFunctions.name, measure, store)
    return series && spreadOf(series.msPerRun)
  }
}

/** What the project promised of durable functions. */
export const functionTargets: readonly Target[] = [
  {
    workload: testDockets.name,
    measure: '1,000 tests of three steps that sleep for 30 days, with createTestDocket',
    must: 5,
    goal: 2,
    unit: 's',
    got: (results) => {
      const own = seriesOf(results, testDockets.name, msPerThousand, 'Docket')
      return own && spreadOf(own.msPerRun.map((ms) => ms / 1_000))
    },
  },
  {
    workload: functionChain,
    measure: 'ten checkpoints in one function, PostgreSQL, 50 at once: speed against the best of the others',
    must: 2,
    goal: 5,
    unit: 'ratio',
    isAtLeast: true,
    got: (results) => {
      const own = seriesOf(results, functionChain, chainMeasures.many, ours)
      const best = bestOf(results, chainMeasures.many)
      return own === undefined || best === undefined ? undefined : ratioOf(best, own)
    },
  },
  {
    workload: functionChain,
    measure: 'the same one at a time: p50 against the best of the others',
    must: 1,
    goal: 0.5,
    unit: 'ratio',
    got: (results) => {
      const own = seriesOf(results, functionChain, chainMeasures.p50, ours)
      const best = bestOf(results, chainMeasures.p50)
      return own === undefined || best === undefined ? undefined : ratioOf(own, best)
    },
  },
  ...stores.flatMap((store): readonly Target[] => [
    {
      workload: longFunctions.name,
      measure: `${store}: checkpoint 10,000 against checkpoint 10`,
      must: 1.1,
      goal: undefined,
      unit: 'ratio',
      got: longOf(functionMeasures.growth, store),
    },
    {
      workload: longFunctions.name,
      measure: `${store}: re-run of a function with 1,000 checkpoints, until it goes on`,
      must: 100,
      goal: 30,
      unit: 'ms',
      got: longOf(functionMeasures.rerun, store),
    },
    {
      workload: longFunctions.name,
      measure: `${store}: memory of one that sleeps`,
      must: 0.5,
      goal: 0,
      unit: 'kB',
      got: longOf(functionMeasures.sleeping, store),
    },
  ]),
  ...['PostgreSQL', 'Redis'].map((store): Target => ({
    workload: machineEvents.name,
    measure: `machines on ${store}, events/s: against @restatedev/xstate`,
    must: 3,
    goal: 10,
    unit: 'ratio',
    isAtLeast: true,
    got: (results) => {
      const own = seriesOf(results, machineEvents.name, msPerEvent, `Docket on ${store}`)
      const other = seriesOf(results, machineEvents.name, msPerEvent, '@restatedev/xstate')
      return own === undefined || other === undefined ? undefined : ratioOf(other, own)
    },
  })),
  ...(['own', 'other'] as const).flatMap((from): readonly Target[] => [
    {
      workload: updates.name,
      measure: `update on PostgreSQL, ${updateMeasures[from]}: p50 against the best of the others`,
      must: 0.5,
      goal: undefined,
      unit: 'ratio',
      got: (results) => {
        const measure = updateMeasures[from]
        const own = seriesOf(results, updates.name, measure, 'Docket on PostgreSQL')
        const best = ['Restate', 'DBOS']
          .flatMap((name) => seriesOf(results, updates.name, measure, name) ?? [])
          .map(({ msPerRun }) => quantileOf(msPerRun, 0.5))
        return own === undefined || best.length === 0
          ? undefined
          : spreadOf(own.msPerRun.map((ms) => ms / Math.min(...best)))
      },
    },
    {
      workload: updates.name,
      measure: `update on PostgreSQL, ${updateMeasures[from]}: p50`,
      must: undefined,
      goal: from === 'own' ? 5 : 20,
      unit: 'ms',
      got: (results) => {
        const own = seriesOf(results, updates.name, updateMeasures[from], 'Docket on PostgreSQL')
        return own && spreadOf(own.msPerRun)
      },
    },
  ]),
]
