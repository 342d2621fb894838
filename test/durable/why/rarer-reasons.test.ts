import { expect, onTestFinished, test, vi } from 'vitest'
import { setup } from 'xstate'
import { dataType, graph, machineStep, step, type } from '../../../src/index.ts'
import { Confirmation, ordersOf } from '../../remote/two-services.ts'
import { expectNoUnhandledErrors, never, number } from '../../loose-api.ts'
import { World } from '../durable-time.ts'
import { First, line, Third } from '../line.ts'
import { asker, jobs, started } from '../placed.ts'
import { Bill, Outside } from '../trips.ts'
import { refusal, WatchedStore } from '../watched-store.ts'

expectNoUnhandledErrors()

const Call = number('Call')
const Key = number('Key')
const Done = dataType('Done', type<{ readonly ok: boolean }>())
const Paid = dataType('Paid', type<number>())

test('a step did not run, since its value was remembered: for how long, and for whom', async () => {
  const world = new World()
  const { line: remembered } = line({ first: { persist: { scope: 'global', ttl: '1h' } } })
  const docket = world.process({ graphs: [remembered] })
  for (const id of ['a', 'b']) await world.clock.settle(docket.execute(remembered, Third, { Seed: 1 }, { id }))
  const cached = await docket.why('b', 'First')
  expect(cached).toMatchObject({ code: 'step.cached', status: 'cached', since: expect.any(Date) as Date })
  expect(cached.text).toBe(
    'step "First" did not run: an equal call had made its value before; results of it are remembered for 1 h each, for all executions',
  )
})

