import { expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { watchClientSockets } from '../servers/client-sockets.ts'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import { serverKinds, serverSpace, storesIn } from './server-space.ts'

const Out = dataType('Out', type<string>())
const fine = graph({
  name: 'fine',
  steps: [step({ name: 'Fine', output: Out, persist: 'execution', run: () => 'fine' })],
})

const space = await serverSpace('stalled')

const stores = storesIn(space)

test.each(serverKinds)(
  'a docket closes although its %s does not answer any more, and leaves no connection open',
  async (kind) => {
    using sockets = watchClientSockets()
    const proxy = await startStallingProxy(await serverUrl(kind))
    onTestFinished(() => proxy.stop())
    const docket = createDocket({ graphs: [fine], store: stores[kind](proxy.url), lease: '1s' })
    expect(await docket.execute(fine, Out, {}, { id: `fine ${space}` })).toBe('fine')
    proxy.stall()
    const looked = docket.list().catch(() => 'failed')
    await docket.close({ deadline: 100 })
    // Whoever waits is not left alone either.
    expect(await looked).toBe('failed')
    await vi.waitUntil(() => sockets.openTo([proxy.url]) === 0, { timeout: 15_000 })
  },
)
