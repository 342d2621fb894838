import { expect, test } from 'vitest'
import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import { createDocket, OptionError } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { completedOf, leaveWaiting, slowLine } from './waiting-lines.ts'
import { refusal, WatchedStore } from './watched-store.ts'

test.each([
  [undefined, 100],
  [{ default: 7 }, 7],
  [{ default: 1 }, 1],
])('of what waits, a docket with work: %j runs %i at the same time, and gets through all of it', async (work, most) => {
  const world = new World()
  const { graph, seen } = slowLine(world)
  const count = most * 3 + 1
  await leaveWaiting(world, graph, count)
  seen.most = 0
  world.process({ graphs: [graph], work })
  await world.clock.advance(10_000)
  expect(seen.most).toBe(most)
  expect(await completedOf(world.store)).toHaveLength(count)
})

test('what one worker has no slot for, a second one takes', async () => {
  const world = new World()
  const { graph } = slowLine(world)
  await leaveWaiting(world, graph, 10)
  world.events.length = 0
  world.process({ graphs: [graph], work: { default: 5 } })
  await world.clock.advance(100)
  world.process({ graphs: [graph], work: { default: 5 } })
  await world.clock.advance(100)
  expect(world.events.filter(({ type }) => type === 'execution.started')).toHaveLength(10)
})

test('what processes that died have left is taken over by slots as well', async () => {
  const world = new World()
  const { graph, seen } = slowLine(world, { ms: 20_000 })
  const { docket, die } = world.mortal({ graphs: [graph] })
  for (let i = 0; i < 20; i++) await docket.start(graph, Third, { Seed: i }, { id: `left-${i}` })
  await world.clock.advance(100)
  die()
  const before = seen.now
  world.process({ graphs: [graph], work: { default: 4 } })
  await world.clock.advance(12_000)
  expect(seen.now - before).toBe(4)
  await world.clock.advance(120_000)
  expect(await completedOf(world.store)).toHaveLength(20)
})

test('what a process starts itself takes a slot, and waits for one behind what is ready', async () => {
  const world = new World()
  const { graph, seen } = slowLine(world)
  await leaveWaiting(world, graph, 2)
  seen.most = 0
  const docket = world.process({ graphs: [graph], work: { default: 2 } })
  for (let i = 0; i < 5; i++) await world.clock.settle(docket.start(graph, Third, { Seed: i }, { id: `own-${i}` }))
  await world.clock.advance(500)
  expect(seen.most).toBe(2)
  await world.clock.advance(5_000)
  expect(seen.most).toBe(2)
  const completed = await completedOf(world.store)
  expect(completed).toHaveLength(7)
  expect(completed.slice(0, 2).toSorted()).toEqual(['line-00000', 'line-00001'])
})

test('resume() takes no more than there are slots for, and says how many', async () => {
  const world = new World()
  const { graph } = slowLine(world)
  await leaveWaiting(world, graph, 5)
  const docket = world.process({ graphs: [graph], work: { default: 3 }, takeOver: false })
  expect(await world.clock.settle(docket.resume())).toBe(3)
  expect(await world.clock.settle(docket.resume())).toBe(0)
  await world.clock.advance(2_000)
  expect(await world.clock.settle(docket.resume())).toBe(2)
})

test('a few executions of one graph don’t wait behind very many older ones of others', async () => {
  const world = new World()
  const crowded = slowLine(world, { name: 'crowded' })
  const busy = slowLine(world, { name: 'busy' })
  const rare = slowLine(world, { name: 'rare' })
  await leaveWaiting(world, crowded.graph, 400)
  await leaveWaiting(world, busy.graph, 400)
  await leaveWaiting(world, rare.graph, 3)
  world.process({ graphs: [crowded.graph, busy.graph, rare.graph], work: { default: 30 } })
  await world.clock.advance(5_500)
  const completed = await completedOf(world.store)
  expect(completed.filter((id) => id.startsWith('rare'))).toHaveLength(3)
  const [ofCrowded, ofBusy] = ['crowded', 'busy'].map((name) => completed.filter((id) => id.startsWith(name)).length)
  expect(Math.min(ofCrowded!, ofBusy!) * 2).toBeGreaterThan(Math.max(ofCrowded!, ofBusy!))
  // One that comes while all slots are taken has its turn when the next ones are free.
  await leaveWaiting(world, slowLine(world, { name: 'rare' }).graph, 5)
  await world.clock.advance(2_500)
  expect((await completedOf(world.store)).filter((id) => id.startsWith('rare'))).toHaveLength(5)
  await world.clock.advance(60_000)
  expect(await completedOf(world.store)).toHaveLength(805)
})

test('to find nothing costs one call, however many graphs there are', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const graphs = Array.from({ length: 40 }, (_, index) => line({ name: `graph-${index}` }).line)
  const docket = world.process({ graphs, store: watched.store, takeOver: false })
  await world.clock.settle(docket.resume())
  expect(watched.count('acquire')).toBe(1)
})

