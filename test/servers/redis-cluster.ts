import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis, withRedis } from './redis.ts'
import type { RedisOptions } from './redis.ts'
import type { TestServer } from './test-server.ts'

/** Three masters that share the slots; no replicas. */
export interface TestRedisCluster extends AsyncDisposable {
  readonly urls: readonly string[]
  /** Each can be killed and restarted alone. */
  readonly nodes: readonly TestServer[]
  stop(): Promise<void>
}

const slots = 16_384

/** Starts a Redis Cluster of one's own, empty. */
export async function startRedisCluster(options: Omit<RedisOptions, 'port'> = {}): Promise<TestRedisCluster> {
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000', ...options.settings }
  const started = await Promise.allSettled([1, 2, 3].map(() => startRedis({ ...options, settings })))
  const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    for (const result of started) if (result.status === 'rejected') throw result.reason
    await join(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  return { urls: nodes.map(({ url }) => url), nodes, stop, [Symbol.asyncDispose]: stop }
}

async function join(nodes: readonly TestServer[]): Promise<void> {
  await Promise.all(
    nodes.map(({ port }, index) =>
      withRedis(port, async (client) => {
        const first = Math.round((slots * index) / nodes.length)
        const end = Math.round((slots * (index + 1)) / nodes.length)
        const own = Array.from({ length: end - first }, (_, offset) => first + offset)
        await client.call('CLUSTER', 'ADDSLOTS', ...own)
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
      }),
    ),
  )
  const [first, ...others] = nodes
  await withRedis(first!.port, async (client) => {
    for (const { port } of others) await client.call('CLUSTER', 'MEET', '127.0.0.1', port)
  })
  const deadline = Date.now() + 30_000
  while (!(await Promise.all(nodes.map(({ port }) => knowsAll(port, nodes.length)))).every(Boolean)) {
    if (Date.now() > deadline) throw new Error('the nodes of the Redis Cluster did not find each other within 30 s')
    await sleep(20)
  }
}

function knowsAll(port: number, size: number): Promise<boolean> {
  return withRedis(port, async (client) => {
    const info = String(await client.call('CLUSTER', 'INFO'))
    return info.includes('cluster_state:ok') && info.includes(`cluster_size:${size}`)
  })
}
