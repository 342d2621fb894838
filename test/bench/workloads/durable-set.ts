import { BenchChild } from '../durable/bench-child.ts'
import type { DurableSet } from '../durable/durable-set.ts'
import { spreadOf } from '../measure.ts'
import { duration } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

/** durable's own numbers, in milliseconds: medians of 37 runs on GitHub's machines, PostgreSQL 14, least – most. */
const published: Readonly<Record<string, readonly [median: number, least: number, most: number]>> = {
  'spawn latency': [0.924, 0.713, 1.171],
  '100 quick ones, 1 at once': [619.6, 512, 783],
  '100 quick ones, 2 at once': [379.1, 308, 545],
  '100 quick ones, 4 at once': [260.2, 206, 365],
  '100 quick ones, 8 at once': [205.8, 158, 278],
  'one round trip': [15.92, 14.1, 18.9],
  '10 new steps': [45.8, 32, 50],
  '50 new steps': [88.3, 71, 104],
  '100 new steps': [142, 113, 165],
  '10 cached steps': [13.7, 11.7, 19.6],
  '50 cached steps': [15.2, 11.7, 19.6],
  '100 cached steps': [14.9, 11.7, 19.6],
  'payload of 1 KB': [30.3, 23, 35],
  'payload of 100 KB': [24.7, 24, 37],
  'payload of 1000 KB': [70.3, 36, 78],
}

/** The bench set of durable (Rust, PostgreSQL), on Docket, beside what durable publishes. */
export const durableSet: Workload = {
  name: 'durable-set',
  title: 'the bench set of durable, on PostgreSQL',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres')
    await using child = new BenchChild('durable-docket-child.ts')
    const found = await child.ask<DurableSet>('durableSet', { places, runs: isQuick ? 3 : 10 }, 120_000)
    const rows = Object.entries(found).map(([name, times]) => {
      const { median, low, high } = spreadOf(times)
      const theirs = published[name]
      return [
        name,
        duration(median),
        `${duration(low)} – ${duration(high)}`,
        ...(theirs === undefined
          ? ['–', '–']
          : [duration(theirs[0]), `${duration(theirs[1])} – ${duration(theirs[2])}`]),
      ]
    })
    return {
      name: durableSet.name,
      title: durableSet.title,
      series: [],
      measures: { 'a run': Object.entries(found).map(([name, msPerRun]) => ({ name, msPerRun })) },
      tables: [[['', 'Docket', 'middle half', 'durable, as published', 'least – most'], ...rows]],
      notes: [
        'durable’s numbers are those it publishes: other hardware, not measured here, not to be divided by',
        'durable’s include the start of a worker and polling each 10 ms; Docket runs an execution where it is started',
        'n new steps: one more than n, as the last one fails at first; n cached steps: what a retry of that takes',
      ],
    }
  },
}
