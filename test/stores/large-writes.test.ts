import { expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import { serverSpace, storesIn } from './server-space.ts'

const space = await serverSpace('large')

const stores = { ...storesIn(space), redis: (url: string) => redisStore({ url, prefix: space, timeout: '30s' }) }

const Given = dataType('Given', type<string>())
const Size = dataType('Size', type<number>())
const Text = dataType('Text', type<string>())
const Shared = dataType('Shared', type<string>())
const Length = dataType('Length', type<number>())

const texts = graph({
  name: 'texts',
  steps: [
    step({
      name: 'Text',
      inputs: { size: Size, given: Given },
      output: Text,
      persist: 'execution',
      run: ({ size, given }) => given.slice(0, 1) + 'x'.repeat(size),
    }),
    step({
      name: 'Shared',
      inputs: { size: Size, given: Given },
      output: Shared,
      persist: 'global',
      run: ({ size, given }) => given.slice(0, 1) + 'y'.repeat(size),
    }),
    step({
      name: 'Length',
      inputs: { text: Text },
      output: Length,
      persist: 'execution',
      run: ({ text }) => text.length,
    }),
  ],
})

const megabyte = 1_000_000
const large = 1.5 * megabyte

test.each(['postgres', 'mysql', 'redis'] as const)(
  'while a large value is on its way to %s, in a commit, a start or a global result, all others go on',
  async (kind) => {
    const proxy = await startStallingProxy(await serverUrl(kind))
    onTestFinished(() => proxy.stop())
    const docket = createDocket({ graphs: [texts], store: stores[kind](proxy.url) })
    onTestFinished(() => docket.close({ deadline: 0 }))
    let count = 0
    const others = (): Promise<unknown> =>
      Promise.all(
        Array.from({ length: 20 }, () => {
          const id = `other ${count++}`
          return Promise.all([
            docket.execute(texts, Length, { Size: 1, Given: 'a' }, { id }),
            docket.execute(texts, Shared, { Size: 1, Given: id }, { id: `shared ${id}` }),
          ])
        }),
      )
    await others()
    const small = { Size: large, Given: 'a' }
    for (const begin of [
      () => docket.execute(texts, Length, small, { id: 'large value' }),
      () => docket.execute(texts, Length, { Size: 1, Given: 'b'.repeat(large) }, { id: 'large input' }),
      () => docket.execute(texts, Shared, small, { id: 'large result' }),
    ]) {
      proxy.holdAbove(megabyte)
      let hasEnded = false
      const slow = begin().finally(() => (hasEnded = true))
      await others()
      await others()
      await others()
      expect(hasEnded).toBe(false)
      expect(proxy.release()).toBe(1)
      await slow
    }
  },
)
