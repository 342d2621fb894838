import { createDocket, dataType, graph, race, signal, step, type } from 'docket'
import type { ExecutionEvent, Logger, ObservedDocket, Observer, ProcessEvent } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { expect, test } from 'vitest'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Paid = dataType('Paid', z.object({ by: z.string() }))
const Packed = dataType('Packed', type<{ box: number }>())
const Shipped = dataType('Shipped', type<{ order: string }>())
const pack = step({
  name: 'Pack',
  inputs: { order: Order },
  output: Packed,
  persist: 'execution',
  run: () => ({ box: 1 }),
})
const ship = step({
  name: 'Ship',
  inputs: { order: Order, paid: Paid, packed: Packed },
  output: Shipped,
  run: ({ order }) => ({ order: order.id }),
})
const orders = graph({ name: 'orders', steps: [signal(Paid), pack, ship] })

test('an observer that comes late gets the events of what begins after it, in order and without gaps, and nothing any more once it is off', async () => {
  await using docket = createDocket({ graphs: [orders], store: memoryStore() })
  const before = await docket.start(orders, Shipped, { Order: { id: 'before' } }, { id: 'before' })
  const events: ExecutionEvent[] = []
  const off = docket.observe((event) => void events.push(event))
  const during = await docket.start(orders, Shipped, { Order: { id: 'during' } }, { id: 'during' })
  await during.signal(Paid, { by: 'card' })
  await during.result()
  const seen = events.map(({ executionId, seq }) => `${executionId} ${seq}`)
  expect(seen).toEqual(seen.map((_, index) => `during ${index + 1}`))
  expect(events.at(0)).toMatchObject({ type: 'execution.started', graph: 'orders' })
  expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'completed' })
  const last = await docket.start(orders, Shipped, { Order: { id: 'last' } }, { id: 'last' })
  off()
  off()
  const { length } = events
  for (const handle of [before, last]) {
    await handle.signal(Paid, { by: 'card' })
    await handle.result()
  }
  expect(events).toHaveLength(length)
})

test('an observer of one execution gets its events alone, of each of its lives', async () => {
  await using docket = createDocket({ graphs: [orders], store: memoryStore() })
  const seen: string[] = []
  const [one, other] = ['one', 'other'].map((name) =>
    docket.observe((event) => void seen.push(`${name}: ${event.type}`), { execution: 'it' }),
  )
  for (const id of ['it', 'that']) {
    const handle = await docket.start(orders, Shipped, { Order: { id } }, { id })
    await handle.signal(Paid, { by: 'card' })
    await handle.result()
  }
  expect(seen.filter((line) => line.endsWith('execution.started'))).toEqual([
    'one: execution.started',
    'other: execution.started',
  ])
  one!()
  other!()
  expect(() => docket.observe(() => {}, { execution: '' })).toThrow('must be an execution')
})

test('an observer that comes late lends its logger to what begins after it, until it is off', async () => {
  const lines: string[] = []
  const lent: Logger = {
    debug() {},
    info: (_, message) => void lines.push(message!),
    warn() {},
    error() {},
    child: () => lent,
  }
  const talk = step({
    name: 'Talk',
    inputs: { order: Order },
    output: Shipped,
    run: async ({ order }, { log }) => {
      log.info({}, order.id)
      if (order.id === 'second') off()
      log.info({}, 'done')
      return { order: order.id }
    },
  })
  const talks = graph({ name: 'talks', steps: [talk] })
  await using docket = createDocket({ graphs: [talks], store: memoryStore() })
  const off = docket.observe({ next: () => {}, logger: lent })
  for (const id of ['first', 'second', 'third']) await docket.execute(talks, Shipped, { Order: { id } })
  expect(lines).toEqual(['first', 'done', 'second'])
})

test('an observer that comes late is shown the docket, and gets what happens in its process until it is off', async () => {
  const store = memoryStore()
  await using docket = createDocket({
    graphs: [orders],
    store,
    observers: [{ next: () => {}, nextOfProcess: () => {} }],
  })
  const attached: ObservedDocket[] = []
  const seen: ProcessEvent[] = []
  const observer: Observer = {
    next: () => {},
    attach: (one) => void attached.push(one),
    nextOfProcess: (event) => void seen.push(event),
  }
  docket.observe(observer, { execution: 'it' })
  await docket.list()
  expect([attached, seen]).toEqual([[], []])
  const off = docket.observe(observer)
  expect(attached).toMatchObject([{ store, queues: ['default'] }])
  await docket.list()
  expect(seen).toContainEqual(expect.objectContaining({ type: 'store.called', operation: 'list' }))
  off()
  const { length } = seen
  await docket.list()
  expect(seen).toHaveLength(length)
})

test('an observer that comes and goes is shown the docket once', async () => {
  await using docket = createDocket({ graphs: [orders], store: memoryStore() })
  let count = 0
  const observer: Observer = { next: () => {}, attach: () => void count++ }
  for (let times = 0; times < 3; times++) docket.observe(observer)()
  expect(count).toBe(1)
  await using other = createDocket({ graphs: [orders], store: memoryStore(), observers: [observer] })
  other.observe(observer)()
  expect(count).toBe(2)
})

