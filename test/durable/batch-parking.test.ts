import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all, dataType, graph, race, signal, step, timer, type } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { isParking, minute } from './parked-orders.ts'

const Order = dataType('Order', z.object({ id: z.string() }))
const Prepared = dataType('Prepared', z.string())
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Shipment = dataType('Shipment', z.string())
const Stock = dataType('Stock', z.number())
const Summary = dataType('Summary', z.string())
const hour = 3_600_000

/** Orders that wait for their approval, for an hour at the most; none of their functions is persisted. */
function orders(runs: string[], after: (id: string) => number = () => hour) {
  return graph({
    name: 'orders',
    steps: [
      step({
        name: 'Count',
        inputs: {},
        output: Stock,
        run: () => {
          runs.push('Count')
          return 40
        },
      }),
      step({
        name: 'Prepare',
        inputs: { order: Order, stock: Stock },
        output: Prepared,
        run: ({ order, stock }) => {
          runs.push(`Prepare ${order.id}`)
          return `${order.id} of ${stock}`
        },
      }),
      signal(Approval, { inputs: { order: Order } }),
      timer({ name: 'Expire', inputs: { order: Order }, output: Expiry, after: ({ order }) => after(order.id) }),
      race({
        name: 'Decide',
        inputs: { approval: Approval, expiry: Expiry },
        output: Decision,
        run: (first) => (first.port === 'approval' ? `for ${first.value.by}` : 'expired'),
      }),
      step({
        name: 'Ship',
        inputs: { prepared: Prepared, decision: Decision },
        output: Shipment,
        run: ({ prepared, decision }) => {
          runs.push(`Ship ${prepared}`)
          return `${prepared} ${decision}`
        },
      }),
    ],
  })
}

const three = ['a', 'b', 'c'].map((id) => ({ Order: { id } }))

async function parked(world: World, runs: string[] = [], options: Partial<DocketOptions> = {}) {
  const declared = orders(runs)
  const docket = world.process({ graphs: [declared], ...options })
  const batch = await world.clock.settle(docket.startBatch(declared, Shipment, three, { id: 'b' }))
  await world.clock.advance(11_000)
  return { declared, docket, batch }
}

async function recordOf(world: World, id = 'b') {
  return (await world.store.get([id]))[0]!
}

