import { expect, test } from 'vitest'
import { createDocket, dataType, event, eventType, graph, race, signal, step, timer, type } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Approval = dataType('Approval', type<string>())
const Refusal = dataType('Refusal', type<string>())
const Expiry = dataType('Expiry', type<{ dueAt: Date }>())
const Packed = eventType('Packed', type<string>())
const Decision = dataType('Decision', type<string>())
const Shipped = dataType('Shipped', type<string>())

const approvals = graph({
  name: 'approvals',
  steps: [
    signal(Approval, { timeout: '1d' }),
    timer({ name: 'Expire', output: Expiry, after: '1h' }),
    race({
      name: 'Decide',
      inputs: { approval: Approval, expiry: Expiry },
      output: Decision,
      run: ({ port }) => port,
    }),
  ],
})
const refusals = graph({
  name: 'refusals',
  steps: [
    signal(Refusal),
    step({ name: 'Refuse', inputs: { refusal: Refusal }, output: Decision, run: ({ refusal }) => refusal }),
  ],
})
const shipments = graph({
  name: 'shipments',
  steps: [
    event(Packed, { inputs: { order: Order }, key: ({ order }) => order }),
    step({ name: 'Ship', inputs: { packed: Packed }, output: Shipped, run: ({ packed }) => packed }),
  ],
})
const graphs = [approvals, refusals, shipments]

test.each(['10s', '1h'])(
  'executions are listed by what their steps wait for, parked or not (park: %s)',
  async (park) => {
    const world = new World()
    const docket = world.process({ graphs, park })
    for (const id of ['a1', 'a2', 'a3']) await world.clock.settle(docket.start(approvals, Decision, {}, { id }))
    for (const id of ['r1', 'r2']) await world.clock.settle(docket.start(refusals, Decision, {}, { id }))
    for (const id of ['s1', 's2']) await world.clock.settle(docket.start(shipments, Shipped, { Order: id }, { id }))
    await world.clock.settle(docket.startBatch(shipments, Shipped, [{ Order: 's1' }, { Order: 's9' }], { id: 'b' }))
    await world.clock.advance(15_000)
    const looking = world.process({ graphs, takeOver: false })
    const stranger = world.process({ graphs: [], takeOver: false })
    for (const from of [docket, looking, stranger]) {
      const ids = async (query: Parameters<typeof from.list>[0]) =>
        (await world.clock.settle(from.list(query))).executions
          .map(({ id }) => id)
          .toSorted()
          .join(' ')
      expect(await ids({ waitsFor: { signal: 'Refusal' } })).toBe('r1 r2')
      expect(await ids({ waitsFor: { event: 'Packed' } })).toBe('b s1 s2')
      expect(await ids({ waitsFor: { event: 'Packed', key: 's1' } })).toBe('b s1')
      expect(await ids({ waitsFor: { event: 'Other' } })).toBe('')
      expect(await ids({ waitsFor: { event: 'Packed' }, status: 'completed' })).toBe('')
      // Without the graph, what has a time may be a timer.
      if (from === stranger) continue
      expect(await ids({ waitsFor: { signal: 'Approval' } })).toBe('a1 a2 a3')
      expect(await ids({ waitsFor: { timer: 'Expire' }, graph: 'approvals' })).toBe('a1 a2 a3')
    }
    const page = await world.clock.settle(looking.list({ waitsFor: { timer: 'Expire' }, limit: 2 }))
    expect(page.executions).toHaveLength(2)
    const rest = await world.clock.settle(looking.list({ waitsFor: { timer: 'Expire' }, limit: 2, after: page.next }))
    expect(rest.executions).toHaveLength(1)
    expect(rest.next).toBeUndefined()
    const refusal = (await world.clock.settle(looking.get('r1')))!
    await world.clock.settle(refusal.signal(Refusal, 'no'))
    await world.clock.advance(5_000)
    const { executions } = await world.clock.settle(looking.list({ waitsFor: { signal: 'Refusal' } }))
    expect(executions.map(({ id }) => id)).toEqual(['r2'])
  },
)

test.each([
  ['little', 'o', [101, 201, 401]],
  ['much', 'o'.repeat(20_000), [101, 101, 101, 101, 101]],
])('a list by what is waited for reads ever more at once where executions have %s', async (_, order, portions) => {
  const limits: number[] = []
  const store = alteredStore(memoryStore(), (method, ask, [query]) => {
    if (method === 'list') limits.push((query as { readonly limit: number }).limit)
    return ask()
  })
  await using docket = createDocket({ graphs, store, work: false, takeOver: false })
  await docket.startMany(
    shipments,
    Shipped,
    Array.from({ length: 450 }, () => ({ inputs: { Order: order } })),
  )
  limits.length = 0
  expect(await docket.list({ waitsFor: { event: 'Packed' } })).toMatchObject({ executions: [], next: undefined })
  expect(limits).toEqual(portions)
})

test('a list by what is waited for refuses what is no wait', async () => {
  const docket = new World().process({ graphs })
  for (const waitsFor of ['Approval', {}, { signal: '' }, { signal: 'A', event: 'B' }, { signal: 'A', key: 'k' }])
    await expect(docket.list({ waitsFor: waitsFor as never })).rejects.toThrow('waitsFor must be { signal }')
})
