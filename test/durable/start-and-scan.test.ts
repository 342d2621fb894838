import { expect, test } from 'vitest'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

test('a call that meets this process’s own scan counts the attempt that the last owner died of', async () => {
  const world = new World()
  const attempts: number[] = []
  const { line: graph } = line({
    second: {
      retry: { maxAttempts: 3 },
      run: (value, { attempt }) => {
        attempts.push(attempt)
        return attempts.length === 1 ? new Promise<number>(() => {}) : value + 1
      },
    },
  })
  const { docket, die } = world.mortal({ graphs: [graph] })
  await docket.start(graph, Third, { Seed: 1 }, { id: 'a' })
  await world.clock.advance(100)
  die()
  await world.clock.advance(10_000)
  const watched = new WatchedStore(world.store)
  watched.before = async ({ name }) => {
    if (name === 'create') await world.clock.sleep(50)
  }
  const survivor = world.process({ graphs: [graph], store: watched.store })
  const result = survivor.execute(graph, Third, { Seed: 1 }, { id: 'a' })
  expect(await world.clock.settle(result)).toBe(4)
  expect(attempts).toEqual([1, 2])
})
