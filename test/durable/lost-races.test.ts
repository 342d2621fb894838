import { expect, test } from 'vitest'
import { dataType, durableStep, graph, race, step, subgraph, timer, type } from '../../src/index.ts'
import type { Duration } from '../../src/index.ts'
import type { AnyStep, StepContext } from '../../src/core/language/step.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Delivery = dataType('Delivery', type<string>())
const Expiry = dataType('Expiry', type<string>())
const Outcome = dataType('Outcome', type<string>())
const Report = dataType('Report', type<string>())

/** Something that takes for ever, in an execution of its own, with half a minute, or another time, to win its race, and a report that takes a while after it. */
function deliveries() {
  const reasons: unknown[] = []
  const run = (_: unknown, { signal }: StepContext) =>
    new Promise<string>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason)
        reject(signal.reason as Error)
      })
    })
  const deliver = step({ name: 'Deliver', inputs: { order: Order }, output: Delivery, run })
  const elsewhere = step({ name: 'Deliver', inputs: { order: Order }, output: Delivery, queue: 'default', run })
  const shipping = graph({ name: 'shipping', steps: [deliver] })
  const whole = (ship: AnyStep, after: Duration = '30s') =>
    graph({
      name: 'orders',
      steps: [
        ship as typeof deliver,
        timer({ name: 'Expire', output: Expiry, after, value: () => 'too late' }),
        race({ name: 'Either', inputs: { delivery: Delivery, expiry: Expiry }, output: Outcome }),
        timer({
          name: 'Wait',
          inputs: { outcome: Outcome },
          output: Report,
          after: '1h',
          value: ({ outcome }) => outcome,
        }),
      ],
    })
  return { elsewhere, shipping, whole, reasons }
}

test.each([
  ['a subgraph', ({ shipping }: ReturnType<typeof deliveries>) => subgraph(shipping, Delivery, { name: 'Deliver' })],
  ['a step with a queue', ({ elsewhere }: ReturnType<typeof deliveries>) => elsewhere],
  [
    'a durable function',
    ({ shipping }: ReturnType<typeof deliveries>) =>
      durableStep({
        name: 'Deliver',
        inputs: { order: Order },
        output: Delivery,
        run: ({ order }, ctx) => ctx.execute(shipping, Delivery, { Order: order }),
      }),
  ],
])('the child of %s that has lost its race while its parent was parked is cancelled', async (_, shipOf) => {
  const world = new World()
  const made = deliveries()
  const declared = made.whole(shipOf(made) as unknown as AnyStep)
  const docket = world.process({ graphs: [declared, made.shipping], park: '1s' })
  await world.clock.settle(docket.start(declared, Report, { Order: 'o' }, { id: 'a' }))
  await world.clock.advance(20_000)
  expect((await world.store.get(['a']))[0]!.parkedAt).toBeDefined()
  expect(made.reasons).toEqual([])
  await world.clock.advance(20_000)
  const [child] = await world.store.list({ parent: 'a', limit: 10 })
  expect(child).toMatchObject({ status: 'cancelled' })
  expect(made.reasons).toHaveLength(1)
  await world.clock.advance(3_600_000)
  expect((await world.store.get(['a']))[0]!.status).toBe('completed')
})

test('an execution is parked after a takeover, though a step that has lost its race was to be tried again', async () => {
  const world = new World()
  const deliver = step({
    name: 'Deliver',
    inputs: { order: Order },
    output: Delivery,
    retry: { maxAttempts: 5, backoff: '10s' },
    run: () => Promise.reject(new Error('full')),
    compensate: () => undefined,
  })
  const orders = deliveries().whole(deliver as unknown as AnyStep, '1s')
  const options = { graphs: [orders], park: '2s' } as const
  const first = world.mortal(options)
  await world.clock.settle(first.docket.start(orders, Report, { Order: 'o' }, { id: 'a' }))
  await world.clock.advance(2_000)
  first.die()
  const heir = world.process(options)
  await world.clock.advance(30_000)
  expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
  await world.clock.advance(3_600_000)
  expect(await world.clock.settle((await world.clock.settle(heir.get('a')))!.result())).toBe('too late')
})
