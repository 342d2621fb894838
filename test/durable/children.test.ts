import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, OptionError, step, subgraph, timer } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { fatalAt } from './fatal-commit.ts'

const Order = dataType('Order', z.string())
/** What is given is a text, and what is read a number: parsed twice, it would fail. */
const Weight = dataType(
  'Weight',
  z.string().transform((text) => Number(text)),
)
const Label = dataType('Label', z.string())
const Delivery = dataType('Delivery', z.string())
const Receipt = dataType('Receipt', z.string())
const never = (): Promise<never> => new Promise(() => {})

/** Orders, whose deliveries another graph makes, and what their functions do at the moment. */
class Orders {
  readonly calls: string[] = []
  deliver: (label: string) => string | Promise<string> = (label) => `delivered ${label}`
  bill: () => string | Promise<string> = () => 'billed'
  readonly reasons: unknown[] = []

  graph(options = {}) {
    const called = <Value>(name: string, make: () => Value): Value => {
      this.calls.push(name)
      return make()
    }
    const shipping = graph({
      name: 'shipping',
      steps: [
        step({
          name: 'Print',
          inputs: { order: Order, weight: Weight },
          output: Label,
          persist: 'execution',
          run: ({ order, weight }) => called('Print', () => `${weight + 1} g of ${order}`),
        }),
        step({
          name: 'Deliver',
          inputs: { label: Label },
          output: Delivery,
          run: ({ label }, { signal }) =>
            called('Deliver', () => {
              signal.addEventListener('abort', () => this.reasons.push(signal.reason))
              return this.deliver(label)
            }),
        }),
      ],
    })
    return graph({
      name: 'orders',
      steps: [
        step({ name: 'Weigh', output: Weight, run: () => called('Weigh', () => '100') }),
        subgraph(shipping, Delivery, { name: 'Ship', ...options }),
        step({
          name: 'Bill',
          inputs: { delivery: Delivery },
          output: Receipt,
          run: ({ delivery }) => called('Bill', async () => `${delivery}, ${await this.bill()}`),
        }),
      ],
    })
  }
}

async function endOf(world: World, docket: Docket, id = 'a'): Promise<unknown> {
  return world.clock.settle((await docket.get(id))!.result().catch((error: unknown) => error))
}

test('a child is an execution of its own, with its parent on record, and its value is on record as that of the step', async () => {
  const world = new World()
  const orders = new Orders().graph()
  const docket = world.process({ graphs: [orders] })
  expect(await world.clock.settle(docket.execute(orders, Receipt, { Order: 'o' }, { id: 'a' }))).toBe(
    'delivered 101 g of o, billed',
  )
  const [child] = await world.store.get(['a/Ship'])
  expect(child).toMatchObject({ graph: 'shipping', target: 'Delivery', status: 'completed', parent: 'a' })
  expect((await (await docket.get('a/Ship'))!.details()).parent).toBe('a')
  expect((await docket.list({ parent: 'a' })).executions.map(({ id }) => id)).toEqual(['a/Ship'])
  const { steps } = await (await docket.get('a'))!.details()
  expect(steps.find(({ step: name }) => name === 'Ship')).toMatchObject({
    status: 'completed',
    output: 'delivered 101 g of o',
  })
  expect(world.events.filter(({ executionId }) => executionId === 'a/Ship').map(({ seq }) => seq)).toEqual(
    world.events.filter(({ executionId }) => executionId === 'a/Ship').map((_, index) => index + 1),
  )
})

test('there is one child however often the parent dies, and it goes on with what it has', async () => {
  const world = new World()
  const outside = new Orders()
  const orders = outside.graph()
  outside.deliver = never
  for (let life = 0; life < 4; life++) {
    const { docket, die } = world.mortal({ graphs: [orders], lease: '2s' })
    if (life === 0) await docket.start(orders, Receipt, { Order: 'o' }, { id: 'a' })
    await world.clock.advance(life === 0 ? 100 : 10_000)
    die()
  }
  outside.deliver = (label) => label
  const last = world.process({ graphs: [orders], lease: '2s' })
  await world.clock.advance(10_000)
  expect(await endOf(world, last)).toBe('101 g of o, billed')
  expect(outside.calls.filter((call) => call === 'Print')).toHaveLength(1)
  expect((await last.list({})).executions.map(({ id }) => id).toSorted()).toEqual(['a', 'a/Ship'])
})

test('a child goes on in another process while its parent is closed there, and is joined again', async () => {
  const world = new World()
  const outside = new Orders()
  const orders = outside.graph()
  outside.deliver = async (label) => (await world.clock.sleep(60_000), label)
  const first = world.process({ graphs: [orders] })
  await first.start(orders, Receipt, { Order: 'o' }, { id: 'a' })
  await world.clock.advance(1_000)
  await world.clock.settle(first.close())
  const second = world.process({ graphs: [orders] })
  await world.clock.advance(10_000)
  expect(await endOf(world, second)).toBe('101 g of o, billed')
  expect(outside.reasons).toMatchObject([{ code: 'DOCKET_CLOSED' }])
  expect(outside.calls.filter((call) => call === 'Print')).toHaveLength(1)
})

