import { createDocket } from '../../../src/index.ts'
import { durableChain, openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { nobody, observerNames, observersOf } from '../opponents/observers.ts'
import { chainLength } from '../durable/engine.ts'
import { cpuTable, wallAndCpu } from '../wall-and-cpu.ts'
import type { Result, Workload } from './workload.ts'

const atOnce = 50
const stores = [
  { name: 'observers-memory', kind: 'memory', title: 'in memory', servers: [] },
  { name: 'observers-sqlite', kind: 'sqlite', title: 'on SQLite, write-ahead log', servers: [] },
  { name: 'observers-postgres', kind: 'postgres', title: 'on PostgreSQL', servers: ['postgres'] },
  { name: 'observers-mysql', kind: 'mysql', title: 'on MariaDB', servers: ['mysql'] },
  { name: 'observers-redis', kind: 'redis', title: 'on Redis', servers: ['redis'] },
] as const satisfies readonly {
  readonly name: string
  readonly kind: StoreKind
  readonly title: string
  readonly servers: readonly ('postgres' | 'mysql' | 'redis')[]
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
      const contenders = dockets.map((docket, index) => ({
        name: observerNames[index]!,
        run: () => Promise.all(Array.from({ length: atOnce }, () => docket.execute(graph, target, inputs))),
      }))
      // Few per cent are to be seen: so there are many rounds.
      const { wall, cpu } = await wallAndCpu(contenders, { ...effort, rounds: effort.rounds * 3 })
      await Promise.all(dockets.map((docket) => docket.close()))
      return {
        name,
        title,
        series: wall,
        steps: atOnce * chainLength,
        base: nobody,
        measures: { CPU: cpu },
        tables: [cpuTable(cpu)],
        notes: [
          'the same by the CPU time of this process, which what else runs on the machine disturbs less; each round compared with the same round of none',
        ],
      }
    },
  }
})
