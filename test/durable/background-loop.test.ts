import { expect, test } from 'vitest'
import { line, Third } from './line.ts'
import { World } from './durable-time.ts'
import { refusal, WatchedStore } from './watched-store.ts'

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
