import { expect, test } from 'vitest'
import { dataType, step, type, workflow } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { World } from './durable-time.ts'

const Photo = dataType('Photo', type<string>())
const Small = dataType('Small', type<string>())
const Page = dataType('Page', type<string>())

/** A workflow with a node in another queue, which may never end. */
function program(calls: string[] = [], wait: () => unknown = () => undefined) {
  const take = step({ name: 'take', inputs: { name: Photo }, output: Photo, run: ({ name }) => `photo ${name}` })
  const shrink = step({
    name: 'shrink',
    results: { photo: Photo },
    output: Small,
    run: async (_, { results, executionId }) => {
      calls.push(executionId)
      await wait()
      return `${results.photo}, small`
    },
  })
  const print = step({
    name: 'print',
    results: { small: Small },
    output: Page,
    run: (_, { results }) => `page of ${results.small}`,
  })
  const flow = workflow('album')
    .add('photo', take, { name: 'cat' })
    .add('small', shrink, {}, { dependsOn: ['photo'], queue: 'gpu' })
    .add('page', print, {}, { dependsOn: ['small'] })
  return { flow, steps: [take, shrink, print] }
}

const made = { photo: 'photo cat', small: 'photo cat, small', page: 'page of photo cat, small' }

test('a workflow that has not begun is moved with its drawing, and its node in another queue is done in the other store', async () => {
  const world = new World()
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const { flow, steps } = program()
  const here = world.process({ graphs: [], steps, work: { default: 2 } })
  const calls: string[] = []
  const fresh = program(calls)
  const there = world.process({ graphs: [], steps: fresh.steps, store, work: { default: 2 } })
  world.process({ graphs: [], steps: fresh.steps, store, work: { gpu: 1 } })
  const startAt = new Date(world.clock.now() + 60_000)
  await world.clock.settle(here.start(flow, { id: 'x', startAt }))
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  await world.clock.advance(70_000)
  expect(await world.clock.settle((await world.clock.settle(there.get('x')))!.result())).toEqual(made)
  expect(calls).toEqual(['x/small'])
  expect((await store.get(['x/small']))[0]).toMatchObject({ status: 'completed', parent: 'x' })
})

test('a workflow whose node in another queue is open stays, and one that has ended is copied with it', async () => {
  const world = new World()
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const end = Promise.withResolvers<void>()
  const { flow, steps } = program([], () => end.promise)
  const here = world.process({ graphs: [], steps, work: { default: 2, gpu: 2 }, park: 0 })
  const worker = world.process({ graphs: [], steps, work: { gpu: 2 } })
  const there = world.process({ graphs: [], steps: program().steps, store, work: { default: 2, gpu: 2 } })
  const handle = await world.clock.settle(here.start(flow, { id: 'x' }))
  await world.clock.advance(3_000)
  for (const id of ['x', 'x/small']) {
    const [outcome] = await world.clock.settle(here.moveTo(there, [id]))
    expect(outcome).toMatchObject({ id, error: { code: 'EXECUTION_CONFLICT' } })
  }
  end.resolve()
  expect(await world.clock.settle(handle.result())).toEqual(made)
  const ids = (await world.store.list({ limit: 10 })).map(({ id }) => id)
  expect(await world.clock.settle(here.moveTo(there, ids))).toEqual(ids.map((id) => ({ id, verdict: 'copied' })))
  const copy = await world.clock.settle((await world.clock.settle(there.get('x')))!.details())
  expect(copy).toMatchObject({ status: 'completed', output: made })
  for (const one of [here, worker]) await world.clock.settle(one.close({ deadline: 0 }))
})

test('a node in another queue is not purged before its workflow has ended, and is with it', async () => {
  const world = new World()
  const { flow, steps } = program()
  const { docket, die } = world.mortal({ graphs: [], steps, work: { default: 2 } })
  await world.clock.settle(docket.start(flow, { id: 'x' }))
  await world.clock.advance(1_000)
  die()
  const calls: string[] = []
  const worker = world.process({ graphs: [], steps: program(calls).steps, work: { gpu: 1 } })
  await world.clock.advance(10_000)
  expect((await world.store.get(['x/small']))[0]?.status).toBe('completed')
  expect(await world.clock.settle(worker.purge({ olderThan: 0 }))).toBe(0)
  const next = world.process({ graphs: [], steps: program(calls).steps, work: { default: 2 } })
  await world.clock.advance(10_000)
  expect(await world.clock.settle((await world.clock.settle(next.get('x')))!.result())).toEqual(made)
  expect(calls).toEqual(['x/small'])
  expect(await world.clock.settle(worker.purge({ olderThan: 0 }))).toBe(2)
  expect(await world.store.list({ limit: 10 })).toEqual([])
})
