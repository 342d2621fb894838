import { expect, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

const inputs = { Seed: 1 }

test('an execution that is started by its id just as this process takes it over begins once', async () => {
  const world = new World()
  const { line: doomed } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [doomed] })
  await docket.start(doomed, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()

  const asked = door<void>()
  const answered = door<void>()
  const store: Store = new Proxy(world.store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (key !== 'readSteps') return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      return async (...given: Parameters<Store['readSteps']>) => {
        asked.resolve()
        const page = await target.readSteps(...given)
        await answered.promise
        return page
      }
    },
  })
  const { line: graph, runs } = line({ second: { run: (value) => world.clock.sleep(100).then(() => value + 1) } })
  const heir = world.process({ graphs: [graph], store })
  await world.clock.settle(asked.promise)
  const starting = heir.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  answered.resolve()
  const handle = await world.clock.settle(starting)
  expect(await world.clock.settle(handle.result())).toBe(4)
  expect(runs).toEqual(['Second', 'Third'])
})
