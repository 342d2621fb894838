import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import type { Engine } from '../../src/core/contracts/engine.ts'
import type { EngineSpace } from '../../src/testing/index.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import type { StallingProxy } from '../servers/stalling-proxy.ts'

/** Short, so that what a dead process held comes back within seconds. */
export const brief = { lock: '1s', stalled: '1s' } as const

/** Engines of one prefix, each of which can be cut off from the server as if its process was dead. */
export function mortalEngines(url: string, prefix: string): Required<EngineSpace> {
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
    },
  }
}

/** An engine whose server is known only when it is opened. */
function lateEngine(make: () => Promise<Engine>): Engine {
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
