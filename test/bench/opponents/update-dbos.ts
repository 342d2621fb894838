import type { Places } from '../durable/engine.ts'
import type { UpdateEngine, UpdateSender } from '../durable/update-engine.ts'
import { load } from '../packages.ts'

interface DbosModule {
  readonly DBOS: {
    setConfig(config: Record<string, unknown>): void
    registerWorkflow<Given>(
      run: (given: Given) => Promise<number>,
      options: { name: string },
    ): (given: Given) => Promise<number>
    startWorkflow<Given>(
      workflow: (given: Given) => Promise<number>,
      options?: { workflowID: string },
    ): (given: Given) => Promise<unknown>
    send(destination: string, message: Request, topic: string): Promise<void>
    recv(topic: string, timeoutSeconds: number): Promise<Request | null>
    setEvent(name: string, value: number): Promise<void>
    getEvent(id: string, name: string, timeoutSeconds: number): Promise<number | null>
    launch(): Promise<void>
    shutdown(): Promise<void>
  }
  readonly DBOSClient: {
    create(options: { systemDatabaseUrl: string }): Promise<{
      send(destination: string, message: Request, topic: string): Promise<void>
      getEvent(id: string, name: string, timeoutSeconds: number): Promise<number | null>
      destroy(): Promise<void>
    }>
  }
}

interface Request {
  readonly number: number
  readonly value: number
}

const topic = 'add'
const patienceSeconds = 60
let last = 0

function databaseOf({ postgres }: Places): string {
  const url = new URL(postgres)
  url.pathname = '/dbos'
  return url.href
}

function nextNumber(): number {
  return process.pid * 1e6 + ++last
}

/** DBOS has no updates: a message, and an event of the workflow that answers it. */
export async function openDbosUpdates(places: Places): Promise<UpdateEngine> {
  const { DBOS } = await load<DbosModule>('@dbos-inc/dbos-sdk')
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: databaseOf(places),
    systemDatabasePoolSize: 20,
    logLevel: 'error',
  })
  const sums = DBOS.registerWorkflow<number>(
    async (start) => {
      let sum = start
      for (let count = 0; count < 1_000; count++) {
        const request = await DBOS.recv(topic, patienceSeconds)
        if (request === null) break
        sum += request.value
        await DBOS.setEvent(String(request.number), sum)
      }
      return sum
    },
    { name: 'sums' },
  )
  await DBOS.launch()
  return {
    begin: async (key) => void (await DBOS.startWorkflow(sums, { workflowID: key })(0)),
    async update(key, value) {
      const number = nextNumber()
      await DBOS.send(key, { number, value }, topic)
      return (await DBOS.getEvent(key, String(number), patienceSeconds)) ?? Number.NaN
    },
    close: () => DBOS.shutdown(),
  }
}

export async function openDbosUpdateSender(places: Places): Promise<UpdateSender> {
  const { DBOSClient } = await load<DbosModule>('@dbos-inc/dbos-sdk')
  const client = await DBOSClient.create({ systemDatabaseUrl: databaseOf(places) })
  return {
    async update(key, value) {
      const number = nextNumber()
      await client.send(key, { number, value }, topic)
      return (await client.getEvent(key, String(number), patienceSeconds)) ?? Number.NaN
    },
    close: () => client.destroy(),
  }
}
