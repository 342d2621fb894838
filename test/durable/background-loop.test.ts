import { expect, test } from 'vitest'
import { line, Third } from './line.ts'
import { World } from './durable-time.ts'
import { outage, refusal, WatchedStore } from './watched-store.ts'

test('a store that refuses the mail gives executions of dead processes all the same', async () => {
  const world = new World()
  const { line: graph } = line({
    second: {
      run: async (value) => {
        await world.clock.sleep(60_000)
        return value
      },
    },
  })
  const dying = world.mortal({ graphs: [graph] })
  await world.clock.settle(dying.docket.start(graph, Third, { Seed: 1 }, { id: 'left' }))
  dying.die()
  const watched = new WatchedStore(world.store)
  watched.before = ({ name }) => {
    if (name === 'readMail') throw refusal()
  }
  const docket = world.process({ graphs: [graph], store: watched.store })
  await world.clock.settle(docket.start(graph, Third, { Seed: 1 }, { id: 'own' }))
  await world.clock.advance(30_000)
  const [left] = await world.store.get(['left'])
  expect(left!.owner).toMatch(/^process-2:/)
  expect(watched.count('purgeResults')).toBeGreaterThan(0)
})

test('a process whose lease is over asks a store that is away a few times in a second, however much waits there', async () => {
  const world = new World()
  const slow = { run: (value: number) => world.clock.sleep(60_000).then(() => value) }
  const { line: graph } = line({ second: slow })
  const helper = world.process({ graphs: [graph], work: false })
  for (let index = 0; index < 10; index++)
    await world.clock.settle(helper.start(graph, Third, { Seed: 1 }, { id: String(index) }))
  const watched = new WatchedStore(world.store)
  world.process({ graphs: [graph], store: watched.store, work: { default: 2 } })
  await world.clock.advance(2_000)
  const begun = await world.store.list({ statuses: ['running', 'waiting'], limit: 10 })
  expect(begun).toHaveLength(2)
  watched.calls.length = 0
  watched.before = async () => {
    // So that a loop without a pause comes to an end.
    if (watched.calls.length > 10_000) await new Promise(() => {})
    throw outage()
  }
  await world.clock.advance(60_000)
  expect(watched.calls.length).toBeLessThan(3_000)
  watched.mend()
  await world.clock.advance(200_000)
  expect((await world.store.list({ statuses: ['completed'], limit: 10 })).length).toBeGreaterThan(2)
})
