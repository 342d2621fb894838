import { createDocket } from '../../../src/index.ts'
import { spreadOf } from '../measure.ts'
import type { Effort, Series } from '../measure.ts'
import { durableChain, openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { nobody, observerNames, observersOf } from '../opponents/observers.ts'
import { chainLength } from '../durable/engine.ts'
import { factor } from '../table-text.ts'
import type { Result, TableRows, Workload } from './workload.ts'

const atOnce = 50
const stores = [
  { name: 'observers-memory', kind: 'memory', title: 'in memory', servers: [] },
  { name: 'observers-sqlite', kind: 'sqlite', title: 'on SQLite, write-ahead log', servers: [] },
  { name: 'observers-postgres', kind: 'postgres', title: 'on PostgreSQL', servers: ['postgres'] },
] as const satisfies readonly {
  readonly name: string
  readonly kind: StoreKind
  readonly title: string
  readonly servers: readonly 'postgres'[]
}[]

/** What each observer costs durable chains, beside those that nobody observes: fifty at once, in interleaved rounds. */
export const observers: readonly Workload[] = stores.map(({ name, kind, title: where, servers: kinds }) => {
  const title = `durable chains of ${chainLength}, ${atOnce} at once, ${where}, by who observes`
  return {
    name,
    title,
    measure: async (effort, { servers }): Promise<Result> => {
      const places = await servers.places(...kinds)
      const { graph, target, inputs } = durableChain(chainLength)
      const dockets = observerNames.map((observer) =>
        createDocket({ graphs: [graph], store: openStore(kind, places), observers: observersOf(observer) }),
      )
      const runs = dockets.map((docket) => async () => {
        await Promise.all(Array.from({ length: atOnce }, () => docket.execute(graph, target, inputs)))
      })
      // Few per cent are to be seen: so there are many rounds.
      const { wall, cpu } = await wallAndCpu(runs, { ...effort, rounds: effort.rounds * 3 })
      await Promise.all(dockets.map((docket) => docket.close()))
      return {
        name,
        title,
        series: seriesOf(wall),
        steps: atOnce * chainLength,
        base: nobody,
        measures: { CPU: seriesOf(cpu) },
        tables: [cpuTable(cpu)],
        notes: [
          'the same by the CPU time of this process, which what else runs on the machine disturbs less; each round compared with the same round of none',
        ],
      }
    },
  }
})

function seriesOf(ms: readonly (readonly number[])[]): Series[] {
  return observerNames.map((name, index) => ({ name, msPerRun: ms[index]! }))
}

/** Rounds in turn; what is measured of each: wall-clock and CPU milliseconds a run. */
async function wallAndCpu(
  runs: readonly (() => Promise<void>)[],
  { rounds, roundMs, warmUpMs }: Effort,
): Promise<{ readonly wall: readonly number[][]; readonly cpu: readonly number[][] }> {
  const [wall, cpu] = [runs.map((): number[] => []), runs.map((): number[] => [])]
  const counts: number[] = []
  for (const run of runs) {
    const since = performance.now()
    let done = 0
    for (; done === 0 || performance.now() - since < warmUpMs * 2; done++) await run()
    counts.push(Math.max(1, Math.round((done * roundMs) / (performance.now() - since))))
  }
  // The same work for each, so that what a round leaves behind is the same.
  const count = Math.min(...counts)
  for (let round = 0; round < rounds; round++)
    for (const [index, run] of runs.entries()) {
      const before = process.cpuUsage()
      const since = performance.now()
      for (let done = 0; done < count; done++) await run()
      wall[index]!.push((performance.now() - since) / count)
      const { user, system } = process.cpuUsage(before)
      cpu[index]!.push((user + system) / 1_000 / count)
    }
  return { wall, cpu }
}

function cpuTable(cpu: readonly (readonly number[])[]): TableRows {
  const rows = observerNames.map((name, index) => {
    const { median, low, high } = spreadOf(cpu[index]!.map((ms, round) => ms / cpu[0]![round]!))
    return [name, `${factor(median)} (${factor(low)} – ${factor(high)})`]
  })
  return [['', '× none, CPU'], ...rows]
}