test('an execution that only waits for a much later attempt gives its slot to another one', async () => {
  const world = new World()
  let tries = 0
  const { line: graph } = line({
    second: {
      retry: { maxAttempts: 2, backoff: '1h' },
      run: (value, { attempt, executionId }) => {
        tries++
        if (attempt === 1 && executionId.startsWith('line-')) throw new Error('not now')
        return value + 1
      },
    },
  })
  await leaveWaiting(world, graph, 6)
  tries = 0
  world.process({ graphs: [graph], work: { default: 2 } })
  await world.clock.advance(10_000)
  expect(tries).toBe(6)
  await world.clock.advance(2 * 3_600_000)
  expect(await completedOf(world.store)).toHaveLength(6)
})

test('a function that ignores its signal keeps no slot once its execution has ended', async () => {
  const world = new World()
  const { line: graph } = line({
    timeout: '2s',
    second: { run: (value, { executionId }) => (executionId.startsWith('model') ? value : new Promise(() => {})) },
  })
  await leaveWaiting(world, graph, 3)
  world.process({ graphs: [graph], work: { default: 1 } })
  await world.clock.advance(10_000)
  expect(await world.store.list({ statuses: ['failed'], limit: 10 })).toHaveLength(3)
})

test('a look that takes longer than the lease goes on with nothing under the lost one, and looks no further', async () => {
  const world = new World()
  const { graph, seen } = slowLine(world)
  await leaveWaiting(world, graph, 350)
  world.events.length = 0
  const watched = new WatchedStore(world.store)
  let isSlow = true
  watched.before = async ({ name }) => {
    if (isSlow && name === 'renewOwner' && watched.count('acquire') > 0) await world.clock.sleep(20_000)
    if (isSlow && name === 'acquire') await world.clock.sleep(6_000)
  }
  world.process({ graphs: [graph], store: watched.store, work: { default: 300 } })
  await world.clock.advance(6_100)
  const owners = watched.calls.flatMap(({ name, given }) =>
    name === 'acquire' ? [(given[0] as { readonly owner: string }).owner] : [],
  )
  expect(owners.length).toBe(1)
  expect(world.events.filter(({ type }) => type === 'execution.resumed')).toEqual([])
  isSlow = false
  seen.most = 0
  await world.clock.advance(60_000)
  expect(await completedOf(world.store)).toHaveLength(350)
  expect(seen.most).toBeLessThanOrEqual(300)
})

test.each([
  [0, /work: slots of queue "default" must be a whole number of at least 1, not 0/],
  [1.5, /must be a whole number of at least 1, not 1.5/],
  ['many', /must be a whole number of at least 1, not/],
])('work: { default: %j } is refused', (slots, message) => {
  const { line: graph } = line()
  const make = () => createDocket({ graphs: [graph], store: memoryStore(), work: { default: slots as number } })
  expect(make).toThrow(OptionError)
  expect(make).toThrow(message)
})

test('work names queues: what is no object, none at all, and slots that are none, are refused', () => {
  const { line: graph } = line()
  const make = (work: unknown) => () => createDocket({ graphs: [graph], store: memoryStore(), work: work as never })
  expect(make(50)).toThrow(/work must be slots by queue, like \{ default: 100 \}, or false, not 50/)
  expect(make({})).toThrow(/work is empty: name queues with their slots, .* or give false/)
  expect(make({ gpu: 0 })).toThrow(/slots of queue "gpu" must be a whole number of at least 1, not 0/)
})

test('what goes on beside one that fails at its beginning has a slot all the same', async () => {
  const world = new World()
  const { graph, seen } = slowLine(world, { ms: 60_000 })
  const watched = new WatchedStore(world.store)
  await leaveWaiting(world, graph, 3)
  const [record] = await world.store.get([`${graph.name}-00000`])
  await world.store.create([{ ...record!, id: `${graph.name}-damaged`, inputs: '{', owner: undefined }])
  // One whose inputs can't be read is given back, which the store refuses.
  watched.before = ({ name, given: [commits] }) => {
    if (name === 'commit' && JSON.stringify(commits).includes('-damaged')) throw refusal()
  }
  seen.most = 0
  world.process({ graphs: [graph], work: { default: 4 }, store: watched.store })
  await world.clock.advance(1_000)
  await world.store.create(
    Array.from({ length: 10 }, (_, index) => ({ ...record!, id: `${graph.name}-later-${index}`, owner: undefined })),
  )
  await world.clock.advance(5_000)
  expect(seen.most).toBe(4)
})

test('under a backlog, a docket asks the store only now and then what that thinks it has, however long it has worked', async () => {
  const world = new World()
  const { graph } = slowLine(world)
  const count = 1_000
  await leaveWaiting(world, graph, count)
  let looks = 0
  let looksForOwn = 0
  const store = alteredStore(world.store, (method, ask, [request]) => {
    if (method === 'acquire') {
      looks++
      if ((request as AcquireRequest).andOwn === true) looksForOwn++
    }
    return ask()
  })
  world.process({ graphs: [graph], work: { default: 5 }, store })
  await world.clock.advance(90_000)
  expect(looks).toBeGreaterThan(90)
  expect(looksForOwn).toBeGreaterThan(0)
  await world.clock.advance(110_000)
  expect(looksForOwn).toBeLessThan(looks / 3)
  expect(await completedOf(world.store)).toHaveLength(count)
})