describe('a durable batch that only waits', () => {
  test('is parked: nobody owns it, it is due with the first of its items, and nothing that has ended runs again', async () => {
    const world = new World()
    const runs: string[] = []
    const { batch } = await parked(world, runs)
    const record = await recordOf(world)
    expect(record).toMatchObject({ status: 'waiting', owner: undefined, dueAt: 1_000_000 + hour })
    expect(record.waitsFor).toContain('signal \\"Approval\\" of item \\"2\\"')
    expect(batch.toString()).toContain('not in this process')
    const { batch: info, situation } = await world.clock.settle(batch.details())
    expect(info!.counts).toMatchObject({ waiting: 3, running: 0 })
    expect(situation).toContain('it is parked')
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Bo' }, { item: 1 }))).toBe('accepted')
    await world.clock.advance(1_000)
    expect(runs).toEqual(['Count', 'Prepare a', 'Prepare b', 'Prepare c', 'Ship b of 40'])
    await world.clock.advance(hour)
    expect(await world.clock.settle(batch.result())).toEqual(['a of 40 expired', 'b of 40 for Bo', 'c of 40 expired'])
    expect(runs.toSorted()).toEqual([
      'Count',
      ...['a', 'b', 'c'].map((id) => `Prepare ${id}`),
      ...['a', 'b', 'c'].map((id) => `Ship ${id} of 40`),
    ])
  })

  test('is listed as waiting, and woken by a signal in a process that has its graph', async () => {
    const world = new World()
    const runs: string[] = []
    const { docket } = await parked(world, runs)
    const page = await world.clock.settle(docket.list({ status: 'waiting' }))
    expect(page.executions.map(({ id }) => id)).toEqual(['b'])
    await world.clock.settle(docket.close())
    const second = world.process({ graphs: [orders(runs)] })
    const found = (await world.clock.settle(second.get('b')))!
    for (const [item, by] of ['Ada', 'Bo', 'Cy'].entries())
      expect(await world.clock.settle(found.signal(Approval, { by }, { item }))).toBe('accepted')
    expect(await world.clock.settle(found.result())).toEqual(['a of 40 for Ada', 'b of 40 for Bo', 'c of 40 for Cy'])
    expect(runs.filter((run) => run.startsWith('Prepare'))).toHaveLength(3)
  })

  test('is parked again after what woke it, and timers that come due one after the other fire once each', async () => {
    const world = new World()
    const runs: string[] = []
    const declared = orders(runs, (id) => hour * (id.charCodeAt(0) - 96))
    const docket = world.process({ graphs: [declared] })
    const batch = await world.clock.settle(docket.startBatch(declared, Shipment, three, { id: 'b' }))
    for (const left of [3, 2, 1]) {
      await world.clock.advance(12_000)
      expect((await recordOf(world)).parkedAt, `with ${left} left`).toBeDefined()
      await world.clock.advance(hour - 12_000 + 1_000)
    }
    expect(await world.clock.settle(batch.result())).toEqual(['a of 40 expired', 'b of 40 expired', 'c of 40 expired'])
    expect(runs.filter((run) => run.startsWith('Ship'))).toHaveLength(3)
    expect(runs.filter((run) => run === 'Count')).toHaveLength(1)
  })

  test('stays where a message has come that was not read, and misses nothing', async () => {
    const world = new World()
    let send: (() => Promise<unknown>) | undefined
    const store = alteredStore(world.store, async (method, ask, given) => {
      if (isParking(method, given)) await send?.()
      return ask()
    })
    const runs: string[] = []
    const declared = orders(runs)
    const docket = world.process({ graphs: [declared], store })
    const batch = await world.clock.settle(docket.startBatch(declared, Shipment, three, { id: 'b' }))
    const sender = (await world.clock.settle(world.process({ graphs: [], takeOver: false }).get('b')))!
    const verdicts: unknown[] = []
    send = async () => {
      send = undefined
      verdicts.push(await sender.signal(Approval, { by: 'Ada' }, { item: 0 }))
    }
    await world.clock.advance(12_000)
    expect(verdicts).toEqual(['accepted'])
    expect(runs).toContain('Ship a of 40')
    await world.clock.advance(hour)
    expect(await world.clock.settle(batch.result())).toEqual(['a of 40 for Ada', 'b of 40 expired', 'c of 40 expired'])
    expect(runs.filter((run) => run === 'Count')).toHaveLength(1)
  })

  test('is cancelled, retried and deleted as any that no process runs', async () => {
    const world = new World()
    const { docket, batch } = await parked(world)
    await world.clock.settle(batch.cancel())
    await expect(world.clock.settle(batch.result())).rejects.toThrow('cancelled')
    const again = await world.clock.settle(docket.retry('b'))
    await world.clock.advance(12_000)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    expect(await world.clock.settle(again.signal(Approval as never, { by: 'Ada' } as never, { item: 0 }))).toBe(
      'accepted',
    )
    await world.clock.advance(12_000)
    await world.clock.settle(docket.delete('b'))
    expect(await recordOf(world)).toBeUndefined()
  })

  test('lets its timeout rest, and ends by its deadline', async () => {
    const world = new World()
    const declared = orders([])
    const docket = world.process({ graphs: [declared] })
    const options = { id: 'b', timeout: '1m' } as const
    const batch = await world.clock.settle(docket.startBatch(declared, Shipment, three, options))
    const other = { id: 'c', deadline: world.clock.now() + 90_000 }
    const bounded = await world.clock.settle(docket.startBatch(declared, Shipment, three, other))
    await world.clock.advance(80_000)
    expect((await recordOf(world, 'c')).dueAt).toBe(1_090_000)
    await world.clock.advance(20_000)
    await expect(world.clock.settle(bounded.result())).rejects.toThrow('deadline')
    await world.clock.advance(hour)
    expect(await world.clock.settle(batch.result())).toHaveLength(3)
  })

  test('ends by its caller’s signal, and goes on with its caller’s observers', async () => {
    const world = new World()
    const declared = orders([])
    const docket = world.process({ graphs: [declared] })
    const controller = new AbortController()
    const seen: string[] = []
    const observers = [(event: { readonly type: string }) => void seen.push(event.type)]
    const options = { id: 'b', signal: controller.signal, observers }
    const batch = await world.clock.settle(docket.startBatch(declared, Shipment, three, options))
    await world.clock.advance(11_000)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 0 }))
    await world.clock.advance(1_000)
    expect(seen).toContain('execution.resumed')
    await world.clock.advance(11_000)
    controller.abort(new Error('enough'))
    await expect(world.clock.settle(batch.result())).rejects.toThrow('enough')
    expect((await recordOf(world)).status).toBe('cancelled')
  })

  test('keeps what its items gave to a step that takes all', async () => {
    const world = new World()
    const runs: string[] = []
    const summed = graph({
      name: 'summed',
      steps: [
        ...orders(runs).steps,
        step({ name: 'Sum', inputs: { all: all(Shipment) }, output: Summary, run: ({ all: each }) => each.join(', ') }),
      ],
    })
    const docket = world.process({ graphs: [summed] })
    const batch = await world.clock.settle(docket.startBatch(summed, Summary, three, { id: 'b' }))
    await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 0 }))
    await world.clock.advance(12_000)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    await world.clock.advance(hour)
    const sum = 'a of 40 for Ada, b of 40 expired, c of 40 expired'
    expect(await world.clock.settle(batch.result())).toEqual([sum, sum, sum])
    expect(runs).toHaveLength(7)
  })

  test('is parked with what items gave that have ended: what they made for all is not made again', async () => {
    const world = new World()
    const runs: string[] = []
    const Skip = dataType('Skip', z.object({ why: z.string() }))
    const Rating = dataType('Rating', type<string>())
    const Outcome = dataType('Outcome', type<unknown>())
    const rated = graph({
      name: 'rated',
      steps: [
        signal(Approval, { inputs: { order: Order } }),
        signal(Skip, { inputs: { order: Order } }),
        step({
          name: 'Rate',
          inputs: { order: Order, approval: Approval },
          output: Rating,
          run: ({ order, approval }) => {
            runs.push(order.id)
            return `${order.id} by ${approval.by}`
          },
        }),
        step({ name: 'Sum', inputs: { all: all(Rating) }, output: Summary, run: ({ all: each }) => each.join(', ') }),
        race({ name: 'Either', inputs: { sum: Summary, skip: Skip }, output: Outcome }),
      ],
    })
    const docket = world.process({ graphs: [rated] })
    const batch = await world.clock.settle(docket.startBatch(rated, Outcome, three, { id: 'b' }))
    await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 0 }))
    await world.clock.settle(batch.signal(Skip, { why: 'late' }, { item: 0 }))
    await world.clock.advance(12_000)
    expect(runs).toEqual(['a'])
    expect((await recordOf(world)).parkedAt).toBeDefined()
    for (const item of [1, 2]) await world.clock.settle(batch.signal(Approval, { by: 'Bob' }, { item }))
    const sum = 'a by Ada, b by Bob, c by Bob'
    expect(await world.clock.settle(batch.result())).toEqual([{ why: 'late' }, sum, sum])
    expect(runs).toEqual(['a', 'b', 'c'])
  })

  test('stays, and says so, where a value can’t be stored', async () => {
    const world = new World()
    const Odd = dataType('Odd', type<() => number>())
    const odd = graph({
      name: 'odd',
      steps: [
        step({ name: 'Make', inputs: { order: Order }, output: Odd, run: () => () => 1 }),
        signal(Approval, { inputs: { order: Order } }),
        step({
          name: 'Use',
          inputs: { odd: Odd, a: Approval },
          output: Shipment,
          run: ({ odd: f, a }) => `${f()} ${a.by}`,
        }),
      ],
    })
    const docket = world.process({ graphs: [odd] })
    const batch = await world.clock.settle(docket.startBatch(odd, Shipment, three, { id: 'b' }))
    await world.clock.advance(30_000)
    expect(world.events.filter((event) => event.type === 'parking.failed')).toHaveLength(1)
    expect((await recordOf(world)).parkedAt).toBeUndefined()
    for (const item of [0, 1, 2]) await world.clock.settle(batch.signal(Approval, { by: 'x' }, { item }))
    expect(await world.clock.settle(batch.result())).toEqual(['1 x', '1 x', '1 x'])
  })

  test('of very many items is written in portions', async () => {
    const world = new World()
    const sizes: number[] = []
    const store = alteredStore(world.store, (method, ask, given) => {
      if (method === 'commit') sizes.push(...(given[0] as readonly ExecutionCommit[]).map(({ steps }) => steps.length))
      return ask()
    })
    const declared = orders([], () => minute)
    const docket = world.process({ graphs: [declared], store })
    const items = Array.from({ length: 700 }, (_, n) => ({ Order: { id: String(n) } }))
    const batch = await world.clock.settle(docket.startBatch(declared, Shipment, items, { id: 'b' }))
    await world.clock.advance(1_000)
    sizes.length = 0
    await world.clock.advance(12_000)
    expect((await recordOf(world)).parkedAt).toBeDefined()
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(701)
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 699 }))).toBe('accepted')
    await world.clock.advance(minute)
    expect((await world.clock.settle(batch.result())).at(-1)).toBe('699 of 40 for Ada')
  })
})
