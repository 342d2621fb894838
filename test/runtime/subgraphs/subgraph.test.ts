import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  all,
  dataType,
  execute,
  executeBatch,
  explain,
  graph,
  optional,
  race,
  RaceLostError,
  step,
  StepTimeoutError,
  subgraph,
  timer,
  untypedGraph,
} from '../../../src/index.ts'
import type { ExecutionEvent, GraphError, InputsOf, StepError, ValueOf } from '../../../src/index.ts'
import { rejectionOf } from '../../loose-api.ts'
import { VirtualTime } from '../virtual-time.ts'
import { Delivery, shippingOf, Weight } from './shipping.ts'

const Order = dataType('Order', z.string())
const Receipt = dataType('Receipt', z.string())
const pack = step({ name: 'Pack', inputs: { order: Order }, output: Weight, run: ({ order }) => `${order.length}00` })
const bill = step({
  name: 'Bill',
  inputs: { order: Order, delivery: Delivery },
  output: Receipt,
  run: ({ order, delivery }) => `${order}: ${delivery.join(' ')}`,
})
const inputs = { Order: 'abc', Address: 'Oslo' }
const ordersOf = (shipping: ReturnType<typeof shippingOf>, options = {}) =>
  graph({ name: 'orders', steps: [pack, subgraph(shipping, Delivery, options), bill] })

const failing = (shipping: ReturnType<typeof shippingOf>, options = {}) =>
  graph({
    name: 'orders',
    steps: [
      pack,
      subgraph(shipping, Delivery, options),
      step({
        name: 'Bill',
        inputs: { delivery: Delivery },
        output: Receipt,
        run: (): string => {
          throw new Error('no credit')
        },
      }),
    ],
  })

const problemsOf = (...given: Parameters<typeof subgraph<never, never>>): readonly string[] => {
  try {
    untypedGraph({ name: 'g', steps: [subgraph(...(given as never as Parameters<typeof subgraph>)) as never] })
    return []
  } catch (error) {
    return (error as GraphError).problems.map(({ message }) => message)
  }
}

