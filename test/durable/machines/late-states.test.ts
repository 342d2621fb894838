import { expect, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import { graph } from '../../../src/index.ts'
import { alteredStore } from '../altered-store.ts'
import { World } from '../durable-time.ts'
import { adding } from './adding.ts'
import { Plus, Sum, Total } from './sums.ts'

test('a machine that has timed out while its store was away is left where it was: tried again, it takes what came once', async () => {
  const world = new World()
  const sums = graph({ name: 'sums', steps: [adding('1s')] })
  let isAway = false
  const store = alteredStore(world.store, (method, ask) => {
    if (!isAway || method !== 'commit') return ask()
    return world.clock.sleep(2_000).then(() => {
      throw new StoreError('test', 'no answer in time', true)
    })
  })
  const docket = world.process({ graphs: [sums], store })
  const handle = await world.clock.settle(docket.start(sums, Sum, {}, { id: 'a' }))
  await world.clock.settle(handle.signal(Plus, 1))
  await world.clock.advance(100)
  isAway = true
  await world.clock.settle(handle.signal(Plus, 10))
  await world.clock.advance(1_500)
  isAway = false
  await world.clock.advance(1_000)
  await expect(world.clock.settle(handle.result())).rejects.toThrow('Sums')
  const again = await world.clock.settle(docket.retry('a'))
  await world.clock.settle(again.signal(Total, true))
  expect(await world.clock.settle(again.result())).toBe(11)
})