test('a failure that no process of the parent has seen fails the step, and is not tried again', async () => {
  const world = new World()
  const outside = new Orders()
  const orders = outside.graph()
  outside.deliver = never
  const { docket, die } = world.mortal({ graphs: [orders], lease: '2s' })
  await docket.start(orders, Receipt, { Order: 'o' }, { id: 'a' })
  await world.clock.advance(100)
  die()
  outside.deliver = () => {
    throw new Error('no van')
  }
  const shipping = orders.steps[1].graph
  // It knows the child alone.
  const other = world.process({ graphs: [shipping], lease: '2s' })
  await world.clock.advance(10_000)
  expect(await endOf(world, other, 'a/Ship')).toMatchObject({ code: 'STEP_FAILED', step: 'Deliver' })
  const delivers = outside.calls.filter((call) => call === 'Deliver').length
  outside.deliver = (label) => label
  const last = world.process({ graphs: [orders], lease: '2s' })
  await world.clock.advance(10_000)
  expect(await endOf(world, last)).toMatchObject({
    code: 'STEP_FAILED',
    step: 'Ship',
    cause: { code: 'STEP_FAILED', step: 'Deliver', executionId: 'a/Ship' },
  })
  expect(outside.calls.filter((call) => call === 'Deliver')).toHaveLength(delivers)
  // A retry of the parent is one of the child.
  await last.retry('a')
  expect(await endOf(world, last)).toBe('101 g of o, billed')
  expect(outside.calls.filter((call) => call === 'Print')).toHaveLength(1)
})

test('a further attempt of the step retries the child', async () => {
  const world = new World()
  const outside = new Orders()
  const orders = outside.graph({ retry: { maxAttempts: 3 } })
  let tries = 0
  outside.deliver = (label) => {
    if (++tries < 3) throw new Error('no van')
    return label
  }
  const docket = world.process({ graphs: [orders] })
  expect(await world.clock.settle(docket.execute(orders, Receipt, { Order: 'o' }, { id: 'a' }))).toBe(
    '101 g of o, billed',
  )
  expect(outside.calls.filter((call) => call === 'Print')).toHaveLength(1)
})

test('a parent that is cancelled cancels its child, before it has ended itself', async () => {
  const world = new World()
  const outside = new Orders()
  const orders = outside.graph()
  outside.deliver = never
  const docket = world.process({ graphs: [orders] })
  const handle = await docket.start(orders, Receipt, { Order: 'o' }, { id: 'a' })
  await world.clock.advance(100)
  await world.clock.settle(handle.cancel(new Error('changed my mind')))
  const [parent, child] = await world.store.get(['a', 'a/Ship'])
  expect([parent?.status, child?.status]).toEqual(['cancelled', 'cancelled'])
  expect(child!.endedAt).toBeLessThanOrEqual(parent!.endedAt!)
  expect(outside.reasons).toMatchObject([{ code: 'EXECUTION_CANCELLED' }])
})

test('a step that times out cancels its child', async () => {
  const world = new World()
  const outside = new Orders()
  const orders = outside.graph({ timeout: '5s', fallback: 'by hand' })
  outside.deliver = never
  const docket = world.process({ graphs: [orders] })
  expect(await world.clock.settle(docket.execute(orders, Receipt, { Order: 'o' }, { id: 'a' }))).toBe('by hand, billed')
  await world.clock.advance(1_000)
  const [child] = await world.store.get(['a/Ship'])
  expect(child?.status).toBe('cancelled')
})

test('each item of a durable batch has a child', async () => {
  const world = new World()
  const orders = new Orders().graph()
  const docket = world.process({ graphs: [orders] })
  const items = [{ Order: 'x' }, { Order: 'y' }]
  const handle = await docket.startBatch(orders, Receipt, items, { id: 'b', key: ({ Order: order }) => order })
  expect(await world.clock.settle(handle.result())).toEqual(
    ['x', 'y'].map((order) => `delivered 101 g of ${order}, billed`),
  )
  const children = await world.store.get(['b/x/Ship', 'b/y/Ship'])
  expect(children.map((child) => child?.status)).toEqual(['completed', 'completed'])
})

test('a docket knows the graphs within its graphs, and refuses two of one name', () => {
  const world = new World()
  const orders = new Orders().graph()
  const other = new Orders().graph().steps[1].graph
  expect(() => world.process({ graphs: [orders, other] })).toThrow(OptionError)
})

