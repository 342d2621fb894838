import { createDocket, execute } from '../../../src/index.ts'
import { race } from '../measure.ts'
import { docketExecute, docketGraph } from '../opponents/docket.ts'
import { openStore } from '../opponents/durable-docket.ts'
import { keepOneInFlight } from '../opponents/opponent.ts'
import { layered } from '../shapes.ts'
import { noop } from './run-shape.ts'
import type { Result, Workload } from './workload.ts'

const shapes = [
  layered('diamond', 'diamond', [1, 10, 1]),
  layered('chain', 'chain of 10', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
]

/** What a store costs those who don't use it. */
export const durableUnpersisted: Workload = {
  name: 'durable-unpersisted',
  title: 'graphs that persist nothing, through docket.execute with a store',
  measure: async (effort, { servers }): Promise<Result> => {
    const places = await servers.places()
    await keepOneInFlight(docketExecute)
    const graphs = shapes.map((shape) => ({ title: shape.title, ...docketGraph(shape, noop) }))
    await using docket = createDocket({
      graphs: graphs.map(({ graph }) => graph),
      store: openStore('sqlite', places),
    })
    const inputs = { Seed: 1 }
    const contenders = graphs.flatMap(({ title, graph, target }) => [
      { name: `${title}: execute`, run: () => execute(graph, target, inputs) },
      { name: `${title}: docket.execute`, run: () => docket.execute(graph, target, inputs) },
    ])
    // Small differences need many rounds.
    const series = await race(contenders, { ...effort, rounds: effort.rounds * 3 })
    return {
      name: durableUnpersisted.name,
      title: durableUnpersisted.title,
      series,
      base: `${shapes[0]!.title}: execute`,
      notes: ['the store: SQLite in a file'],
    }
  },
}