/** A trip that fails at its end, and is undone. */
async function undoing(undo: Outside['undo']) {
  const world = new World()
  const outside = new Outside()
  outside.undo = undo
  const trips = outside.trips()
  const docket = world.process({ graphs: [trips] })
  const handle = await world.clock.settle(docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' }))
  handle.result().catch(() => {})
  await world.clock.advance(10_000)
  return docket
}

test('a step was undone, or could not be, and with what', async () => {
  const docket = await undoing((what) => {
    if (what === 'hotel') throw new Error('the hotel is closed')
  })
  expect(await docket.why('a', 'BookCar')).toMatchObject({ code: 'step.undone', since: expect.any(Date) as Date })
  const failed = await docket.why('a', 'BookHotel')
  expect(failed).toMatchObject({ code: 'step.undoFailed', causes: [{ message: 'the hotel is closed' }] })
  expect(failed.text).toContain('could not be undone, and is not tried again: Error: the hotel is closed')
})

test('a step is being undone, and so is its execution: after what, and by which steps', async () => {
  const docket = await undoing((what) => (what === 'car' ? never<void>() : undefined))
  expect(await docket.why('a', 'BookCar')).toMatchObject({ code: 'step.undoing', attempt: 1 })
  const whole = await docket.why('a')
  expect(whole).toMatchObject({
    code: 'execution.undoing',
    status: 'compensating',
    because: [{ code: 'step.undoing', step: 'BookCar' }],
  })
  expect(whole.text).toContain('undoes what its steps did, in this process, after Error: no credit')
})

test('a step waits for a slot in its process, or for an equal call', async () => {
  const world = new World()
  const limited = graph({
    name: 'limited',
    steps: [step({ name: 'Call', output: Call, concurrency: 1, run: () => never<number>() })],
  })
  const shared = graph({
    name: 'shared',
    steps: [step({ name: 'Make', output: Key, persist: 'global', run: () => never<number>() })],
  })
  const docket = world.process({ graphs: [limited, shared] })
  for (const id of ['a', 'b']) {
    await world.clock.settle(docket.start(limited, Call, {}, { id }))
    await world.clock.settle(docket.start(shared, Key, {}, { id: `shared ${id}` }))
  }
  await world.clock.advance(2_000)
  const queued = await docket.why('b', 'Call')
  expect(queued).toMatchObject({ code: 'step.waitsForSlot', status: 'queued', waitsFor: { kind: 'slot' } })
  expect(queued.text).toContain('waits for its turn')
  const same = await docket.why('shared b', 'Make')
  expect(same).toMatchObject({ code: 'step.waitsForResult', status: 'claiming', waitsFor: { kind: 'result' } })
  expect(same.text).toContain('waits for the store, or for an equal call')
  await world.clock.settle(docket.close({ deadline: 0 }))
})

/** A service that goes on with what it was asked for. */
const fetch = (): Promise<Response> => Promise.resolve(Response.json({ token: 't' }, { status: 201 }))

test('a step waits for what its machine takes from outside, or for another service', async () => {
  const world = new World()
  const machine = setup({
    types: { events: {} as { type: 'PAID'; value: number }, output: {} as { ok: boolean } },
  }).createMachine({
    initial: 'open',
    states: { open: { on: { PAID: 'done' } }, done: { type: 'final' } },
    output: { ok: true },
  })
  const cart = graph({
    name: 'cart',
    steps: [machineStep({ name: 'Cart', machine, output: Done, events: { PAID: Paid } })],
  })
  const orders = ordersOf({ url: 'http://billing.test', fetch, poll: '30s' })
  const docket = world.process({ graphs: [cart, orders] })
  await world.clock.settle(docket.start(cart, Done, {}, { id: 'cart' }))
  await world.clock.settle(
    docket.start(orders, Confirmation, { Order: { id: 'o', amount: 1 } } as never, { id: 'order' }),
  )
  await world.clock.advance(2_000)
  const taken = await docket.why('cart', 'Cart')
  expect(taken).toMatchObject({ code: 'step.waitsForMessages', waitsFor: { kind: 'messages', types: ['Paid'] } })
  expect(taken.text).toContain('waits for "Paid"')
  const asked = await docket.why('order', 'Charge')
  expect(asked).toMatchObject({ code: 'step.waitsForRemote', waitsFor: { operation: 'billing/charge' } })
  expect(asked.text).toContain('waits for "billing/charge" of another service')
  await world.clock.settle(docket.close({ deadline: 0 }))
})

test('an execution was taken out of its docket', async () => {
  const world = new World()
  const { line: slow } = line({ second: { run: () => never<number>() } })
  const docket = world.process({ graphs: [slow] })
  const handle = await world.clock.settle(docket.start(slow, Third, { Seed: 1 }, { id: 'x' }))
  await world.clock.advance(100)
  await world.clock.settle(handle.detach())
  const why = await world.clock.settle(docket.why('x'))
  expect(why.code).toBe('execution.detached')
  expect(why.text).toContain('goes on from the snapshot of detach(), or nowhere')
})

test('an execution has ended here, and the store does not take it: with what it refuses', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => warn.mockRestore())
  const world = new World()
  const watched = new WatchedStore(world.store)
  const { line: bad } = line({ second: { run: () => Promise.reject(new Error('card refused')) } })
  watched.before = ({ name, given }) => {
    if (name === 'commit' && JSON.stringify(given).includes('"status":"failed"')) throw refusal()
  }
  const docket = world.process({ graphs: [bad], store: watched.store })
  const handle = await world.clock.settle(docket.start(bad, Third, { Seed: 1 }, { id: 'x' }))
  handle.result().catch(() => {})
  await world.clock.advance(60_000)
  const why = await docket.why('x')
  expect(why).toMatchObject({ code: 'execution.endUnwritten', status: 'running' })
  expect(why.text).toContain('has ended as failed in this process, and that is not written yet')
  watched.mend()
  await world.clock.advance(60_000)
  expect(await docket.why('x')).toMatchObject({ code: 'execution.failed' })
})

test('an execution is ready, and a worker takes it in a moment', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const api = asker(world, one)
  await started(world, api.start(one, First, { Seed: 1 }, { id: 'x', queue: 'gpu' }))
  // It has the slots and the graph, and its look at the queue is still on its way.
  const watched = new WatchedStore(world.store)
  watched.before = ({ name }) => (name === 'acquire' ? new Promise(() => {}) : undefined)
  const worker = world.process({ graphs: [one], store: watched.store, work: { gpu: 1 } })
  await world.clock.advance(100)
  const why = await world.clock.settle(api.why('x'))
  expect(why).toMatchObject({ code: 'execution.ready', ready: 1, ahead: 0, queue: 'gpu' })
  for (const docket of [api, worker]) await world.clock.settle(docket.close({ deadline: 0 }))
})
