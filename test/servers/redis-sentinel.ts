import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { redisProgram, startRedis, withRedis } from './redis.ts'
import { startServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

/** A master with a replica, and a Sentinel that makes the replica the master once that is away for half a second. */
export interface TestSentinel extends AsyncDisposable {
  /** Of the Sentinel. */
  readonly port: number
  /** What the master is called. */
  readonly name: string
  readonly master: TestServer
  /** Resolves when the replica is the master. */
  untilFailover(): Promise<void>
}

const name = 'mymaster'
const patienceMs = 30_000

export async function startSentinel(): Promise<TestSentinel> {
  await using started = new AsyncDisposableStack()
  const master = started.use(await startRedis())
  const replica = started.use(await startRedis({ settings: { replicaof: `127.0.0.1 ${master.port}` } }))
  const port = await freePort()
  const program = await redisProgram()
  const sentinel = started.use(
    await startServer({
      name: 'redis-sentinel',
      port,
      url: `redis://127.0.0.1:${port}`,
      goodSignal: 'SIGTERM',
      // It writes into its file what it finds.
      prepare: async (folder) => writeFileSync(fileIn(folder), settingsOf(port, master.port)),
      command: (folder) => ({ command: program, args: [fileIn(folder), '--sentinel'], lastSignal: 'SIGKILL' }),
      check: () => withRedis(port, async (client) => void (await client.ping())),
    }),
  )
  await until(async () => (await ask(sentinel.port, 'REPLICAS', name)).length === 1)
  const servers = started.move()
  return {
    port,
    name,
    master,
    untilFailover: () =>
      until(async () => Number((await ask(port, 'GET-MASTER-ADDR-BY-NAME', name))[1]) === replica.port),
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  }
}

function fileIn(folder: string): string {
  return join(folder, 'sentinel.conf')
}

function settingsOf(port: number, master: number): string {
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    'daemonize no',
    `sentinel monitor ${name} 127.0.0.1 ${master} 1`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 2000`,
  ]
  return `${lines.join('\n')}\n`
}

function ask(port: number, ...words: string[]): Promise<readonly unknown[]> {
  return withRedis(port, async (client) => (await client.call('SENTINEL', ...words)) as readonly unknown[])
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await isTrue()); await sleep(50))
    if (Date.now() > deadline) throw new Error(`the Sentinel did not do it within ${patienceMs} ms`)
}
