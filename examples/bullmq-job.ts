/** A job of BullMQ that starts a graph, with REDIS_URL set: the job's retries attach to the execution that there is. */
import { Queue, Worker } from 'bullmq'
import { createDocket, dataType, graph, step } from 'docket'
import { redisStore } from 'docket/stores/redis'
import { Redis } from 'ioredis'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string(), cents: z.number() }))
const Payment = dataType('Payment', z.string())
const Receipt = dataType('Receipt', z.string())

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution',
  run: ({ order }) => {
    console.log(`charging ${order.cents} cents`)
    return `payment of ${order.id}`
  },
})
const write = step({
  name: 'Write',
  inputs: { payment: Payment },
  output: Receipt,
  run: ({ payment }) => `receipt for the ${payment}`,
})
const orders = graph({ name: 'orders', steps: [pay, write] })

const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'
const connection = new Redis(url, { maxRetriesPerRequest: null })
await using docket = createDocket({ graphs: [orders], store: redisStore({ url, prefix: `jobs-${process.pid}` }) })

// #region worker
const name = `orders-${process.pid}`
const worker = new Worker<{ id: string; cents: number }, string>(
  name,
  async (job) => {
    const order = await docket.start(orders, Receipt, { Order: job.data }, { id: `order:${job.data.id}` })
    const receipt = await order.result()
    if (job.attemptsMade === 0) throw new Error('the worker fails after the work is done')
    return receipt
  },
  { connection },
)
// #endregion

const queue = new Queue(name, { connection })
const ended = new Promise<string>((resolve) => worker.once('completed', (_, receipt) => resolve(receipt)))
await queue.add('order', { id: 'o-1', cents: 990 }, { attempts: 3, removeOnComplete: true })
console.log(await ended)
console.log(`executions: ${(await docket.list()).executions.length}`)

await worker.close()
await queue.obliterate({ force: true })
await queue.close()
await docket.delete('order:o-1')
connection.disconnect()
