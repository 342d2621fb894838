import { setTimeout as sleep } from 'node:timers/promises'
import { migrate } from '../../../src/engines/bullmq/index.ts'
import { BenchChild } from '../durable/bench-child.ts'
import { quantileOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration } from '../table-text.ts'
import type { WorkerContender, WorkerPlace } from '../workers/worker-engine.ts'
import type { Result, Workload } from './workload.ts'
import { nameFor } from './worker-throughput.ts'

const contenders: readonly WorkerContender[] = [
  'Docket by BullMQ on Redis',
  'BullMQ on Redis, with the same bytes beside',
  'Docket on PostgreSQL',
  'Docket by BullMQ on PostgreSQL',
  'DBOS',
  'pg-boss',
  'graphile-worker',
]

/** What is measured, by the name that the targets use. */
export const startMeasure = 'from the start to the first step'

/** Two idle workers: from the call that starts an execution in one process until its step begins in another. */
export const workerStart: Workload = {
  name: 'worker-start',
  title: 'a start in one process, until the first step begins in another',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    await migrate(places.postgres)
    const [warmUps, count] = isQuick ? [5, 20] : [50, 300]
    const found: Series[] = []
    const notes: string[] = []
    for (const contender of contenders)
      try {
        const name = await nameFor(contender, places)
        const place: WorkerPlace = { contender, places, name, slots: 4, workMs: 0, bytes: 900 }
        await using starter = new BenchChild('worker-child.ts')
        await using first = new BenchChild('worker-child.ts')
        await using second = new BenchChild('worker-child.ts')
        await starter.ask('openStarter', place)
        for (const doer of [first, second]) await doer.ask('openDoer', place)
        const times: number[] = []
        for (let index = 0; index < warmUps + count; index++) {
          const id = `start-${index}`
          const at = await starter.ask<number>('startOne', id)
          const began = await beginningOf(id, [first, second])
          if (index >= warmUps) times.push(began - at)
        }
        found.push({ name: contender, msPerRun: times })
        await Promise.allSettled([starter, first, second].map((child) => child.ask('close', undefined, 10_000)))
      } catch (error) {
        notes.push(`${contender} is left out: ${error instanceof Error ? error.message : String(error)}`)
      }
    return {
      name: workerStart.name,
      title: workerStart.title,
      series: [],
      measures: { [startMeasure]: found },
      tables: [
        [
          [startMeasure, 'p50', 'p90', 'p99'],
          ...found.map(({ name, msPerRun }) => [
            name,
            ...[0.5, 0.9, 0.99].map((at) => duration(quantileOf(msPerRun, at))),
          ]),
        ],
      ],
      notes,
    }
  },
}

async function beginningOf(id: string, doers: readonly BenchChild[]): Promise<number> {
  for (let tries = 0; tries < 5_000; tries++) {
    for (const doer of doers) {
      const at = await doer.ask<number | undefined>('began', id)
      if (at !== undefined) return at
    }
    await sleep(2)
  }
  throw new Error(`"${id}" did not begin`)
}
