import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import type { Engine } from '../../src/core/contracts/engine.ts'
import type { EngineSpace, InterruptibleEngineSpace } from '../../src/testing/index.ts'
import { startRedis } from '../servers/redis.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import type { StallingProxy } from '../servers/stalling-proxy.ts'

/** Short, so that what a dead process held comes back within seconds. */
const brief = { lock: '1s', stalled: '1s' } as const

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
  const space = redisEngineSpace([url], false)
  const prefix = `test-${randomUUID().slice(0, 12)}`
  const proxies = new Map<Engine, Promise<StallingProxy>>()
  return {
    createEngine() {
      const proxy = startStallingProxy(url)
      const engine = lateEngine(async () => bullmqEngine({ connection: (await proxy).url, prefix, ...brief }))
      proxies.set(engine, proxy)
      return engine
    },
    kill: async (engine) => (await proxies.get(engine)!).stall(),
    async dispose() {
      for (const proxy of proxies.values()) await (await proxy).stop()
      await removeKeys(url, prefix)
      await space.dispose?.()
    },
  }
}

/** An engine whose server is known only when it is opened. */
export function lateEngine(make: () => Promise<Engine>): Engine {
  const engine = make()
  return {
    name: 'bullmq',
    capabilities: bullmqEngine({ connection: 'redis://nowhere' }).capabilities,
    open: async (host) => (await engine).open(host),
    wake: async (wakes) => (await engine).wake(wakes),
    consume: async (queue, slots, use) => (await engine).consume(queue, slots, use),
    close: async () => (await engine).close(),
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
