import { expect, test } from 'vitest'
import { dataType, graph, signal, step, subgraph, type } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { backwards, Bill, Order, Outside } from './trips.ts'

const Seat = dataType('Seat', type<string>())
const Approval = dataType('Approval', type<string>())
const Receipt = dataType('Receipt', type<string>())

/** What is booked, and then waits for its approval. */
function approvals(undone: string[]) {
  const book = step({
    name: 'Book',
    inputs: { order: Order },
    output: Seat,
    run: ({ order }) => `a seat for ${order}`,
    compensate: (seat) => void undone.push(String(seat)),
  })
  const confirm = step({
    name: 'Confirm',
    inputs: { seat: Seat, approval: Approval },
    output: Receipt,
    run: ({ seat, approval }) => `${seat}, ${approval}`,
  })
  return graph({ name: 'approvals', steps: [book, signal(Approval), confirm] })
}

test('a parked execution that is deleted is undone first, in this process, whether it takes others over or not', async () => {
  for (const takeOver of [true, false]) {
    const world = new World()
    const undone: string[] = []
    const declared = approvals(undone)
    const starter = world.process({ graphs: [declared] })
    await world.clock.settle(starter.start(declared, Receipt, { Order: 'o1' }, { id: 'a' }))
    await world.clock.advance(11_000)
    expect((await world.store.get(['a']))[0]).toMatchObject({ parkedAt: expect.any(Number) as number })
    if (!takeOver) await world.clock.settle(starter.close())
    const docket = takeOver ? starter : world.process({ graphs: [declared], takeOver })
    expect(await world.clock.settle(docket.delete('a'))).toBe(true)
    expect(undone).toEqual(['a seat for o1'])
    expect((await world.store.get(['a']))[0]).toBeUndefined()
    expect(await world.clock.settle(docket.delete('a'))).toBe(false)
  }
})

test('a parked child of an execution that nobody runs is undone where its parent is deleted', async () => {
  const world = new World()
  const undone: string[] = []
  const child = approvals(undone)
  const parent = graph({ name: 'parent', steps: [subgraph(child, Receipt, { name: 'Child' })] })
  const { docket, die } = world.mortal({ graphs: [parent], lease: '2s' })
  await world.clock.settle(docket.start(parent, Receipt, { Order: 'o1' }, { id: 'a' }))
  await world.clock.advance(11_000)
  die()
  await world.clock.advance(5_000)
  const other = world.process({ graphs: [parent], takeOver: false })
  expect(await world.clock.settle(other.delete('a'))).toBe(true)
  const last = world.process({ graphs: [parent] })
  await world.clock.advance(5_000)
  expect(undone).toEqual(['a seat for o1'])
  expect((await world.clock.settle(last.list())).executions).toMatchObject([{ id: 'a/Child', status: 'cancelled' }])
})

test('a docket without the graph refuses to delete what has something to undo, and leaves it as it is', async () => {
  const world = new World()
  const undone: string[] = []
  const declared = approvals(undone)
  const docket = world.process({ graphs: [declared] })
  const handle = await world.clock.settle(docket.start(declared, Receipt, { Order: 'o1' }, { id: 'a' }))
  await world.clock.advance(11_000)
  const stranger = world.process({ graphs: [], takeOver: false })
  const refused = await world.clock.settle(stranger.delete('a').catch((error: unknown) => error))
  expect(refused).toMatchObject({ code: 'EXECUTION_CONFLICT' })
  expect(String(refused)).toContain('it has something to undo first (this docket does not know graph "approvals")')
  expect(await world.clock.settle(handle.signal(Approval, 'yes'))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe('a seat for o1, yes')
  expect(await world.clock.settle(stranger.delete('a'))).toBe(true)
  expect(undone).toEqual([])
})

test('an execution whose process died while it ran, or while it was undone, is undone by whoever deletes it', async () => {
  for (const isCompensating of [true, false]) {
    const world = new World()
    const outside = new Outside()
    if (isCompensating) outside.undo = () => new Promise(() => {})
    else outside.bill = () => new Promise(() => {})
    const trips = outside.trips()
    const { docket, die } = world.mortal({ graphs: [trips], lease: '2s' })
    await world.clock.settle(docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' }))
    await world.clock.advance(1_000)
    expect((await world.store.get(['a']))[0]).toMatchObject({ status: isCompensating ? 'compensating' : 'running' })
    die()
    outside.undo = () => {}
    const other = world.process({ graphs: [trips], takeOver: false })
    // Its lease has not run out yet: the message waits for its owner.
    expect(await world.clock.settle(other.delete('a'))).toBe(true)
    expect(outside.cancelled).toEqual(backwards)
    expect([...outside.booked]).toEqual([])
    expect((await world.store.get(['a']))[0]).toBeUndefined()
  }
})

test('a message to delete that its owner left is done by the next one, once that has undone what there is', async () => {
  const world = new World()
  const outside = new Outside()
  outside.bill = () => new Promise(() => {})
  const trips = outside.trips()
  const { docket, die } = world.mortal({ graphs: [trips], lease: '2s' })
  await world.clock.settle(docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' }))
  await world.clock.advance(1_000)
  die()
  const watcher = world.process({ graphs: [], takeOver: false })
  const left = watcher.delete('a').catch((error: unknown) => error)
  await world.clock.advance(1_000)
  await world.clock.settle(watcher.close())
  expect(await world.clock.settle(left)).toMatchObject({ code: 'DOCKET_CLOSED' })
  world.process({ graphs: [trips] })
  await world.clock.advance(10_000)
  expect(outside.cancelled).toEqual(backwards)
  expect((await world.store.get(['a']))[0]).toBeUndefined()
})

test('what no docket can undo any more is deleted without that, where its caller says so', async () => {
  const world = new World()
  const outside = new Outside()
  outside.undo = () => new Promise(() => {})
  const trips = outside.trips()
  const { docket, die } = world.mortal({ graphs: [trips], lease: '2s' })
  await world.clock.settle(docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' }))
  await world.clock.advance(1_000)
  die()
  await world.clock.advance(5_000)
  const other = world.process({ graphs: [], takeOver: false })
  const refused = await world.clock.settle(other.delete('a').catch((error: unknown) => error))
  expect(refused).toMatchObject({ code: 'EXECUTION_CONFLICT' })
  expect(String(refused)).toContain('undo: false')
  await expect(other.delete('a', { undo: 'no' } as never)).rejects.toThrow('undo must be true or false')
  expect(await world.clock.settle(other.delete('a', { undo: false }))).toBe(true)
  expect((await world.store.get(['a']))[0]).toBeUndefined()
  expect(outside.booked.size).toBe(4)
})

test('what is undone here without end is deleted without that, where its caller says so', async () => {
  const world = new World()
  const outside = new Outside()
  outside.undo = () => new Promise(() => {})
  const trips = outside.trips()
  const docket = world.process({ graphs: [trips] })
  const handle = await world.clock.settle(docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' }))
  handle.result().catch(() => {})
  await world.clock.advance(1_000)
  expect(await world.clock.settle(docket.delete('a', { undo: false }))).toBe(true)
  expect((await world.store.get(['a']))[0]).toBeUndefined()
  await world.clock.settle(docket.close())
})
