import { expect, test } from 'vitest'
import { dataType, graph, step, type, untypedWorkflow } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { hostileEngine } from '../../src/testing/index.ts'
import { World } from './durable-time.ts'

const Text = dataType('Text', type<string>())
const say = step({ name: 'say', inputs: { text: Text }, output: Text, run: ({ text }) => text })
const steps = [say]

/** A workflow with a node in another queue. */
function drawn(name: string) {
  return untypedWorkflow(name)
    .add('here', say, { text: 'here' })
    .add('there', say, { text: 'there' }, { dependsOn: ['here'], queue: 'gpu' })
}

/** The store, and the names that were looked for last. */
function watched(inner: Store): { readonly store: Store; names(): readonly string[] } {
  let names: readonly string[] = []
  const store = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (key !== 'acquire') return typeof value === 'function' ? (value.bind(target) as unknown) : value
      return (request: Parameters<Store['acquire']>[0]) => {
        names = request.graphs ?? []
        return target.acquire(request)
      }
    },
  })
  return { store, names: () => names }
}

test('a worker that has never met a workflow begins its node in another queue within a second', async () => {
  const world = new World()
  const docket = world.process({ graphs: [], steps, work: { default: 2 } })
  const worker = world.process({ graphs: [], steps, work: { gpu: 1 } })
  await world.clock.advance(6_100)
  for (const id of ['a', 'b', 'c']) {
    const handle = await world.clock.settle(docket.start(drawn(`flow ${id}`), { id }))
    await world.clock.advance(1_600)
    expect((await world.clock.settle(handle.details())).status).toBe('completed')
  }
  for (const one of [docket, worker]) await world.clock.settle(one.close({ deadline: 0 }))
})

test('names of workflows of which nothing is open are looked for no more, and again when there is something', async () => {
  const world = new World()
  const { store, names } = watched(world.store)
  const docket = world.process({ graphs: [], steps, work: { default: 2 } })
  world.process({ graphs: [], steps, work: { gpu: 1 }, store })
  const run = async (name: string, id: string): Promise<void> => {
    await world.clock.settle(docket.start(drawn(name), { id }))
    await world.clock.advance(3_000)
    expect((await world.store.get([id]))[0]?.status).toBe('completed')
  }
  for (let index = 0; index < 20; index++) await run(`flow ${index}`, `x${index}`)
  expect(names().length).toBeLessThanOrEqual(20)
  await world.clock.advance(30_000)
  await run('flow 3', 'again')
  expect(names()).toEqual(['flow 3/there'])
})

test('what waits is looked for as long as it is open', async () => {
  const world = new World()
  const { store, names } = watched(world.store)
  // The store closes with the last docket that uses it.
  world.process({ graphs: [], takeOver: false })
  const docket = world.process({ graphs: [], steps, work: { default: 2 } })
  const startAt = new Date(world.clock.now() + 600_000)
  await world.clock.settle(docket.start(drawn('later'), { id: 'later', startAt }))
  world.process({ graphs: [], steps, work: { default: 1, gpu: 1 }, store })
  await world.clock.advance(300_000)
  expect(names()).toContain('later')
  await world.clock.settle(docket.close({ deadline: 0 }))
  await world.clock.advance(310_000)
  expect((await world.store.get(['later']))[0]?.status).toBe('completed')
})

test('a schedule of a workflow fires at its times where nothing else of the workflow is open', async () => {
  const world = new World()
  const api = world.process({ graphs: [], steps, work: { default: 2, gpu: 2 } })
  const flow = drawn('nightly')
  await world.clock.settle(api.start(flow, { id: 'x' }))
  await world.clock.settle(api.schedule('nightly', { graph: flow, target: flow.results, inputs: {}, every: '1h' }))
  const worker = world.process({ graphs: [], steps, work: { default: 2, gpu: 2 } })
  await world.clock.advance(1_000)
  await world.clock.settle(api.close({ deadline: 0 }))
  await world.clock.advance(4 * 3_600_000)
  const records = await world.store.list({ graph: 'nightly', limit: 10 })
  for (const { id, createdAt } of records.filter((record) => record.id !== 'x'))
    expect(createdAt - Date.parse(id.slice(id.indexOf('/') + 1))).toBeLessThan(100)
  expect(records).toHaveLength(5)
  await world.clock.settle(worker.close({ deadline: 0 }))
})

test('a graph that is listed is looked for for good, also where a workflow of somebody else had its name', async () => {
  const world = new World()
  const other = world.process({ graphs: [], steps, work: { other: 2 } })
  const Made = dataType('Made', type<string>())
  const listed = graph({ name: 'orders', steps: [step({ name: 'make', output: Made, run: () => 'made' })] })
  const api = world.process({ graphs: [listed], work: false })
  world.process({ graphs: [listed], steps, work: { default: 2 } })
  const startAt = new Date(world.clock.now() + 20_000)
  const flow = untypedWorkflow('orders').add('here', say, { text: 'here' })
  await world.clock.settle(other.start(flow, { id: 'flow', queue: 'other', startAt }))
  await world.clock.advance(60_000)
  expect((await world.store.get(['flow']))[0]?.status).toBe('completed')
  await world.clock.settle(api.start(listed, Made, {}, { id: 'a' }))
  await world.clock.advance(60_000)
  expect((await world.store.get(['a']))[0]?.status).toBe('completed')
})

test('a wake is enough for a workflow that a worker has never met, or of which nothing was open for long', async () => {
  const world = new World()
  const engine = hostileEngine()
  const api = world.process({ graphs: [], steps, work: false, engine })
  world.process({ graphs: [], steps, work: { default: 2 }, engine })
  await world.clock.advance(1_500)
  for (const [id, name] of Object.entries({ a: 'flow', b: 'flow', c: 'other' })) {
    const flow = untypedWorkflow(name).add('here', say, { text: 'here' })
    await world.clock.settle(api.start(flow, { id }))
    await world.clock.advance(100)
    expect((await world.store.get([id]))[0]?.status).toBe('completed')
    await world.clock.advance(30_200)
  }
})
