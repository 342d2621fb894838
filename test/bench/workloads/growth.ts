import { race } from '../measure.ts'
import type { Contender } from '../measure.ts'
import { docketExecute } from '../opponents/docket.ts'
import { keepOneInFlight } from '../opponents/opponent.ts'
import { promiseAll } from '../opponents/promise-all.ts'
import { shapes } from '../shapes.ts'
import { noop } from './run-shape.ts'
import type { Workload } from './workload.ts'

/** What a step costs in a huge graph, against a large one, in the same rounds. */
export const growth: Workload = {
  name: 'growth',
  title: 'overhead per step at 1,000 and at 100,000 steps',
  measure: async (effort) => {
    const contenders: Contender[] = []
    await keepOneInFlight(docketExecute)
    for (const name of ['fan-1k', 'fan-100k']) {
      const shape = shapes.find((one) => one.name === name)!
      for (const opponent of [promiseAll, docketExecute]) {
        contenders.push({ name: `${opponent.name} ${name}`, run: await opponent.prepare(shape, noop) })
      }
    }
    return { name: 'growth', title: growth.title, series: await race(contenders, effort), notes: [] }
  },
}
