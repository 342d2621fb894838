import { migrate } from '../../../src/engines/bullmq/index.ts'
import { BenchChild } from '../durable/bench-child.ts'
import type { Places } from '../durable/engine.ts'
import { quantileOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration } from '../table-text.ts'
import { machineNow } from '../workers/worker-engine.ts'
import type { WorkerContender, WorkerPlace } from '../workers/worker-engine.ts'
import type { Result, Workload } from './workload.ts'
import { nameFor } from './worker-throughput.ts'

const contenders = ['Docket by BullMQ on Redis', 'Docket on PostgreSQL'] as const satisfies readonly WorkerContender[]
const executions = 50
/** Longer than anything here is watched. */
const neverMs = 600_000

/** What is measured, by the names that the targets use. */
export const tripMeasures = {
  trip: 'a step on another queue, above its own time',
  recovery: `after a worker with ${executions} executions was killed, until each goes on in another one`,
} as const

/** What it costs to be somewhere else: a step on the queue of another process, and the executions of a process that is killed. */
export const workerTrips: Workload = {
  name: 'worker-trips',
  title: 'steps that another process runs, and executions that it takes over',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    await migrate(places.postgres)
    const found: Record<keyof typeof tripMeasures, Series[]> = { trip: [], recovery: [] }
    const notes: string[] = []
    for (const name of contenders)
      try {
        found.trip.push({ name, msPerRun: await tripsOf(name, places, isQuick ? [3, 10] : [30, 200]) })
        const rounds = isQuick ? 1 : 5
        const all: number[] = []
        for (let round = 0; round < rounds; round++) all.push(...(await recoveryOf(name, places)))
        found.recovery.push({ name, msPerRun: all })
      } catch (error) {
        notes.push(`${name} is left out: ${error instanceof Error ? error.message : String(error)}`)
      }
    return {
      name: workerTrips.name,
      title: workerTrips.title,
      series: [],
      measures: { [tripMeasures.trip]: found.trip, [tripMeasures.recovery]: found.recovery },
      tables: (['trip', 'recovery'] as const).map((what) => [
        [tripMeasures[what], 'p50', 'p90', 'p99'],
        ...found[what].map(({ name, msPerRun }) => [
          name,
          ...[0.5, 0.9, 0.99].map((at) => duration(quantileOf(msPerRun, at))),
        ]),
      ]),
      notes: ['the lease is the default of 5 s', ...notes],
    }
  },
}

async function placeOf(contender: WorkerContender, places: Places, workMs = 0): Promise<WorkerPlace> {
  return { contender, places, name: await nameFor(contender, places), slots: executions, workMs, bytes: 0 }
}

async function tripsOf(
  contender: WorkerContender,
  places: Places,
  [warmUps, count]: readonly [number, number],
): Promise<number[]> {
  const place = await placeOf(contender, places)
  await using near = new BenchChild('worker-trips-child.ts')
  await using far = new BenchChild('worker-trips-child.ts')
  await near.ask('open', { place, queue: 'default' })
  await far.ask('open', { place, queue: 'far' })
  const times: number[] = []
  for (let index = 0; index < warmUps + count; index++) {
    const ms = await near.ask<number>('take', `trip-${index}`)
    if (index >= warmUps) times.push(ms)
  }
  await Promise.allSettled([near, far].map((child) => child.ask('close', undefined, 10_000)))
  return times
}

async function recoveryOf(contender: WorkerContender, places: Places): Promise<number[]> {
  const place = await placeOf(contender, places, neverMs)
  await using starter = new BenchChild('worker-child.ts')
  await using heir = new BenchChild('worker-child.ts')
  await starter.ask('openStarter', place)
  const ids = Array.from({ length: executions }, (_, index) => `left-${index}`)
  const began = async (doer: BenchChild): Promise<number[]> => {
    for (;;) {
      const times = await Promise.all(ids.map((id) => doer.ask<number | undefined>('began', id)))
      if (times.every((time) => time !== undefined)) return times
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await using victim = new BenchChild('worker-child.ts')
  await victim.ask('openDoer', place)
  for (const id of ids) await starter.ask('startOne', id)
  await began(victim)
  await heir.ask('openDoer', place)
  const at = machineNow()
  await victim.kill()
  const times = await began(heir)
  await starter.ask('close', undefined, 10_000)
  return times.map((time) => time - at)
}
