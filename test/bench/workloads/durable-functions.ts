import { loadavg } from 'node:os'
import { BenchChild } from '../durable/bench-child.ts'
import type { LongFunction } from '../durable/long-functions.ts'
import { spreadOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { duration, factor, grouped } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

/** What is measured of long functions, by the names that the targets use. */
export const functionMeasures = {
  growth: 'the last checkpoint × the tenth',
  rerun: 're-run with 1,000 checkpoints',
  sleeping: 'heap of one that sleeps, kB',
} as const

const stores = [
  ['PostgreSQL', 'postgres'],
  ['Redis', 'redis'],
  ['SQLite, FULL', 'sqlite'],
] as const satisfies readonly (readonly [string, StoreKind])[]

/** Long functions: whether a checkpoint costs the same however many are behind it, what running again takes, and what one that sleeps keeps. */
export const longFunctions: Workload = {
  name: 'long-functions',
  title: 'durable functions: 10,000 checkpoints, a re-run with 1,000, and what sleeps',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const [length, rounds, count] = isQuick ? [2_000, 3, 1_000] : [10_000, 11, 5_000]
    const measures: Record<string, Series[]> = Object.fromEntries(
      Object.values(functionMeasures).map((measure) => [measure, []]),
    )
    const rows: string[][] = [
      [
        '',
        'checkpoint 10',
        `checkpoint ${grouped(length)}`,
        'the one × the other',
        're-run of 1,000',
        'heap of one that sleeps',
      ],
    ]
    for (const [name, kind] of stores) {
      await using child = new BenchChild('durable-function-child.ts', ['--expose-gc'])
      const long: LongFunction[] = []
      for (let round = 0; round < (isQuick ? 1 : 3); round++)
        long.push(await child.ask<LongFunction>('longFunction', { kind, places, length }, 600_000))
      const again = await child.ask<number[]>('reruns', { kind, places, length: 1_000, rounds }, 600_000)
      const kb = await child.ask<number>('sleepingKb', { kind, places, count }, 600_000)
      const growth = long.map(({ early, late }) => late / early)
      measures[functionMeasures.growth]!.push({ name, msPerRun: growth })
      measures[functionMeasures.rerun]!.push({ name, msPerRun: again })
      measures[functionMeasures.sleeping]!.push({ name, msPerRun: [kb] })
      const { median, low, high } = spreadOf(again)
      rows.push([
        name,
        duration(spreadOf(long.map(({ early }) => early)).median),
        duration(spreadOf(long.map(({ late }) => late)).median),
        factor(spreadOf(growth).median),
        `${duration(median)} (${duration(low)} – ${duration(high)})`,
        `${kb.toFixed(2)} kB`,
      ])
    }
    return {
      name: longFunctions.name,
      title: longFunctions.title,
      series: [],
      measures,
      tables: [rows],
      notes: [
        'checkpoints: medians of a hundred neighbours; a re-run: from createDocket until the function has got all its checkpoints again',
        `parked: ${grouped(count)}, beside 500 that were parked before`,
        `load of the machine when it ended: ${loadavg()[0]!.toFixed(1)}`,
      ],
    }
  },
}
