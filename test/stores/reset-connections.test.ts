import { expect, onTestFinished, test, vi } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import { serverKinds, serverSpace, storesIn } from './server-space.ts'

const space = await serverSpace('reset')

const stores = storesIn(space)

/** What a docket asks again and again, over the pool and apart from it. */
const calls: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'a renewal': (store: Store) => store.renewOwner('owner', 60_000),
  'the time': (store: Store) => store.time!(),
  'a read': (store: Store) => store.get(['none']),
}

test.each(
  serverKinds.flatMap((kind) =>
    (['cut', 'reset'] as const).flatMap((how) => Object.keys(calls).map((name) => [kind, how, name] as const)),
  ),
)('over %s, connections that are %s while %s is under way are made anew', async (kind, how, name) => {
  const proxy = await startStallingProxy(await serverUrl(kind))
  onTestFinished(() => proxy.stop())
  const store = stores[kind](proxy.url)
  await store.open()
  onTestFinished(() => store.close())
  const call = (): Promise<unknown> => calls[name]!(store)
  await call()
  // Any answer from now on is kept back.
  proxy.muteAfter('')
  const lost = call().catch(() => {})
  await vi.waitUntil(() => proxy.muted > 0)
  proxy.muteAfter(undefined)
  proxy[how]()
  await lost
  // Each connection of a pool may say once that it is lost.
  await vi.waitFor(call, { timeout: 5_000, interval: 20 })
  expect(await store.renewOwner('owner', 60_000)).toBe(true)
  expect(await store.get(['none'])).toEqual([undefined])
})
