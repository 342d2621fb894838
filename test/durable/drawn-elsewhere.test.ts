import { describe, expect, test } from 'vitest'
import { createDocket, dataType, execute, executeBatch, explain, step, type, workflow } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { worlds } from '../prior-art/embedded-worlds.ts'
import { World } from './durable-time.ts'

const Photo = dataType('Photo', type<string>())
const Small = dataType('Small', type<string>())
const Page = dataType('Page', type<string>())

/** Steps of which one may stand in another queue, and how they are drawn. */
function program(calls: string[] = [], wait: (signal: AbortSignal) => unknown = () => undefined) {
  const fetchPhoto = step({ name: 'fetch', inputs: { name: Photo }, output: Photo, run: ({ name }) => `photo ${name}` })
  const shrink = step({
    name: 'shrink',
    inputs: { to: Small },
    results: { photo: Photo },
    output: Small,
    run: async ({ to }, { results, executionId, attempt, signal }) => {
      calls.push(`${executionId} ${attempt}`)
      await wait(signal)
      return `${results.photo} at ${to}`
    },
  })
  const print = step({
    name: 'print',
    results: { small: Small },
    output: Page,
    run: (_, { results }) => `page of ${results.small}`,
  })
  const draw = (size = '8', more: object = {}, name = 'album') =>
    workflow(name)
      .add('photo', fetchPhoto, { name: 'cat' })
      .add('small', shrink, { to: size }, { dependsOn: ['photo'], queue: 'gpu', ...more })
      .add('page', print, {}, { dependsOn: ['small'] })
  return { draw, steps: [fetchPhoto, shrink, print] }
}

const made = { photo: 'photo cat', small: 'photo cat at 8', page: 'page of photo cat at 8' }
const never = (): Promise<never> => new Promise(() => {})

describe.each(worlds)('a node of another queue, on %s,', (_, newWorld) => {
  test('is an execution of its own there, which processes that have the steps alone begin, and go on with', async () => {
    const world = newWorld()
    const first: string[] = []
    const second: string[] = []
    const docket = world.process({ graphs: [], steps: program().steps, work: { default: 2 } })
    const handle = await world.clock.settle(
      docket.start(program().draw(), { id: 'a' }).catch((error: unknown) => error),
    )
    expect(handle).toMatchObject({ message: expect.stringContaining('another step named "fetch"') as unknown })
    const { steps, draw } = program()
    const api = world.process({ graphs: [], steps, work: { default: 2 } })
    const started = await world.clock.settle(api.start(draw(), { id: 'b', priority: 3 }))
    await world.clock.advance(1_000)
    const found = (await world.store.get(['b/small']))[0]!
    expect(found).toMatchObject({ graph: 'album/small', queue: 'gpu', priority: 3, parent: 'b', status: 'pending' })
    const { die } = world.mortal({ graphs: [], steps: program(first, never).steps, work: { gpu: 1 } })
    await world.clock.advance(10_000)
    expect(first).toEqual(['b/small 1'])
    die()
    world.process({ graphs: [], steps: program(second).steps, work: { gpu: 1 } })
    await world.clock.advance(20_000)
    expect(second).toEqual(['b/small 1'])
    expect(await world.clock.settle(started.result())).toEqual(made)
  })
})

test('needs of a worker its step, and those of the nodes before it, alone', async () => {
  const world = new World()
  const { draw, steps } = program()
  const docket = world.process({ graphs: [], steps, work: { default: 2 } })
  const [fetchPhoto, shrink] = steps
  world.process({ graphs: [], steps: [fetchPhoto!, shrink!], work: { gpu: 1 } })
  const result = docket.execute(draw(), { id: 'x' })
  await world.clock.advance(20_000)
  expect(await world.clock.settle(result)).toEqual(made)
})

test('is refused with its workflow where its store does not keep the name of its graph', async () => {
  const { draw, steps } = program()
  const store = Object.defineProperty(memoryStore(), 'limits', { value: { graph: 200 } })
  await using docket = createDocket({ graphs: [], steps, store, work: { default: 4 } })
  const long = 'a'.repeat(200 - '/small'.length)
  await docket.start(draw('1', {}, long), { id: 'fits' })
  await expect(docket.start(draw('1', {}, `${long}a`), { id: 'long' })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining('name of graph') as unknown,
  })
  await docket.close({ deadline: 0 })
})

test('is one of a drawing: executions of two drawings of one name each have the right one', async () => {
  const world = new World()
  const { draw, steps } = program()
  const docket = world.process({ graphs: [draw('1')], steps, work: { default: 4 }, defaults: { timeout: '1h' } })
  world.process({ graphs: [draw('1')], steps, work: { gpu: 4 }, defaults: { timeout: '1h' } })
  const handles = ['1', '8', '9'].map((size) =>
    docket.start(draw(size, size === '9' ? { timeout: '1m' } : {}), { id: size }),
  )
  const results = Promise.all(handles.map(async (handle) => (await (await handle).result()).small))
  await world.clock.advance(20_000)
  expect(await world.clock.settle(results)).toEqual(['photo cat at 1', 'photo cat at 8', 'photo cat at 9'])
})