test('a parent that nobody runs takes its child along when it is cancelled', async () => {
  const world = new World()
  const outside = new Orders()
  const orders = outside.graph()
  outside.deliver = never
  const { docket, die } = world.mortal({ graphs: [orders], lease: '2s' })
  await docket.start(orders, Receipt, { Order: 'o' }, { id: 'a' })
  await world.clock.advance(100)
  die()
  await world.clock.advance(10_000)
  const other = world.process({ graphs: [orders], takeOver: false })
  await world.clock.settle(other.cancel('a'))
  const [parent, child] = await world.store.get(['a', 'a/Ship'])
  expect([parent?.status, child?.status]).toEqual(['cancelled', 'cancelled'])
})

test('a child whose parent fails in another process before it is joined again is cancelled', async () => {
  const world = new World()
  const outside = new Orders()
  const Check = dataType('Check', z.string())
  const Both = dataType('Both', z.string())
  let isOpen = true
  const both = graph({
    name: 'both',
    steps: [
      step({
        name: 'Check',
        output: Check,
        run: (): Promise<string> => {
          if (isOpen) return never()
          throw new Error('closed')
        },
      }),
      ...outside.graph().steps,
      step({ name: 'Join', inputs: { check: Check, receipt: Receipt }, output: Both, run: () => 'both' }),
    ],
  })
  outside.deliver = never
  const { docket, die } = world.mortal({ graphs: [both], lease: '2s' })
  await docket.start(both, Both, { Order: 'o' }, { id: 'a' })
  await world.clock.advance(100)
  die()
  isOpen = false
  const next = world.process({ graphs: [both], lease: '2s' })
  await world.clock.advance(20_000)
  expect(await endOf(world, next)).toMatchObject({ code: 'STEP_FAILED', step: 'Check' })
  const [child] = await world.store.get(['a/Ship'])
  expect(child?.status).toBe('cancelled')
})

test.each(['before', 'after'] as const)(
  'a process that dies right %s any of its commits leaves the same value and one child',
  async (when) => {
    let wasFatal = true
    for (let n = 1; wasFatal; n++) {
      const world = new World()
      const orders = new Orders().graph()
      let hasDied = false
      const fatal = fatalAt(world.store, n, when, () => {
        hasDied = true
        die()
      })
      const { docket, die } = world.mortal({ graphs: [orders], lease: '2s' }, fatal)
      void docket.start(orders, Receipt, { Order: 'o' }, { id: 'a' }).then(
        (handle) => handle.result().catch(() => {}),
        () => {},
      )
      await world.clock.advance(5_000)
      wasFatal = hasDied
      if (!hasDied) die()
      const next = world.process({ graphs: [orders], lease: '2s' })
      await world.clock.advance(20_000)
      const label = `died ${when} commit ${n}`
      if ((await next.get('a')) === undefined) continue
      expect(await endOf(world, next), label).toBe('delivered 101 g of o, billed')
      const { executions } = await next.list({})
      expect(executions.map(({ id, status }) => `${id} ${status}`).toSorted(), label).toEqual([
        'a completed',
        'a/Ship completed',
      ])
      await next.close()
      expect(n).toBeLessThan(40)
    }
  },
)

test('a parent leaves its child room where a docket has work for one execution at a time', async () => {
  const world = new World()
  const orders = new Orders().graph()
  const docket = world.process({ graphs: [orders], work: { default: 1 } })
  expect(await world.clock.settle(docket.execute(orders, Receipt, { Order: 'o' }, { id: 'a' }))).toBe(
    'delivered 101 g of o, billed',
  )
})

test('a child that waits is parked, and its parent has its value once it has gone on', async () => {
  const world = new World()
  const Done = dataType('Done', z.object({ dueAt: z.date() }))
  const End = dataType('End', z.string())
  const waiting = graph({ name: 'waiting', steps: [timer({ name: 'Wait', output: Done, after: '1h' })] })
  const parent = graph({
    name: 'parent',
    steps: [
      subgraph(waiting, Done),
      step({ name: 'Finish', inputs: { done: Done }, output: End, run: ({ done }) => done.dueAt.toISOString() }),
    ],
  })
  const docket = world.process({ graphs: [parent] })
  const began = world.clock.now()
  await docket.start(parent, End, {}, { id: 'a' })
  await world.clock.advance(60_000)
  const [child] = await world.store.get(['a/waiting'])
  expect(child).toMatchObject({ status: 'waiting', owner: undefined })
  expect(await endOf(world, docket)).toBe(new Date(began + 3_600_000).toISOString())
})

test('what a docket says of its graphs holds for those within them', async () => {
  const world = new World()
  const orders = new Orders().graph()
  const docket = world.process({ graphs: [orders], persist: 'execution', migrate: { shipping: () => undefined } })
  await world.clock.settle(docket.execute(orders, Receipt, { Order: 'o' }, { id: 'a' }))
  const { steps } = await world.store.readSteps(['a/Ship'])
  expect(steps.map(({ step: name }) => name)).toEqual(['Print', 'Deliver'])
})