describe('a subgraph', () => {
  test('makes its target in a child execution, of what the parent makes and its caller gives', async () => {
    const orders = ordersOf(shippingOf())
    expect(await execute(orders, Receipt, inputs)).toBe('abc: delivered 301 g to Oslo')
    expect(await execute(orders, Receipt, { ...inputs, Express: true })).toBe('abc: delivered 301 g to Oslo, fast')
    expectTypeOf<InputsOf<typeof orders, typeof Receipt>>().toEqualTypeOf<
      { readonly Order: string; readonly Address: string } & { readonly Express?: boolean | undefined }
    >()
    expectTypeOf<ValueOf<typeof Delivery>>().toEqualTypeOf<readonly string[]>()
  })

  test('has an id of its own, from its parent and its step, and events that name both', async () => {
    const events: ExecutionEvent[] = []
    const options = { id: 'o1', observers: [(event: ExecutionEvent) => void events.push(event)] }
    await execute(ordersOf(shippingOf()), Receipt, inputs, options)
    const child = events.filter(({ executionId }) => executionId === 'o1/shipping')
    expect(child[0]).toMatchObject({
      type: 'execution.started',
      seq: 1,
      graph: 'shipping',
      parent: { executionId: 'o1', step: 'shipping', item: undefined },
    })
    expect(child.at(-1)).toMatchObject({ type: 'execution.ended', status: 'completed' })
    expect(child.flatMap((event) => (event.type === 'step.started' ? [event.step] : []))).toEqual(['Print', 'Deliver'])
    const own = events.filter(({ executionId }) => executionId === 'o1')
    expect(own[0]).not.toHaveProperty('parent')
    expect(own.flatMap((event) => (event.type === 'step.started' ? [event.step] : []))).toEqual([
      'Pack',
      'shipping',
      'Bill',
    ])
    expect(events.map(({ seq }) => seq).filter((seq) => seq === 1)).toHaveLength(2)
  })

  test('stands twice in a parent under other names, where its leaves and its target have other types', async () => {
    const Home = dataType('Home', z.string())
    const Office = dataType('Office', z.string())
    const Second = dataType('Second', z.array(z.string()))
    const Both = dataType('Both', z.string())
    const both = graph({
      name: 'both',
      steps: [
        pack,
        subgraph(shippingOf(), Delivery, { name: 'ToHome', inputs: { Address: Home } }),
        subgraph(shippingOf(), Delivery, { name: 'ToOffice', inputs: { Address: Office }, output: Second }),
        step({
          name: 'Join',
          inputs: { one: Delivery, two: Second },
          output: Both,
          run: ({ one, two }) => [...one, ...two].join('; '),
        }),
      ],
    })
    const given = { Order: 'x', Home: 'here', Office: 'there' }
    expect(await execute(both, Both, given)).toBe('delivered 101 g to here; delivered 101 g to there')
    expectTypeOf<Parameters<typeof execute<typeof both, typeof Both>>[2]>().toExtend<{ readonly Home: string }>()
  })

  test('may stand in a graph that stands in another one', async () => {
    const Invoice = dataType('Invoice', z.string())
    const outer = graph({
      name: 'outer',
      steps: [
        subgraph(ordersOf(shippingOf()), Receipt),
        step({ name: 'Print', inputs: { receipt: Receipt }, output: Invoice, run: ({ receipt }) => `[${receipt}]` }),
      ],
    })
    const ids: string[] = []
    const observers = [
      (event: ExecutionEvent) => void (event.type === 'execution.started' && ids.push(event.executionId)),
    ]
    expect(await execute(outer, Invoice, inputs, { id: 'a', observers })).toBe('[abc: delivered 301 g to Oslo]')
    expect(ids).toEqual(['a', 'a/orders', 'a/orders/shipping'])
  })

  test('that fails fails its step, with the way through both graphs', async () => {
    const error = (await rejectionOf(
      execute(
        ordersOf(
          shippingOf(() => {
            throw new Error('no van')
          }),
        ),
        Receipt,
        inputs,
        { id: 'o1' },
      ),
    )) as StepError
    expect(error).toMatchObject({
      code: 'STEP_FAILED',
      graph: 'orders',
      executionId: 'o1',
      step: 'shipping',
      path: ['Receipt', 'Delivery', 'Delivery'],
      cause: { code: 'STEP_FAILED', graph: 'shipping', executionId: 'o1/shipping', step: 'Deliver' },
    })
    expect(error.message).toBe('step "shipping" failed after 1 attempt: step "Deliver" failed after 1 attempt: no van')
  })

  test('that fails may have a fallback, or be optional', async () => {
    const broken = shippingOf(() => {
      throw new Error('no van')
    })
    expect(await execute(ordersOf(broken, { fallback: () => 'by hand' }), Receipt, inputs)).toBe('abc: by hand')
    const Note = dataType('Note', z.string())
    const notes = graph({
      name: 'notes',
      steps: [
        pack,
        subgraph(broken, Delivery),
        step({
          name: 'Write',
          inputs: { delivery: optional(Delivery) },
          output: Note,
          run: ({ delivery }) => delivery?.join(' ') ?? 'none',
        }),
      ],
    })
    expect(await execute(notes, Note, inputs)).toBe('none')
  })

  test('is cancelled with its parent, and by its own timeout, and its steps see why', async () => {
    const clock = new VirtualTime()
    const reasons: unknown[] = []
    const slow = shippingOf(async (label, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      await clock.sleep(1e6, signal)
      return label
    })
    const events: ExecutionEvent[] = []
    const observers = [(event: ExecutionEvent) => void events.push(event)]
    const controller = new AbortController()
    const cancelled = rejectionOf(
      execute(ordersOf(slow), Receipt, inputs, { clock, signal: controller.signal, observers, id: 'a' }),
    )
    await clock.advance(10)
    controller.abort(new Error('enough'))
    expect(await cancelled).toMatchObject({ code: 'EXECUTION_CANCELLED' })
    expect(reasons).toMatchObject([{ code: 'EXECUTION_CANCELLED', cause: new Error('enough') }])
    expect(events.filter(({ executionId }) => executionId === 'a/shipping').at(-1)).toMatchObject({
      type: 'execution.ended',
      status: 'cancelled',
    })
    const late = rejectionOf(execute(ordersOf(slow, { timeout: '1s' }), Receipt, inputs, { clock }))
    await clock.advance(2_000)
    expect(await late).toMatchObject({ step: 'shipping', cause: expect.any(StepTimeoutError) })
    expect(reasons[1]).toMatchObject({ code: 'EXECUTION_CANCELLED', cause: expect.any(StepTimeoutError) })
  })

  test('that is tried again keeps its id, and what it has persisted', async () => {
    const ids: string[] = []
    let prints = 0
    const shaky = shippingOf(
      (label, { executionId, idempotencyKey }) => {
        ids.push(`${executionId} ${idempotencyKey}`)
        if (ids.length < 3) throw new Error('again')
        return label
      },
      { persist: 'execution', onPrint: () => prints++ },
    )
    const orders = ordersOf(shaky, { retry: { maxAttempts: 3 } })
    expect(await execute(orders, Receipt, inputs, { id: 'tried-again' })).toBe('abc: 301 g to Oslo')
    expect(ids).toHaveLength(3)
    expect(new Set(ids).size).toBe(1)
    expect(prints).toBe(1)
  })

  test('that loses a race is cancelled', async () => {
    const clock = new VirtualTime()
    let reason: unknown
    const slow = shippingOf(async (label, { signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason))
      await clock.sleep(1e9, signal)
      return label
    })
    const Late = dataType('Late', z.string())
    const End = dataType('End', z.string())
    const racing = graph({
      name: 'racing',
      steps: [
        pack,
        subgraph(slow, Delivery),
        timer({ name: 'Wait', output: Late, after: '1h', value: () => 'too late' }),
        race({
          name: 'Decide',
          inputs: { delivery: Delivery, late: Late },
          output: End,
          run: (first) => (first.port === 'late' ? first.value : 'there'),
        }),
      ],
    })
    expect(await clock.settle(execute(racing, End, inputs, { clock }))).toBe('too late')
    expect(reason).toMatchObject({ code: 'EXECUTION_CANCELLED', cause: expect.any(RaceLostError) })
    expect(clock.pending).toBe(0)
  })

  test('is skipped by its condition, which gets the leaves', async () => {
    const seen: unknown[] = []
    const orders = graph({
      name: 'orders',
      steps: [
        pack,
        subgraph(shippingOf(), Delivery, {
          when: (leaves) => {
            seen.push(leaves)
            return leaves.Weight > 1_000
          },
        }),
        bill,
      ],
    })
    await expect(execute(orders, Receipt, inputs)).rejects.toMatchObject({ code: 'STEP_SKIPPED', step: 'shipping' })
    expect(seen).toEqual([{ Address: 'Oslo', Weight: 300, Express: undefined }])
  })

  test('has an execution for each item of a batch, and all(T) takes what they make', async () => {
    const Report = dataType('Report', z.string())
    const ids: string[] = []
    const shipping = shippingOf((label, { executionId }) => {
      ids.push(executionId)
      return label
    })
    const report = step({
      name: 'Sum',
      inputs: { deliveries: all(Delivery) },
      output: Report,
      run: ({ deliveries }) => deliveries.flat().join('; '),
    })
    const orders = graph({ name: 'orders', steps: [pack, subgraph(shipping, Delivery), report] })
    const items = [
      { Order: 'a', Address: 'Oslo' },
      { Order: 'ab', Address: 'Bergen' },
    ]
    const results = await executeBatch(orders, Report, items, { id: 'b' })
    expect(results).toEqual(Array(2).fill('101 g to Oslo; 201 g to Bergen'))
    expect(ids).toEqual(['b/0/shipping', 'b/1/shipping'])
  })
})

