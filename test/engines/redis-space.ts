import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import type { EngineSpace, InterruptibleEngineSpace } from '../../src/testing/index.ts'
import { startRedis } from '../servers/redis.ts'
import { brief, mortalEngines } from './mortal-engines.ts'

/** A prefix of its own on one Redis, or on a cluster; its keys are removed. */
export function redisEngineSpace(urls: readonly string[], isCluster: boolean): EngineSpace {
  const prefix = `test-${randomUUID().slice(0, 12)}`
  return {
    createEngine: () =>
      bullmqEngine(isCluster ? { cluster: [...urls], prefix, ...brief } : { connection: urls[0]!, prefix, ...brief }),
    async dispose() {
      for (const url of urls) await removeKeys(url, prefix)
    },
  }
}

/** The same, where each process can be cut off from the server as if it was dead. */
export function mortalRedisSpace(url: string): EngineSpace {
  const prefix = `test-${randomUUID().slice(0, 12)}`
  const engines = mortalEngines(url, prefix)
  return {
    ...engines,
    async dispose() {
      await engines.dispose()
      await removeKeys(url, prefix)
    },
  }
}

/** A Redis of its own that can be away. */
export async function interruptibleRedisEngineSpace(): Promise<InterruptibleEngineSpace> {
  const server = await startRedis({ appendonly: 'always' })
  return {
    createEngine: () => bullmqEngine({ connection: server.url, timeout: '1s', ...brief }),
    goAway: () => server.kill(),
    comeBack: () => server.restart(),
    dispose: () => server.stop(),
  }
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const client = new Redis(url)
  try {
    for await (const keys of client.scanStream({ match: `*${prefix}*`, count: 1_000 }) as AsyncIterable<string[]>)
      await Promise.all(keys.map((key) => client.unlink(key)))
  } finally {
    client.disconnect()
  }
}
