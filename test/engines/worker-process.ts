/** A worker of its own on Redis and BullMQ: it says on its output which executions its steps run for, until somebody kills it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { redisStore } from '../../stores/redis/index.ts'

const Order = dataType('Order', type<string>())
export const Receipt = dataType('Receipt', type<string>())

/** What its one step does is said by who starts the process. */
export function ordersOf(run: (id: string, signal: AbortSignal) => Promise<string>) {
  const charge = step({
    name: 'Charge',
    inputs: { order: Order },
    output: Receipt,
    persist: 'execution',
    retry: { maxAttempts: 20 },
    run: (_, { executionId, signal }) => run(executionId, signal),
  })
  return graph({ name: 'orders', steps: [charge] })
}

/** What it is told to do. */
export interface WorkerOrder {
  readonly url: string
  readonly prefix: string
  readonly slots: number
  readonly lease: string
  /** Whether its steps go on without end. @default false: they take 5 ms */
  readonly holds?: boolean
}

/** Store and engine of a worker, or of a test beside it. */
export function placeOf({ url, prefix }: Pick<WorkerOrder, 'url' | 'prefix'>) {
  return {
    store: redisStore({ url, prefix }),
    engine: bullmqEngine({ connection: url, prefix, lock: '1s', stalled: '1s' }),
  }
}

if (import.meta.main) {
  const order = JSON.parse(process.argv[2]!) as WorkerOrder
  const { slots, lease, holds = false } = order
  const graphs = [
    ordersOf(async (id) => {
      process.stdout.write(`began ${id}\n`)
      await sleep(holds ? 1_000_000 : 5)
      process.stdout.write(`did ${id}\n`)
      return `by ${process.pid}`
    }),
  ]
  const docket = createDocket({ graphs, ...placeOf(order), work: { default: slots }, lease })
  process.once('SIGTERM', () => void docket.close({ deadline: 0 }).then(() => process.exit(0)))
}
