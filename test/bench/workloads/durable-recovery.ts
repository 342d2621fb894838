import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import { BenchChild } from '../durable/bench-child.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { heldGraph } from '../durable/owned.ts'
import type { Resumed } from '../durable/owned.ts'
import { quantileOf, spreadOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { duration } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

const stores = [
  ['PostgreSQL', 'postgres'],
  ['Redis', 'redis'],
  ['SQLite, FULL', 'sqlite'],
] as const satisfies readonly (readonly [string, StoreKind])[]
const recoveryStores = [...stores, ['MariaDB', 'mysql']] as const satisfies readonly (readonly [string, StoreKind])[]
/** The default. */
const leaseMs = 5_000
/** A process that has just connected does not judge whose connections are gone. */
const settlingMs = 6_000
const eachOwns = 5

/** A process that owns executions is killed: how long until they go on in another one. */
export const durableRecovery: Workload = {
  name: 'durable-recovery',
  title: 'from SIGKILL until the executions go on elsewhere, with the default lease of 5 s',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis', 'mysql')
    const rows: string[][] = [['', 'p50', 'p99', 'least – most', 'owners killed', 'executions']]
    const series: Series[] = []
    for (const [store, kind] of recoveryStores) {
      const times: number[] = []
      for (let batch = 0; batch < (isQuick ? 1 : 6); batch++)
        times.push(...(await killOwners(kind, places, isQuick ? 3 : 5)))
      series.push({ name: store, msPerRun: times })
      rows.push([
        store,
        duration(quantileOf(times, 0.5)),
        duration(quantileOf(times, 0.99)),
        `${duration(Math.min(...times))} – ${duration(Math.max(...times))}`,
        String(times.length / eachOwns),
        String(times.length),
      ])
    }
    return {
      name: durableRecovery.name,
      title: durableRecovery.title,
      series: [],
      measures: { recovery: series },
      tables: [rows],
      notes: [
        'owners are killed at any moment between two renewals of their lease; each owns five executions, which wait',
        'PostgreSQL, MariaDB and Redis show when an owner’s connection ends; SQLite judges by the lease',
      ],
    }
  },
}

/** Kills owners one by one, at random moments; gives how long each of their executions stood still. */
async function killOwners(kind: StoreKind, places: Places, count: number): Promise<number[]> {
  const name = freshName('recovery')
  const killedAt = new Map<string, number>()
  const wentOnAt = new Map<string, number>()
  const { promise: done, resolve: allWentOn } = Promise.withResolvers<void>()
  const { graph } = heldGraph(async (key) => {
    wentOnAt.set(key, Date.now())
    if (wentOnAt.size === count * eachOwns) allWentOn()
  })
  await using docket = createDocket({ graphs: [graph], store: openStore(kind, places, name) })
  await docket.resume()
  await sleep(settlingMs)
  await using stack = new AsyncDisposableStack()
  const owners = Array.from({ length: count }, () => stack.use(new BenchChild('durable-docket-child.ts')))
  await Promise.all(
    owners.map((owner, index) => owner.ask('own', { kind, places, name, prefix: `${index}-`, count: eachOwns })),
  )
  await Promise.all(
    owners.map(async (owner, index) => {
      await sleep(Math.random() * (leaseMs / 2))
      const at = await owner.kill()
      for (let i = 0; i < eachOwns; i++) killedAt.set(`${index}-${i}`, at)
    }),
  )
  // It also keeps this process alive, which by then has nothing else to do.
  const patience = new AbortController()
  const limit = sleep(60_000, undefined, { signal: patience.signal }).then(() => {
    throw new Error(`${count * eachOwns - wentOnAt.size} executions did not go on within a minute`)
  })
  await Promise.race([done, limit])
  limit.catch(() => {})
  patience.abort()
  return [...wentOnAt].map(([key, at]) => at - killedAt.get(key)!)
}

/** One process takes over all that a dead one left. */
export const durableResume: Workload = {
  name: 'durable-resume',
  title: 'one process goes on with the unfinished executions of a dead owner',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const count = isQuick ? 1_000 : 10_000
    const rounds = isQuick ? 1 : 2
    const rows: string[][] = [['', 'all run again', 'middle half', 'then all end', 'heap, alive', 'heap, highest']]
    const seconds: Series[] = []
    const heaps: Series[] = []
    for (const [store, kind] of stores) {
      const found: Resumed[] = []
      for (let round = 0; round < rounds; round++) found.push(await leaveAndResume(kind, places, count))
      const middle = (pick: (one: Resumed) => number): number => spreadOf(found.map(pick)).median
      seconds.push({ name: store, msPerRun: found.map((one) => one.seconds * 1_000) })
      heaps.push({ name: store, msPerRun: found.map((one) => one.peakMb) })
      const spread = spreadOf(found.map((one) => one.seconds * 1_000))
      rows.push([
        store,
        duration(spread.median),
        `${duration(spread.low)} – ${duration(spread.high)}`,
        duration(middle((one) => one.endSeconds * 1_000)),
        `${middle((one) => one.aliveMb).toFixed(1)} MB`,
        `${middle((one) => one.peakMb).toFixed(1)} MB`,
      ])
    }
    return {
      name: durableResume.name,
      title: `${durableResume.title}: ${count.toLocaleString('en')} of them`,
      series: [],
      measures: { 'resume, ms': seconds, 'highest heap, MB': heaps },
      tables: [rows],
      notes: [
        'from createDocket in a fresh process, when the lease is over, until the last of them runs; the whole heap, the code included',
      ],
    }
  },
}

async function leaveAndResume(kind: StoreKind, places: Places, count: number): Promise<Resumed> {
  const name = freshName('resume')
  await using owner = new BenchChild('durable-docket-child.ts')
  await owner.ask('own', { kind, places, name, prefix: 'x', count }, 120_000)
  await owner.kill()
  await sleep(leaseMs + 500)
  await using heir = new BenchChild('durable-docket-child.ts', ['--expose-gc'])
  // Awaited here, while the process is still there.
  return await heir.ask<Resumed>('resume', { kind, places, name, count }, 120_000)
}
