import { Redis } from 'ioredis'
import { redisStore } from '../../stores/redis/index.ts'
import type { InterruptibleSpace, StoreSpace } from '../../src/testing/conformance/index.ts'
import { startRedisCluster } from '../servers/redis-cluster.ts'
import { startRedis } from '../servers/redis.ts'

/** A prefix of its own on one Redis, or on a cluster; its keys are removed. */
export function redisSpace(urls: readonly string[], isCluster: boolean): StoreSpace {
  const prefix = `test-${crypto.randomUUID()}`
  return {
    createStore: () => redisStore(isCluster ? { cluster: [...urls], prefix } : { url: urls[0]!, prefix }),
    async dispose() {
      for (const url of isCluster ? urls : urls.slice(0, 1)) await removeKeys(url, prefix)
    },
  }
}

/** A Redis of its own that keeps its data while it is away. */
export async function interruptibleRedisSpace(): Promise<InterruptibleSpace> {
  const server = await startRedis({ appendonly: 'always' })
  return {
    createStore: () => redisStore({ url: server.url }),
    goAway: () => server.kill(),
    comeBack: () => server.restart(),
    dispose: () => server.stop(),
  }
}

/** The same of a cluster: all its nodes are away together. */
export async function interruptibleClusterSpace(): Promise<InterruptibleSpace> {
  const { nodes, urls, stop } = await startRedisCluster({ appendonly: 'always' })
  return {
    createStore: () => redisStore({ cluster: [...urls] }),
    goAway: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
    comeBack: async () => void (await Promise.all(nodes.map((node) => node.restart()))),
    dispose: stop,
  }
}

export async function removeKeys(url: string, prefix: string): Promise<void> {
  const client = new Redis(url)
  try {
    for await (const keys of client.scanStream({ match: `*${prefix}*`, count: 1_000 }) as AsyncIterable<string[]>)
      await Promise.all(keys.map((key) => client.unlink(key)))
  } finally {
    client.disconnect()
  }
}