describe('what a subgraph did', () => {
  test('is undone by its own compensate alone, once it is completed', async () => {
    const log: unknown[] = []
    const shipping = shippingOf(undefined, { onUndo: (what) => log.push(what) })
    await rejectionOf(execute(failing(shipping), Receipt, inputs))
    expect(log).toEqual([])
    const compensate = (delivery: unknown, context: { readonly inputs: unknown }): void => {
      log.push([delivery, context.inputs])
    }
    await rejectionOf(execute(failing(shipping, { compensate }), Receipt, inputs))
    expect(log).toEqual([[['delivered 301 g to Oslo'], { Address: 'Oslo', Weight: 300, Express: undefined }]])
  })

  test('is undone by its own steps where it fails or is cancelled', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const onUndo = (what: string): void => void log.push(what)
    const broken = shippingOf(
      () => {
        throw new Error('no van')
      },
      { onUndo },
    )
    await rejectionOf(execute(ordersOf(broken), Receipt, inputs))
    expect(log).toEqual(['label'])
    const slow = shippingOf((label, { signal }) => clock.sleep(1e6, signal).then(() => label), { onUndo })
    const cancelled = rejectionOf(execute(ordersOf(slow), Receipt, inputs, { clock, timeout: '1s' }))
    await clock.advance(20_000)
    expect(await cancelled).toMatchObject({ code: 'EXECUTION_TIMEOUT' })
    expect(log).toEqual(['label', 'delivery', 'label'])
  })
})

