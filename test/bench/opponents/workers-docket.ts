import { setTimeout as sleep } from 'node:timers/promises'
import { bullmqEngine } from '../../../src/engines/bullmq/index.ts'
import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import { machineNow } from '../workers/worker-engine.ts'
import type { WorkDoer, WorkerPlace, WorkStarter } from '../workers/worker-engine.ts'
import { openStore } from './durable-docket.ts'

const Order = dataType('Order', type<string>())
const Receipt = dataType('Receipt', type<string>())

/** Store and engine of a docket. */
export function placeOptionsOf({ contender, places, name }: WorkerPlace) {
  const isOnRedis = contender === 'Docket by BullMQ on Redis'
  const engine =
    contender === 'Docket on PostgreSQL'
      ? undefined
      : bullmqEngine({ connection: isOnRedis ? places.redis : places.postgres, prefix: name.slice(0, 40) })
  return { store: openStore(isOnRedis ? 'redis' : 'postgres', places, name), engine }
}

function placeOf(place: WorkerPlace, began: Map<string, number>) {
  const { workMs } = place
  const charge = step({
    name: 'Charge',
    inputs: { order: Order },
    output: Receipt,
    persist: 'execution',
    run: async ({ order }) => {
      began.set(order, machineNow())
      if (workMs > 0) await sleep(workMs)
      return order
    },
  })
  return { orders: graph({ name: 'orders', steps: [charge] }), options: placeOptionsOf(place) }
}

/** Docket: one execution of one step. */
export async function openDocketStarter(place: WorkerPlace): Promise<WorkStarter> {
  const { orders, options } = placeOf(place, new Map())
  const docket = createDocket({ graphs: [orders], ...options, work: false })
  await docket.list({ limit: 1 })
  return {
    async start(id) {
      await docket.start(orders, Receipt, { Order: id }, { id })
    },
    close: () => docket.close({ deadline: 0 }),
  }
}

export async function openDocketDoer(place: WorkerPlace): Promise<WorkDoer> {
  const began = new Map<string, number>()
  const { orders, options } = placeOf(place, began)
  let done = 0
  const docket = createDocket({
    graphs: [orders],
    ...options,
    work: { default: place.slots },
    observers: [(event) => void (event.type === 'execution.ended' && done++)],
  })
  await docket.list({ limit: 1 })
  return {
    get done() {
      return done
    },
    began,
    close: () => docket.close({ deadline: 0 }),
  }
}
