import { expect, test } from 'vitest'
import { dataType, durableStep, graph, signal, type, untypedGraph } from '../../src/index.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { WatchedStore } from './watched-store.ts'

expectNoUnhandledErrors()

const Approval = dataType('Approval', type<string>())
const Order = dataType('Order', type<string>())

/** A function that has another graph approve something, under the names of a version. */
function program(version: 1 | 2) {
  const names = version === 1 ? { name: 'approvals' } : { name: 'consents', formerly: 'approvals' }
  const approvals = graph({ ...names, steps: [signal(Approval)] })
  const order = durableStep({
    name: 'Order',
    inputs: {},
    output: Order,
    run: (_, ctx) => ctx.execute(approvals, Approval, {}),
  })
  return { approvals, orders: untypedGraph({ name: 'orders', steps: [order as never] }) }
}

test.each(['was noted', 'was not noted'])(
  'a function whose child %s, and whose graph has another name by now, has that one child',
  async (noted) => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { orders, approvals } = program(1)
    if (noted === 'was not noted')
      // The process dies with the child there, and nothing of it on record of its parent.
      watched.before = async ({ name, given }) => {
        const isOfParent = name === 'commit' && (await world.store.get(['a/Order/approvals']))[0] !== undefined
        if (isOfParent && JSON.stringify(given).includes('"approvals"')) await new Promise(() => {})
      }
    const first = world.mortal({ graphs: [orders, approvals], park: 0 }, watched.store)
    await first.docket.start(orders as never, Order as never, {} as never, { id: 'a' })
    await world.clock.advance(1_000)
    first.die()
    await world.clock.advance(10_000)
    const later = program(2)
    const second = world.process({ graphs: [later.orders, later.approvals] })
    await world.clock.advance(5_000)
    const { executions } = await world.clock.settle(second.list())
    expect(executions.map(({ id }) => id).toSorted()).toEqual(['a', 'a/Order/approvals'])
    await world.clock.settle((await second.get('a/Order/approvals'))!.signal(Approval as never, 'yes' as never))
    expect(await world.clock.settle((await second.get('a'))!.result())).toBe('yes')
  },
)