describe('graph() refuses', () => {
  const shipping = shippingOf()

  test.each([
    ['what is no graph', ['shipping', Delivery, { name: 'Ship' }], 'runs "shipping", which is not a graph'],
    [
      'a target that no step of it makes',
      [shipping, Order],
      'step "shipping": no step of graph "shipping" produces "Order"; it makes: Label, Delivery',
    ],
    [
      'a name that is none of its leaves',
      [shipping, Delivery, { inputs: { Adress: Order } }],
      'step "shipping": inputs names "Adress", which "Delivery" of graph "shipping" does not take; it takes: Address, Weight, Express',
    ],
    [
      'what is no type',
      [shipping, Delivery, { inputs: { Address: 'Home' } }],
      'its input "Address" is not a data type',
    ],
    ['persist', [shipping, Delivery, { persist: 'execution' }], 'has the unknown option "persist"'],
  ])('%s', (_, given, message) => {
    expect(problemsOf(...(given as never as Parameters<typeof problemsOf>)).join('\n')).toContain(message)
  })

  test('a graph within one of its own name, however deep', () => {
    const Outer = dataType('Outer', z.string())
    const orders = ordersOf(shipping)
    const wrap = step({ name: 'Wrap', inputs: { receipt: Receipt }, output: Outer, run: ({ receipt }) => receipt })
    expect(() => graph({ name: 'shipping', steps: [subgraph(orders, Receipt), wrap] })).toThrow(
      'step "orders" runs a graph named "shipping" within graph "shipping" (by "shipping"); a graph can\'t be part of itself',
    )
  })
})

test('explain shows a subgraph as what it is, with the graph that it runs', () => {
  const plan = explain(ordersOf(shippingOf(), { name: 'Ship' }), Receipt, inputs)
  expect(plan.steps[1]).toMatchObject({
    name: 'Ship',
    kind: 'subgraph',
    subgraph: { graph: 'shipping', target: 'Delivery' },
    inputs: [
      { port: 'Address', type: 'Address', kind: 'plain' },
      { port: 'Weight', type: 'Weight', kind: 'plain' },
      { port: 'Express', type: 'Express', kind: 'optional' },
    ],
  })
  expect(String(plan)).toContain('subgraph shipping(Address, Weight, optional(Express)) → Delivery')
  expect(plan.toMermaid()).toContain('[["Ship: shipping"]]')
})

test('a leaf of a subgraph that nothing makes is an input of the parent', () => {
  const orders = ordersOf(shippingOf())
  expect(explain(orders, Receipt, { Order: 'a' }).missing).toEqual(['Address'])
  // @ts-expect-error the parent's caller has to give the address
  void execute(orders, Receipt, { Order: 'a' }).catch(() => {})
  const shipping = shippingOf()
  const declare = (): unknown =>
    // @ts-expect-error where leaves are named on purpose, one that is missing is an error
    graph({ name: 'named', inputs: [Order], steps: [pack, subgraph(shipping, Delivery), bill] })
  expect(declare).toThrow('no step of graph "named" produces "Address", which step "shipping" needs as "Address"')
})