test('events that an observer which comes late does without are not made for it, of a life neither', async () => {
  await using docket = createDocket({ graphs: [orders], store: memoryStore() })
  const doesWithout = ['step.started', 'attempt.started', 'step.ended'] as const
  const seenOf = async (id: string, observer: Observer): Promise<readonly string[]> => {
    const off = docket.observe(observer)
    const handle = await docket.start(orders, Shipped, { Order: { id } }, { id })
    await handle.signal(Paid, { by: 'card' })
    await handle.result()
    off()
    return seen.splice(0)
  }
  const seen: string[] = []
  const next = ({ type, seq }: ExecutionEvent): void => void seen.push(`${seq} ${type}`)
  const ofAll = await seenOf('all', { doesWithout, next, observe: () => undefined })
  expect(ofAll).toContain('1 execution.started')
  expect(ofAll.filter((text) => doesWithout.some((type) => text.endsWith(type)))).toEqual([])
  expect(await seenOf('life', { next, observe: () => ({ doesWithout, next }) })).toEqual(ofAll)
})

test('what is no observer is refused', async () => {
  await using docket = createDocket({ graphs: [orders], store: memoryStore() })
  expect(() => docket.observe(42 as never)).toThrow(/^observe: /)
})

test('a docket says which graphs, which store and which name it has', async () => {
  await using docket = createDocket({ graphs: [orders], store: memoryStore(), name: 'shop', version: '7' })
  const { graphs, ...about } = docket.about()
  expect(about).toEqual({ name: 'shop', version: '7', store: 'memory', runsExecutions: true })
  expect(graphs.map(({ name }) => name)).toEqual(['orders'])
})

test('the plan of an execution names what each step depends on, while it waits and once it has ended, in a process that has its graph', async () => {
  const store = memoryStore()
  await using docket = createDocket({ graphs: [orders], store })
  await using other = createDocket({ graphs: [], store, takeOver: false })
  const handle = await docket.start(orders, Shipped, { Order: { id: 'o' } }, { id: 'o' })
  const dependsOf = async (): Promise<unknown> =>
    Object.fromEntries((await docket.plan('o'))!.steps.map(({ name, dependsOn }) => [name, dependsOn]))
  expect(await dependsOf()).toEqual({ Paid: [], Pack: [], Ship: ['Paid', 'Pack'] })
  await handle.signal(Paid, { by: 'card' })
  await handle.result()
  expect(await dependsOf()).toEqual({ Paid: [], Pack: [], Ship: ['Paid', 'Pack'] })
  expect(await other.plan('o')).toBeUndefined()
  await expect(docket.plan('nobody')).rejects.toThrow('there is no execution "nobody"')
})

test('steps that overrides make unnecessary are not in the plan of their execution, nor are those that it does not need', async () => {
  await using docket = createDocket({ graphs: [orders], store: memoryStore() })
  const options = { id: 'o', overrides: { Packed: { box: 7 } } }
  const handle = await docket.start(orders, Shipped, { Order: { id: 'o' } }, options)
  const plan = (await docket.plan('o'))!
  expect(plan.steps.map(({ name }) => name)).toEqual(['Paid', 'Ship'])
  expect(plan.leaves.map((leaf) => leaf.type.name).toSorted()).toEqual(['Order', 'Packed'])
  await handle.cancel()
})

test('the plan of a graph and a target says what is to be given, and what a race depends on; wrong names are refused with the right ones', async () => {
  const Fast = dataType('Fast', type<number>())
  const Slow = dataType('Slow', type<number>())
  const First = dataType('First', type<number>())
  const quick = graph({
    name: 'quick',
    steps: [
      step({ name: 'Fast', inputs: { order: Order }, output: Fast, run: () => 1 }),
      step({ name: 'Slow', inputs: { order: Order }, output: Slow, run: () => 2 }),
      race({
        name: 'First',
        inputs: { fast: Fast, slow: Slow },
        output: First,
        run: ({ value }) => value,
      }),
    ],
  })
  await using docket = createDocket({ graphs: [quick], store: memoryStore() })
  const plan = await docket.plan({ graph: 'quick', target: 'First' })
  expect(plan.leaves.map(({ type, isRequired }) => [type.name, isRequired])).toEqual([['Order', true]])
  expect(plan.steps.find(({ name }) => name === 'First')).toMatchObject({
    dependsOn: ['Fast', 'Slow'],
    declaration: { kind: 'race' },
    statechart: { initial: 'pending' },
  })
  await expect(docket.plan({ graph: 'quik', target: 'First' })).rejects.toThrow('did you mean "quick"?')
  await expect(docket.plan({ graph: 'quick', target: 'Frist' })).rejects.toThrow('did you mean "Fast"?')
})
