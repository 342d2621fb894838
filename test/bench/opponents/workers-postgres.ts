import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { load } from '../packages.ts'
import { machineNow } from '../workers/worker-engine.ts'
import type { WorkDoer, WorkerPlace, WorkStarter } from '../workers/worker-engine.ts'

interface Opened {
  readonly starter: () => Promise<WorkStarter>
  readonly doer: () => Promise<WorkDoer>
}

/** What one has to do, and the note that it has done it. */
class Done implements Pick<WorkDoer, 'done' | 'began'> {
  done = 0
  readonly began = new Map<string, number>()

  async work(id: string, workMs: number): Promise<void> {
    this.began.set(id, machineNow())
    if (workMs > 0) await sleep(workMs)
  }
}

interface BossModule {
  readonly PgBoss: new (options: object) => {
    start(): Promise<unknown>
    createQueue(name: string): Promise<unknown>
    send(name: string, data: object, options?: object): Promise<unknown>
    work(
      name: string,
      options: object,
      work: (jobs: readonly { readonly data: { readonly id: string } }[]) => Promise<unknown>,
    ): Promise<unknown>
    on(event: 'error', listener: () => void): void
    stop(options?: object): Promise<unknown>
  }
}

/** pg-boss: as many jobs to a fetch as there are slots, and the next fetch at once while they are full; what a job returns is kept with it. */
export function pgBoss({ places, name, slots, workMs }: WorkerPlace): Opened {
  const open = async () => {
    const { PgBoss } = await load<BossModule>('pg-boss')
    const boss = new PgBoss({ connectionString: places.postgres, schema: name })
    boss.on('error', () => {})
    await boss.start()
    await boss.createQueue('orders').catch(() => {})
    return boss
  }
  return {
    async starter() {
      const boss = await open()
      return {
        start: async (id) => void (await boss.send('orders', { id })),
        close: async () => void (await boss.stop({ graceful: false })),
      }
    },
    async doer() {
      const boss = await open()
      const done = new Done()
      // Without the burst it would take one batch in half a second, the shortest pause that it has.
      const options = { batchSize: slots, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }
      await boss.work('orders', options, async (jobs) => {
        await Promise.all(jobs.map(({ data }) => done.work(data.id, workMs)))
        done.done += jobs.length
        return jobs.map(({ data }) => data.id)
      })
      return Object.assign(done, { close: async () => void (await boss.stop({ graceful: false })) })
    },
  }
}

interface GraphileModule {
  run(options: object): Promise<{ stop(): Promise<void> }>
  makeWorkerUtils(options: object): Promise<{
    migrate(): Promise<void>
    addJob(task: string, payload: object): Promise<unknown>
    release(): Promise<void>
  }>
}

/** graphile-worker, with the result of each job written by the job itself: it keeps none. */
export function graphileWorker({ places, name, slots, workMs }: WorkerPlace): Opened {
  const options = { connectionString: places.postgres, schema: name }
  return {
    async starter() {
      const { makeWorkerUtils } = await load<GraphileModule>('graphile-worker')
      const utils = await makeWorkerUtils(options)
      await utils.migrate()
      const client = new pg.Client(places.postgres)
      await client.connect()
      await client.query(`create table if not exists ${name}_results (id text primary key, value text)`)
      await client.end()
      return {
        start: async (id) => void (await utils.addJob('order', { id })),
        close: () => utils.release(),
      }
    },
    async doer() {
      const { run } = await load<GraphileModule>('graphile-worker')
      const done = new Done()
      const pool = new pg.Pool({ connectionString: places.postgres, max: slots })
      const taskList = {
        order: async (payload: { readonly id: string }) => {
          await done.work(payload.id, workMs)
          await pool.query(`insert into ${name}_results values ($1, $1) on conflict do nothing`, [payload.id])
          done.done++
        },
      }
      const silent = { ...options, concurrency: slots, noHandleSignals: true, taskList }
      const runner = await run(silent)
      return Object.assign(done, {
        async close() {
          await runner.stop()
          await pool.end()
        },
      })
    },
  }
}

interface DbosModule {
  readonly DBOS: {
    setConfig(config: Record<string, unknown>): void
    registerWorkflow(run: (id: string) => Promise<string>, options: { name: string }): unknown
    runStep(run: () => Promise<string>, options: { name: string }): Promise<string>
    startWorkflow(
      workflow: unknown,
      options: { workflowID: string; queueName: string },
    ): (id: string) => Promise<unknown>
    registerQueue(name: string, options: object): Promise<unknown>
    launch(): Promise<void>
    shutdown(): Promise<void>
  }
}

/** DBOS: a workflow of one step, by way of a queue. */
export function dbosQueue({ places, name, slots, workMs }: WorkerPlace): Opened {
  const open = async (done: Done, listenQueues: readonly string[]) => {
    const { DBOS } = await load<DbosModule>('@dbos-inc/dbos-sdk')
    const url = new URL(places.postgres)
    url.pathname = `/${name}`
    DBOS.setConfig({
      name: 'bench',
      systemDatabaseUrl: url.href,
      systemDatabasePoolSize: 20,
      listenQueues,
      logLevel: 'error',
    })
    const workflow = DBOS.registerWorkflow(
      async (id) => {
        const value = await DBOS.runStep(
          async () => {
            await done.work(id, workMs)
            return id
          },
          { name: 'charge' },
        )
        done.done++
        return value
      },
      { name: 'order' },
    )
    await DBOS.launch()
    await DBOS.registerQueue('orders', { workerConcurrency: slots, minPollingIntervalMs: 50 })
    return { DBOS, workflow }
  }
  return {
    async starter() {
      // It would run them as well, where nobody counts them.
      const { DBOS, workflow } = await open(new Done(), [])
      return {
        start: async (id) => void (await DBOS.startWorkflow(workflow, { workflowID: id, queueName: 'orders' })(id)),
        close: () => DBOS.shutdown(),
      }
    },
    async doer() {
      const done = new Done()
      const { DBOS } = await open(done, ['orders'])
      return Object.assign(done, { close: () => DBOS.shutdown() })
    },
  }
}
