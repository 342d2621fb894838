import { expect, test } from 'vitest'
import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import type { Docket } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

/** Two of three steps have begun of the execution `a`, whose process has died; another one has been given it, and does not know it yet. */
async function lateLook() {
  const world = new World()
  let isFirst = true
  const { runs, line: graph } = line({
    second: {
      run: (value) => {
        const hangs = isFirst
        isFirst = false
        return hangs ? new Promise<number>(() => {}) : value + 1
      },
    },
  })
  const { docket: first, die } = world.mortal({ graphs: [graph] })
  await first.start(graph, Third, { Seed: 1 }, { id: 'a' })
  await world.clock.advance(100)
  die()
  await world.clock.advance(10_000)
  const [look, deletion] = [door<void>(), door<void>()]
  let holdsDeletion = false
  const store = alteredStore(world.store, (method, ask, [request]) => {
    if (method === 'acquire' && (request as AcquireRequest).ids === undefined) {
      const answer = ask()
      return look.promise.then(() => answer)
    }
    return method === 'delete' && holdsDeletion ? deletion.promise.then(ask) : ask()
  })
  const docket: Docket = world.process({ graphs: [graph], store })
  await world.clock.advance(1_000)
  expect(await world.store.get(['a'])).toMatchObject([{ owner: expect.stringMatching('process-2'), epoch: 2 }])
  expect(runs).toEqual(['First', 'Second'])
  const hold = (): void => void (holdsDeletion = true)
  return { world, graph, docket, runs, bring: () => look.resolve(), hold, letGo: () => deletion.resolve() }
}

test('an execution that was deleted before this process’s look for work brings it runs nothing', async () => {
  const { world, docket, runs, bring } = await lateLook()
  expect(await world.clock.settle(docket.delete('a'))).toBe(true)
  bring()
  await world.clock.advance(10_000)
  expect(runs).toEqual(['First', 'Second'])
})

test('an execution that this process’s look for work brings while it is being deleted runs nothing', async () => {
  const { world, docket, runs, bring, hold, letGo } = await lateLook()
  hold()
  const isDeleted = docket.delete('a')
  await world.clock.advance(100)
  bring()
  await world.clock.advance(100)
  letGo()
  expect(await world.clock.settle(isDeleted)).toBe(true)
  await world.clock.advance(10_000)
  expect(runs).toEqual(['First', 'Second'])
})

test('an execution that is started anew under the id of a deleted one is not mixed up with what a look for work brings of that', async () => {
  const { world, graph, docket, runs, bring } = await lateLook()
  expect(await world.clock.settle(docket.delete('a'))).toBe(true)
  const handle = await world.clock.settle(docket.start(graph, Third, { Seed: 1 }, { id: 'a' }))
  bring()
  expect(await world.clock.settle(handle.result())).toBe(4)
  await world.clock.advance(10_000)
  expect(runs).toEqual(['First', 'Second', 'First', 'Second', 'Third'])
})
