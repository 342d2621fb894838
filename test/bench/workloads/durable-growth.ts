import { BenchChild } from '../durable/bench-child.ts'
import { longLength } from '../durable/growing.ts'
import type { LongRun } from '../durable/growing.ts'
import { spreadOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { duration, factor } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

const stores = [
  ['PostgreSQL', 'postgres'],
  ['Redis', 'redis'],
  ['SQLite, FULL', 'sqlite'],
] as const satisfies readonly (readonly [string, StoreKind])[]
const widths = [100, 1_000]

/** Wide and long executions: whether a step costs the same whatever is beside it and behind it. */
export const durableGrowth: Workload = {
  name: 'durable-growth',
  title: 'durable 1 → 100 → 1, 1 → 1,000 → 1, and 1,000 steps one after another',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const runs = isQuick ? 3 : 11
    const fans: Series[] = []
    const long: Series[] = []
    const early: Series[] = []
    const late: Series[] = []
    const rows: string[][] = [
      ['', ...widths.map((width) => `1 → ${width} → 1`), 'step 10', `step ${longLength}`, 'step 1000 × step 10'],
    ]
    for (const [store, kind] of stores) {
      await using child = new BenchChild('durable-docket-child.ts')
      const cells: string[] = []
      for (const width of widths) {
        const msPerRun = await child.ask<number[]>('fan', { kind, places, width, runs })
        fans.push({ name: `${store}, ${width}`, msPerRun })
        const { median, low, high } = spreadOf(msPerRun)
        cells.push(`${duration(median)} (${duration(low)} – ${duration(high)})`)
      }
      const found = await child.ask<LongRun[]>('long', { kind, places, runs: Math.ceil(runs / 2) }, 120_000)
      early.push({ name: store, msPerRun: found.map(({ ms10 }) => ms10) })
      late.push({ name: store, msPerRun: found.map(({ ms1000 }) => ms1000) })
      const ratios = found.map(({ ms10, ms1000 }) => ms1000 / ms10)
      long.push({ name: store, msPerRun: ratios })
      const { median, low, high } = spreadOf(ratios)
      cells.push(
        duration(spreadOf(found.map(({ ms10 }) => ms10)).median),
        duration(spreadOf(found.map(({ ms1000 }) => ms1000)).median),
        `${factor(median)} (${factor(low)} – ${factor(high)})`,
      )
      rows.push([store, ...cells])
    }
    return {
      name: durableGrowth.name,
      title: durableGrowth.title,
      series: [],
      measures: { 'a fan': fans, 'step 10': early, 'step 1000': late, growth: long },
      tables: [rows],
      notes: [
        'steps 10 and 1,000: on a line through all steps of an execution (Theil’s, over medians of 50 neighbours)',
        'published elsewhere: Vercel Workflow, 7.3 + 0.074 × i ms for step i (other hardware): step 1,000 costs 10 × step 10',
      ],
    }
  },
}
