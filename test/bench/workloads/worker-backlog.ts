import { BenchChild } from '../durable/bench-child.ts'
import { ratioOf, spreadOf } from '../measure.ts'
import type { Cost } from '../scale/costs.ts'
import { duration, factor, grouped } from '../table-text.ts'
import { scaleStores } from './scale.ts'
import type { Result, Workload } from './workload.ts'

const small = 1_000
const fullSize = 1_000_000
const quickSize = 20_000
const hourMs = 3_600_000

/** Very many executions that wait for a worker, against few. */
export const workerBacklog: Workload = {
  name: 'worker-backlog',
  title: 'executions that are ready',
  measure: async (_, { isQuick, servers, size = isQuick ? quickSize : fullSize, stores }): Promise<Result> => {
    const kinds = (stores ?? Object.keys(scaleStores)) as readonly (keyof typeof scaleStores)[]
    const places = await servers.places(...kinds.filter((kind) => kind !== 'sqlite'))
    const rows: { name: string; cost: Cost }[] = []
    for (const kind of kinds) {
      await using child = new BenchChild('worker-backlog-child.ts')
      const sizes = { small, large: size, rounds: isQuick ? 3 : 21 }
      const costs = await child.ask<readonly Cost[]>('compare', { kind, places, ...sizes }, hourMs)
      for (const cost of costs) rows.push({ name: `${scaleStores[kind]}: ${cost.measure}`, cost })
    }
    const growth = rows.map(({ name, cost }) => ({
      name,
      little: spreadOf(cost.small.ms),
      much: spreadOf(cost.large.ms),
      ratio: ratioOf({ name, msPerRun: cost.large.ms }, { name, msPerRun: cost.small.ms }),
      computed: cost.large.cpuMs / cost.small.cpuMs,
    }))
    return {
      name: workerBacklog.name,
      title: `${grouped(size)} ${workerBacklog.title}, against ${grouped(small)}`,
      series: [],
      measures: {
        growth: growth.map(({ name, ratio }) => ({
          name,
          msPerRun: [ratio.low, ratio.median, ratio.high],
        })),
      },
      tables: [
        [
          ['one of it', `with ${grouped(small)}`, `with ${grouped(size)}`, 'ratio', 'middle half', 'computed'],
          ...growth.map(({ name, little, much, ratio, computed }) => [
            name,
            duration(little.median),
            duration(much.median),
            factor(ratio.median),
            `${factor(ratio.low)} – ${factor(ratio.high)}`,
            factor(computed),
          ]),
        ],
      ],
      notes: [
        'a half of what is ready has no keys, a quarter has a thousand keys, and a quarter has these in a queue with a limit for each key',
        'computed: the ratio of the processor time of Docket’s thread and the server together',
      ],
    }
  },
}
