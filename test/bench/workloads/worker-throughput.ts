import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { migrate } from '../../../src/engines/bullmq/index.ts'
import { BenchChild } from '../durable/bench-child.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { redisFootprint } from '../durable/footprints.ts'
import { spreadOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { grouped } from '../table-text.ts'
import { workerContenders } from '../workers/worker-engine.ts'
import type { WorkerContender, WorkerPlace } from '../workers/worker-engine.ts'
import type { Result, Workload } from './workload.ts'

const slots = 4
const atOnce = 50
/** Of each worker, before it counts. */
const warmUp = 1_500

/** What is measured of throughput, by the names that the targets use. */
export const throughputMeasures = { one: '1 worker', four: '4 workers', waits: 'steps that wait 10 ms' } as const

/** Executions of one step that some process puts in and others run: milliseconds for each, from the first start to the last commit. */
export const workerThroughput: Workload = {
  name: 'worker-throughput',
  title: `one-step executions that others run, ${slots} slots a worker: milliseconds each`,
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    await migrate(places.postgres)
    const [rounds, count] = isQuick ? [1, 200] : [3, 2_000]
    const bytes = await bytesOfOne(places)
    const found = new Map<string, Map<WorkerContender, number[]>>()
    const leftOut = new Map<WorkerContender, string>()
    const note = async (
      measure: string,
      contender: WorkerContender,
      workers: number,
      workMs: number,
    ): Promise<void> => {
      if (leftOut.has(contender)) return
      try {
        const ms = await roundOf(
          { contender, places, slots, workMs, bytes, name: await nameFor(contender, places) },
          workers,
          count,
        )
        const byContender = found.get(measure) ?? new Map<WorkerContender, number[]>()
        found.set(measure, byContender.set(contender, [...(byContender.get(contender) ?? []), ms / count]))
      } catch (error) {
        leftOut.set(contender, `${contender} is left out: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const contender of workerContenders) await note(throughputMeasures.one, contender, 1, 0)
      // Starting the processes of all is most of what a quick run would take.
      const withFour = isQuick ? workerContenders.slice(0, 2) : workerContenders
      for (const contender of withFour) await note(throughputMeasures.four, contender, 4, 0)
      for (const workers of [1, 4])
        await note(`${throughputMeasures.waits}, ${workers}`, 'Docket by BullMQ on Redis', workers, 10)
    }
    const measures = Object.fromEntries([...found].map(([measure, all]) => [measure, seriesOf(all)]))
    return {
      name: workerThroughput.name,
      title: workerThroughput.title,
      series: [],
      measures,
      tables: Object.entries(measures).map(([measure, all]) => [
        [measure, 'a second'],
        ...all.map(({ name, msPerRun }) => [name, grouped(1_000 / spreadOf(msPerRun).median)]),
      ]),
      notes: [
        ...leftOut.values(),
        `an execution writes about ${Math.round(bytes)} bytes to Redis; so does BullMQ alone, in three commands`,
      ],
    }
  },
}

function seriesOf(found: ReadonlyMap<WorkerContender, number[]>): Series[] {
  return [...found].map(([name, msPerRun]) => ({ name, msPerRun }))
}

/** Some want a database of their own. */
export async function nameFor(contender: WorkerContender, places: Places): Promise<string> {
  const name = freshName('workers').toLowerCase()
  if (contender !== 'DBOS') return name
  const client = new pg.Client(places.postgres)
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return name
}

async function roundOf(place: WorkerPlace, workers: number, count: number): Promise<number> {
  await using stack = new AsyncDisposableStack()
  // All begin to load at the same time.
  const starter = stack.use(new BenchChild('worker-child.ts'))
  const doers = Array.from({ length: workers }, () => stack.use(new BenchChild('worker-child.ts')))
  await starter.ask('openStarter', place, 60_000)
  for (const doer of doers) await doer.ask('openDoer', place, 60_000)
  const done = async (): Promise<number> =>
    (await Promise.all(doers.map((doer) => doer.ask<number>('done')))).reduce((sum, one) => sum + one, 0)
  const run = async (prefix: string, many: number): Promise<number> => {
    const before = await done()
    const since = performance.now()
    const starting = starter.ask('start', { prefix, count: many, atOnce }, 120_000)
    while ((await done()) - before < many) {
      if (performance.now() - since > 120_000)
        throw new Error(`${(await done()) - before} of ${many} were done in two minutes`)
      await sleep(5)
    }
    await starting
    return performance.now() - since
  }
  // A process that has done a few hundred still compiles: for each of four workers, that was half of what it computed.
  await run('warm', Math.min(count, warmUp) * workers)
  const ms = await run('run', count)
  await Promise.allSettled([starter, ...doers].map((child) => child.ask('close', undefined, 10_000)))
  return ms
}

/** What one execution adds to the log of Redis, with its wake. */
async function bytesOfOne(places: Places): Promise<number> {
  const { read, close } = await redisFootprint(places.redis)
  const client = new Redis(places.redis)
  const contender = 'Docket by BullMQ on Redis'
  const place = { contender, places, slots, workMs: 0, bytes: 0, name: freshName('workers') } as const
  const before = await read()
  // As many to warm up: so few that each has its wake.
  const count = 40
  await roundOf(place, 1, count)
  const { bytes } = await read()
  client.disconnect()
  await close()
  // The jobs of BullMQ are about half of it, and are written by BullMQ alone as well.
  return (bytes - before.bytes) / (2 * count) / 2
}