test('a step that names a queue itself is one wherever it is added; one that names its workflow’s runs where that does', async () => {
  const world = new World()
  const own = step({ name: 'own', output: Page, queue: 'gpu', run: (_, { executionId }) => executionId })
  const plain = step({ name: 'plain', output: Page, run: (_, { executionId }) => executionId })
  const flow = workflow('mixed', { queue: 'cpu' })
    .add('a', own, {}, { queue: 'cpu' })
    .add('b', plain, {}, { queue: 'cpu' })
    .add('c', plain, {}, { queue: 'gpu', priority: 7 })
    .add('d', plain, {})
  const docket = world.process({ graphs: [flow], work: { cpu: 1, gpu: 2 } })
  const result = docket.execute(flow, { id: 'x', priority: 2 })
  await world.clock.advance(10_000)
  expect(await world.clock.settle(result)).toEqual({ a: 'x/a', b: 'x', c: 'x/c', d: 'x' })
  expect((await world.store.get(['x/a', 'x/c'])).map((one) => [one?.queue, one?.priority])).toEqual([
    ['gpu', 2],
    ['gpu', 7],
  ])
})

test('policies hold there: it is tried again, falls back, and is undone with its arguments and what it read', async () => {
  const undone: unknown[] = []
  let tries = 0
  const read = step({ name: 'read', output: Photo, run: () => 'cat' })
  const book = step({
    name: 'book',
    inputs: { to: Small },
    results: { photo: Photo },
    output: Small,
    retry: { maxAttempts: 2 },
    run: ({ to }, { results }) => {
      if (++tries === 1) throw new Error('busy')
      return `${results.photo} ${to}`
    },
    compensate: (output, context) => void undone.push([output, context.inputs, Reflect.get(context, 'results')]),
  })
  const soft = step({
    name: 'soft',
    inputs: { to: Small },
    output: Small,
    fallback: (_: unknown, { to }: { readonly to: string }) => `no ${to}`,
    run: () => Promise.reject(new Error('away')),
  })
  const fail = step({
    name: 'fail',
    results: { small: Small, soft: Small },
    output: Page,
    run: (_, { results }) => Promise.reject(new Error(results.soft)),
  })
  const flow = workflow('undone')
    .add('photo', read, {})
    .add('small', book, { to: 'x' }, { dependsOn: ['photo'], queue: 'gpu' })
    .add('soft', soft, { to: 'y' }, { queue: 'gpu' })
    .add('page', fail, {}, { dependsOn: ['small', 'soft'] })
  await using docket = createTestDocket({ graphs: [flow], work: { default: 2, gpu: 2 } })
  await expect(docket.execute(flow, { id: 'x' })).rejects.toThrow('no y')
  expect(undone).toEqual([['cat x', { to: 'x' }, { photo: 'cat' }]])
})

test('plain execute, batches, explain, schedules and forks know it', async () => {
  const { draw, steps } = program()
  const flow = draw()
  expect(await execute(flow)).toEqual(made)
  const items = [{ 'photo.args': { name: 'dog' } }, {}]
  expect((await executeBatch(flow, flow.results, items)).map(({ small }) => small)).toEqual([
    'photo dog at 8',
    made.small,
  ])
  expect(explain(flow, flow.results, {}).steps.map(({ name }) => name)).toEqual(['photo', 'small', 'page', 'results'])
  await using docket = createTestDocket({ graphs: [], steps, work: { default: 4, gpu: 4 } })
  const batch = await docket.startBatch(flow, flow.results, items)
  expect((await batch.result()).map((one) => one.small)).toEqual(['photo dog at 8', made.small])
  await docket.execute(flow, { id: 'x' })
  const fork = await docket.fork('x', { from: 'small', id: 'y' })
  expect(await fork.result()).toEqual(made)
  await docket.schedule('s', { graph: flow, target: flow.results, inputs: {}, every: '1h' })
  await docket.advance('1h')
  const { executions } = await docket.list({ graph: 'album/small' })
  expect(executions.map(({ status }) => status)).toEqual(executions.map(() => 'completed'))
  expect(executions).toHaveLength(5)
})

test('it is cancelled with its workflow, tried again with it, and shown by processes that have the steps alone', async () => {
  const world = new World()
  const calls: string[] = []
  const { draw, steps } = program(calls, (signal) =>
    calls.length === 1 ? new Promise((_, reject) => signal.addEventListener('abort', reject)) : undefined,
  )
  const docket = world.process({ graphs: [], steps, work: { default: 2 } })
  world.process({ graphs: [], steps, work: { gpu: 1 } })
  const handle = await world.clock.settle(docket.start(draw(), { id: 'x' }))
  await world.clock.advance(10_000)
  expect(calls).toEqual(['x/small 1'])
  const other = world.process({ graphs: [], steps: program().steps, work: false })
  const child = (await world.clock.settle(other.get('x/small')))!
  expect(await world.clock.settle(child.details())).toMatchObject({
    graph: 'album/small',
    status: 'running',
    incompatible: [],
  })
  expect((await world.clock.settle(other.why('x', 'small'))).text).toContain('x/small')
  await world.clock.settle(other.cancel('x'))
  await world.clock.advance(10_000)
  expect((await world.store.get(['x', 'x/small'])).map((one) => one?.status)).toEqual(['cancelled', 'cancelled'])
  const retried = await world.clock.settle(other.retry('x'))
  await world.clock.advance(20_000)
  expect(await world.clock.settle(retried.result())).toEqual(made)
  expect(calls).toHaveLength(2)
  expect(handle.id).toBe('x')
})
