import { expect, test } from 'vitest'
import { dataType, graph, signal, step, StoreError, type } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Prepared = dataType('Prepared', type<string>())
const Approval = dataType('Approval', type<string>())
const inputs = { Order: 'o' }
const minute = 60_000

const shown = (error: unknown): unknown => [String(error), String((error as Error).cause)]

/** What is booked, and waits for its approval. */
function bookings(undo: () => unknown) {
  const book = step({ name: 'Book', inputs: { order: Order }, output: Prepared, run: () => 'booked', compensate: undo })
  return graph({ name: 'bookings', steps: [book, signal(Approval, { inputs: { prepared: Prepared } })] })
}

test('a parked execution ends by its caller’s signal with the error of one that is not parked, for all that wait, once it is undone', async () => {
  const errors: unknown[][] = []
  for (const waitsMs of [1_000, minute]) {
    const world = new World()
    const declared = bookings(() => world.clock.sleep(5_000))
    const docket = world.process({ graphs: [declared] })
    const controller = new AbortController()
    const { signal: abort } = controller
    const handle = await world.clock.settle(docket.start(declared, Approval, inputs, { id: 'a', signal: abort }))
    const ends: unknown[] = []
    const fail = (error: unknown): void => void ends.push(error)
    handle.result().catch(fail)
    docket.execute(declared, Approval, inputs, { id: 'b', signal: abort }).catch(fail)
    await world.clock.advance(waitsMs)
    expect((await world.store.get(['a']))[0]?.parkedAt !== undefined).toBe(waitsMs === minute)
    controller.abort(new Error('the client has gone'))
    handle.result().catch(fail)
    await world.clock.advance(2_000)
    // The call that is the caller leaves at once; a handle waits until all is undone.
    expect(ends).toHaveLength(1)
    await world.clock.advance(minute)
    const { error } = await world.clock.settle(handle.details())
    errors.push([...ends, error])
  }
  const [unparked, whileParked] = errors
  expect(whileParked).toHaveLength(4)
  expect(whileParked!.map(shown)).toEqual(unparked!.map(shown))
  expect(shown(whileParked![0])).toEqual([
    'ExecutionCancelledError: the execution of graph "bookings" was cancelled: the client has gone',
    'Error: the client has gone',
  ])
})

test('a parked execution whose end by its caller’s signal can’t be written leaves its caller with the wait ended alone', async () => {
  const world = new World()
  const declared = bookings(() => undefined)
  const refusing = alteredStore(world.store, (method, ask, [request]) =>
    method === 'acquire' && (request as { ids?: unknown }).ids !== undefined
      ? Promise.reject(new StoreError('memory', 'refused', false))
      : ask(),
  )
  const docket = world.process({ graphs: [declared], store: refusing })
  const controller = new AbortController()
  const handle = await world.clock.settle(
    docket.start(declared, Approval, inputs, { id: 'a', signal: controller.signal }),
  )
  await world.clock.advance(minute)
  const end = handle.result().catch((error: unknown) => error)
  controller.abort(new Error('the client has gone'))
  expect(String(await world.clock.settle(end))).toContain('the execution itself was not')
})
