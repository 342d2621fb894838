import { chainLength, freshName } from '../durable/engine.ts'
import type { Engine, Places } from '../durable/engine.ts'
import { redisFootprint } from '../durable/footprints.ts'
import { load } from '../packages.ts'

interface Job {
  readonly id: string
  getChildrenValues(): Promise<Record<string, number>>
}

interface FlowJob {
  readonly name: string
  readonly queueName: string
  readonly data: object
  readonly children?: readonly FlowJob[]
}

interface BullModule {
  readonly FlowProducer: new (options: { connection: object }) => {
    add(flow: FlowJob): Promise<{ readonly job: { readonly id: string } }>
    close(): Promise<void>
  }
  readonly Worker: new (
    queue: string,
    work: (job: Job) => Promise<number>,
    options: { connection: object; concurrency: number },
  ) => {
    on(event: 'completed', listener: (job: Job, value: number) => void): void
    on(event: 'error', listener: (error: Error) => void): void
    close(): Promise<void>
  }
}

/** BullMQ on Redis: a flow of ten jobs, each the child of the next; each reads its child's value. */
export async function openBullMq({ redis }: Places): Promise<Engine> {
  const { FlowProducer, Worker } = await load<BullModule>('bullmq')
  const { port } = new URL(redis)
  const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null }
  const queueName = freshName('chain')
  const flows = new FlowProducer({ connection })
  const ended = new Map<string, (value: number) => void>()
  const early = new Map<string, number>()
  const worker = new Worker(
    queueName,
    async (job) => {
      const [before = 0] = Object.values(await job.getChildrenValues())
      return before + 1
    },
    { connection, concurrency: 100 },
  )
  worker.on('completed', (job, value) => {
    if (value !== chainLength) return
    const resolve = ended.get(job.id)
    if (resolve === undefined) early.set(job.id, value)
    else resolve(value)
    ended.delete(job.id)
  })
  worker.on('error', () => {})
  const flow = (step: number): FlowJob => ({
    name: `s${step}`,
    queueName,
    data: {},
    ...(step === 0 ? {} : { children: [flow(step - 1)] }),
  })
  const { read, close } = await redisFootprint(redis)
  return {
    async run() {
      const { job } = await flows.add(flow(chainLength - 1))
      const value = early.get(job.id)
      early.delete(job.id)
      return value ?? (await new Promise<number>((resolve) => ended.set(job.id, resolve)))
    },
    footprint: read,
    async close() {
      await worker.close()
      await flows.close()
      await close()
    },
  }
}
