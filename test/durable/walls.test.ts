import { expect, test } from 'vitest'
import type { AcquireRequest, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const count = 2_500

/** A world in which very many executions wait that fit no process, a second apart, and a docket that has looked at all of them. */
async function walled() {
  const world = new World()
  const { line: graph } = line()
  const { line: other } = line({ name: 'other' })
  const helper = world.process({ graphs: [graph, other], takeOver: false })
  for (const one of [graph, other])
    await world.clock.settle(helper.execute(one, Third, { Seed: 1 }, { id: `model-${one.name}` }))
  const recordOf = async (id: string, more: Partial<NewExecution> = {}, name = 'line'): Promise<NewExecution> => {
    const [model] = await world.store.get([`model-${name}`])
    return { ...model!, id, owner: undefined, startedAt: undefined, createdAt: world.clock.now(), ...more }
  }
  const begunAt = world.clock.now() - count * 1_000
  const hopeless = Array.from({ length: count }, (_, index) => `hopeless-${index}`)
  for (const [index, id] of hopeless.entries())
    await world.store.create([await recordOf(id, { machineVersion: 99, createdAt: begunAt + index * 1_000 })])
  const watched = new WatchedStore(world.store)
  const docket = world.process({ graphs: [graph, other], store: watched.store })
  await world.clock.advance(5_000)
  const epochs = async (): Promise<number> =>
    (await world.store.get(hopeless)).reduce((sum, record) => sum + record!.epoch, 0)
  const statusOf = async (id: string) => (await world.store.get([id]))[0]!.status
  const create = async (...given: Parameters<typeof recordOf>): Promise<void> =>
    void (await world.store.create([await recordOf(...given)]))
  return { world, watched, docket, graph, begunAt, hopeless, epochs, statusOf, create }
}

test('executions behind very many that fit nobody here begin at the next look, of the same graph and of others', async () => {
  const { world, create, statusOf, epochs } = await walled()
  expect(await epochs()).toBe(count)
  await create('good')
  await create('good-other', {}, 'other')
  await world.clock.advance(600)
  expect([await statusOf('good'), await statusOf('good-other')]).toEqual(['completed', 'completed'])
  expect(await epochs()).toBe(count)
})

test('executions that others have given up begin among very many older and newer ones that fit nobody here', async () => {
  const { world, create, statusOf, begunAt, epochs } = await walled()
  const places = [-1, 0, 999, 1_000, 1_001, count / 2, count - 2].map((index) => begunAt + index * 1_000 + 500)
  for (const createdAt of places) await create(`given-up-${createdAt}`, { createdAt })
  await world.clock.advance(3_000)
  for (const createdAt of places) expect(await statusOf(`given-up-${createdAt}`)).toBe('completed')
  expect(await epochs()).toBe(count)
})

test('resume() finds at once what others have given up among them', async () => {
  const { world, create, docket, begunAt, statusOf } = await walled()
  for (const index of [3, count - 3]) await create(`given-up-${index}`, { createdAt: begunAt + index * 1_000 + 500 })
  await world.clock.settle(docket.resume())
  await world.clock.advance(10)
  for (const index of [3, count - 3]) expect(await statusOf(`given-up-${index}`)).toBe('completed')
})

test('what a dead process had among them is taken over as soon as its lease is over', async () => {
  const { world, create, statusOf, begunAt } = await walled()
  await world.store.renewOwner('dead', 60_000)
  await create('left', { owner: 'dead', createdAt: begunAt + 500 })
  await world.store.endOwner('dead')
  await world.clock.advance(600)
  expect(await statusOf('left')).toBe('completed')
})

test('to look past very many that fit nobody here costs a few calls, each of which names few, and changes nothing', async () => {
  const { world, watched, epochs } = await walled()
  watched.calls.length = 0
  await world.clock.advance(20_000)
  const requests = watched.calls.filter(({ name }) => name === 'acquire').map(({ given }) => given[0] as AcquireRequest)
  expect(requests.length).toBeLessThanOrEqual(3 * 41)
  for (const { except = [] } of requests) expect(except.length).toBeLessThanOrEqual(1_000)
  expect(await epochs()).toBe(count)
})

test('those that fit nobody here are tried again after a minute, and then less and less often', async () => {
  const { world, epochs } = await walled()
  await world.clock.advance(90_000)
  expect(await epochs()).toBe(2 * count)
  await world.clock.advance(80_000)
  expect(await epochs()).toBe(2 * count)
  await world.clock.advance(80_000)
  expect(await epochs()).toBe(3 * count)
})

test('one that is mended among them goes on', async () => {
  const { world, hopeless, statusOf, create } = await walled()
  const [before] = await world.store.acquire({ owner: 'mender', ids: [hopeless[7]!], limit: 1 })
  const { id, epoch, createdAt } = before!.execution
  await world.store.delete([{ id, owner: 'mender', epoch }])
  await create(id, { createdAt })
  await world.clock.advance(90_000)
  expect(await statusOf(id)).toBe('completed')
})
