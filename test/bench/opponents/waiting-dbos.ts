import { setTimeout as sleep } from 'node:timers/promises'
import type { Places } from '../durable/engine.ts'
import { load } from '../packages.ts'
import { inLanes, sharedNow } from '../waiting/waiting-engine.ts'
import type { Begun, SignalSender, WaitingEngine } from '../waiting/waiting-engine.ts'

interface Handle {
  readonly workflowID: string
  getResult(): Promise<number>
}

interface DbosModule {
  readonly DBOS: {
    setConfig(config: Record<string, unknown>): void
    registerWorkflow<Given>(
      run: (given: Given) => Promise<number>,
      options: { name: string },
    ): (given: Given) => Promise<number>
    runStep(run: () => Promise<number>, options: { name: string }): Promise<number>
    startWorkflow<Given>(
      workflow: (given: Given) => Promise<number>,
      options?: { workflowID: string },
    ): (given: Given) => Promise<Handle>
    send(destination: string, message: string, topic: string): Promise<void>
    recv(topic: string, timeoutSeconds: number): Promise<string | null>
    sleep(ms: number): Promise<void>
    launch(): Promise<void>
    shutdown(): Promise<void>
  }
  readonly DBOSClient: {
    create(options: { systemDatabaseUrl: string }): Promise<{
      send(destination: string, message: string, topic: string): Promise<void>
      destroy(): Promise<void>
    }>
  }
}

const topic = 'go'
const patienceSeconds = 120

function databaseOf({ postgres }: Places): string {
  const url = new URL(postgres)
  url.pathname = '/dbos'
  return url.href
}

/** DBOS on PostgreSQL: `recv`, `sleep` and a child workflow. */
export async function openWaitingDbos(places: Places, begun: Begun): Promise<WaitingEngine & SignalSender> {
  const { DBOS } = await load<DbosModule>('@dbos-inc/dbos-sdk')
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: databaseOf(places),
    systemDatabasePoolSize: 20,
    logLevel: 'error',
  })
  const waiting = new Map<string, () => void>()
  const receive = DBOS.registerWorkflow<string>(
    async (key) => {
      waiting.get(key)?.()
      await DBOS.recv(topic, patienceSeconds)
      return DBOS.runStep(
        async () => {
          begun.note(key)
          return 1
        },
        { name: 'begin' },
      )
    },
    { name: 'receive' },
  )
  const child = DBOS.registerWorkflow<number>((seed) => DBOS.runStep(async () => seed + 1, { name: 'make' }), {
    name: 'child',
  })
  const parent = DBOS.registerWorkflow<number>(
    async (seed) => {
      const start = sharedNow()
      const handle = await DBOS.startWorkflow(child)(seed)
      await handle.getResult()
      return sharedNow() - start
    },
    { name: 'parent' },
  )
  const sleeping = { begun: 0 }
  const sleeper = DBOS.registerWorkflow<number>(
    async (until) => {
      sleeping.begun++
      await DBOS.sleep(until - Date.now())
      return DBOS.runStep(
        async () => {
          begun.woke(until)
          return 1
        },
        { name: 'wake' },
      )
    },
    { name: 'sleeper' },
  )
  await DBOS.launch()
  return {
    async wait(key) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.set(key, resolve)
      await DBOS.startWorkflow(receive, { workflowID: key })(key)
      await promise
      waiting.delete(key)
      return key
    },
    send: (id) => DBOS.send(id, 'go', topic),
    child: () => parent(1),
    async sleep(count, until) {
      await inLanes(count, 50, () => DBOS.startWorkflow(sleeper)(until))
      while (sleeping.begun < count) await sleep(50)
    },
    close: () => DBOS.shutdown(),
  }
}

export async function openDbosSender(places: Places): Promise<SignalSender> {
  const { DBOSClient } = await load<DbosModule>('@dbos-inc/dbos-sdk')
  const client = await DBOSClient.create({ systemDatabaseUrl: databaseOf(places) })
  return { send: (id) => client.send(id, 'go', topic), close: () => client.destroy() }
}
