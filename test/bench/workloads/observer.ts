import { execute } from '../../../src/index.ts'
import { race } from '../measure.ts'
import { docketExecute, docketGraph } from '../opponents/docket.ts'
import { keepOneInFlight } from '../opponents/opponent.ts'
import { shapes } from '../shapes.ts'
import { noop } from './run-shape.ts'
import type { Workload } from './workload.ts'

/** The diamond again, with an observer that does nothing. */
export const observer: Workload = {
  name: 'observer',
  title: 'diamond with an observer that does nothing',
  measure: async (effort) => {
    await keepOneInFlight(docketExecute)
    const shape = shapes.find(({ name }) => name === 'diamond')!
    const alone = docketGraph(shape, noop)
    const observed = docketGraph(shape, noop, { observers: [() => {}] })
    const series = await race(
      [
        { name: 'no observer', run: () => execute(alone.graph, alone.target, { Seed: 1 }) },
        { name: 'an idle observer', run: () => execute(observed.graph, observed.target, { Seed: 1 }) },
      ],
      effort,
    )
    return {
      name: 'observer',
      title: observer.title,
      series,
      steps: shape.steps.length,
      base: 'no observer',
      notes: [],
    }
  },
}
