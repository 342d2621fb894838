import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { placeOptionsOf } from '../opponents/workers-docket.ts'
import { machineNow } from './worker-engine.ts'
import type { WorkerPlace } from './worker-engine.ts'

const Order = dataType('Order', type<string>())
const At = dataType('At', type<number>())
const Told = dataType('Told', type<number>())
const Took = dataType('Took', type<number>())

const before = step({
  name: 'Before',
  inputs: { order: Order },
  output: At,
  persist: 'execution',
  run: () => machineNow(),
})
const elsewhere = step({ name: 'Elsewhere', inputs: { at: At }, output: Told, queue: 'far', run: ({ at }) => at })
const after = step({ name: 'After', inputs: { told: Told }, output: Took, run: ({ told }) => machineNow() - told })
const trips = graph({ name: 'trips', steps: [before, elsewhere, after] })

/** A process that serves one of the two queues. */
export async function openTraveller(place: WorkerPlace, queue: 'default' | 'far') {
  const docket: Docket = createDocket({
    graphs: [trips],
    ...placeOptionsOf(place),
    work: { [queue]: place.slots },
  })
  await docket.list({ limit: 1 })
  return {
    /** Milliseconds from the end of the step before until the step after, of which the one in the other queue takes none itself. */
    take: (id: string): Promise<number> => docket.execute(trips, Took, { Order: id }, { id }),
    close: () => docket.close({ deadline: 0 }),
  }
}
