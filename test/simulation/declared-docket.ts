import { createDocket } from '../../src/index.ts'
import type { Docket, Observer } from '../../src/index.ts'
import type { MigrateHook } from '../../src/durable/records/migrate-records.ts'
import type { Calls } from './calls.ts'
import { ownQueue } from './elsewhere.ts'
import type { Features } from './features.ts'
import type { History } from './history.ts'
import { randomInterceptor } from './interceptors.ts'
import { queueNames, randomWork } from './limits.ts'
import type { SimulatedQueue } from './limits.ts'
import type { LiveGraph } from './live-graph.ts'
import { maxValueBytes } from './random-batch.ts'
import type { SimulatedBatch } from './random-batch.ts'
import type { RandomSource } from './random-source.ts'
import { declared } from './schedules.ts'
import type { SimulatedSchedule } from './schedules.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import type { StoreServer } from './simulated-store.ts'
import { toyCodec } from './toy-codec.ts'
import type { SimulatedVersion } from './versions.ts'

/** What runs in a process, and where. */
export interface SimulatedProgram {
  readonly process: SimulatedProcess
  readonly server: StoreServer
  /** Children before their parents. */
  readonly graphs: readonly SimulatedGraph[]
  readonly version: SimulatedVersion
  readonly random: RandomSource
  readonly history: History
  readonly calls: Calls
  readonly leaseMs: number
  readonly hasHints: boolean
  readonly features: Features
  readonly batches: ReadonlyMap<string, SimulatedBatch>
  /** What an execution waits before it is parked; undefined for the docket's own. */
  readonly parkMs: number | undefined
  /** Whether it only looks, asks and sends: it has no graphs. */
  readonly isWatcher: boolean
  /** Whether it moves executions. @default false */
  readonly isMover?: boolean | undefined
  readonly schedules: readonly SimulatedSchedule[]
  readonly queues: Readonly<Record<string, SimulatedQueue>> | undefined
}

/** The docket of a process, as its program declares it. */
export function declaredDocket(
  program: SimulatedProgram,
  live: ReadonlyMap<string, LiveGraph>,
  observer: Observer,
): Docket {
  const { process, server, graphs, version, random, leaseMs, hasHints, features, parkMs, isWatcher } = program
  const { queues } = program
  const schedules = program.schedules.filter(({ isDeclaredLater }) => isDeclaredLater !== true)
  const migrations = graphs.flatMap((plan): readonly (readonly [string, MigrateHook])[] => {
    const hook = version.migrationOf(plan)
    return hook === undefined ? [] : [[version.graph(plan.name), hook]]
  })
  return createDocket({
    graphs: isWatcher ? [] : [...live.values()].map(({ graph }) => graph),
    store: server.storeOf(process, hasHints),
    lease: leaseMs,
    name: process.name,
    clock: process.clock as never,
    random: random.next,
    codecs: toyCodec(features.codec, process, random),
    ...(features.hasBatches ? { maxValueBytes } : {}),
    ...(features.hasOddments && random.chance(0.2) ? { retain: { completed: 20_000, failed: 40_000 } } : {}),
    ...(features.hasInterceptors ? { interceptors: [randomInterceptor(random, process)] } : {}),
    ...(parkMs === undefined ? {} : { park: parkMs }),
    ...(isWatcher ? { takeOver: false, ...(program.isMover === true && { work: false }) } : {}),
    ...(migrations.length > 0 && !isWatcher ? { migrate: Object.fromEntries(migrations) } : {}),
    ...(schedules.length === 0 || isWatcher
      ? {}
      : { schedules: schedules.map((schedule) => declared(schedule, live.get(schedule.graph.name)!)) }),
    ...(queues === undefined || isWatcher
      ? {}
      : { queues, work: randomWork(random, features.hasElsewhere ? [...queueNames, ownQueue] : queueNames) }),
    observers: [observer],
  })
}
