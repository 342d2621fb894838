import { expect, test } from 'vitest'
import { dataType, graph, signal, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Booked = dataType('Booked', type<string>())
const Approval = dataType('Approval', type<string>())
const Trip = dataType('Trip', type<string>())

test('a signal to an execution that is undone is late, and changes nothing of how that ends', async () => {
  const undo = Promise.withResolvers<void>()
  const trips = graph({
    name: 'trips',
    steps: [
      step({ name: 'Book', output: Booked, run: () => 'booked', compensate: () => undo.promise }),
      signal(Approval),
      step({
        name: 'Go',
        inputs: { booked: Booked, approval: Approval },
        output: Trip,
        run: ({ booked, approval }) => booked + approval,
      }),
    ],
  })
  const world = new World()
  const { clock } = world
  const docket = world.process({ graphs: [trips] })
  const handle = await clock.settle(docket.start(trips, Trip, {}, { id: 'x' }))
  await clock.advance(100)
  const cancelled = handle.cancel()
  await clock.advance(100)
  expect((await clock.settle(handle.details())).status).toBe('compensating')
  expect(await clock.settle(handle.signal(Approval, 'Ada'))).toBe('late')
  undo.resolve()
  await clock.settle(cancelled)
  await expect(clock.settle(handle.result())).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  expect(await clock.settle(handle.signal(Approval, 'Bo'))).toBe('ended')
})
