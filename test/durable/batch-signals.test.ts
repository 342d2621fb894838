import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  all,
  dataType,
  executeBatch,
  graph,
  InputError,
  OptionError,
  race,
  signal,
  step,
  streamBatch,
  timer,
  type,
} from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.object({ id: z.string() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Go = dataType('Go', z.object({ at: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Shipment = dataType('Shipment', z.string())
const Summary = dataType('Summary', type<string>())

const decide = race({
  name: 'Decide',
  inputs: { approval: Approval, expiry: Expiry },
  output: Decision,
  run: (first) => (first.port === 'approval' ? `for ${first.value.by}` : 'expired'),
})

/** Orders that wait for their approval, for an hour at the most. */
function orders(runs: string[] = []) {
  const ship = step({
    name: 'Ship',
    inputs: { order: Order, decision: Decision },
    output: Shipment,
    run: ({ order, decision }) => {
      runs.push(order.id)
      return `${order.id} ${decision}`
    },
  })
  const expire = timer({ name: 'Expire', inputs: { order: Order }, output: Expiry, after: '1h' })
  return graph({ name: 'orders', steps: [signal(Approval, { inputs: { order: Order } }), expire, decide, ship] })
}

/** Orders that wait for one signal to all of them, and then for one each. */
const gated = graph({
  name: 'gated',
  steps: [
    signal(Go),
    signal(Approval, { inputs: { order: Order, go: Go } }),
    step({
      name: 'Ship',
      inputs: { order: Order, go: Go, approval: Approval },
      output: Shipment,
      run: ({ order, go, approval }) => `${order.id} ${go.at} ${approval.by}`,
    }),
  ],
})

const three = ['a', 'b', 'c'].map((id) => ({ Order: { id } }))

async function started(world: World, runs: string[] = [], options: Partial<DocketOptions> = {}) {
  const declared = orders(runs)
  const docket = world.process({ graphs: [declared], lease: '2s', ...options })
  const batch = await world.clock.settle(docket.startBatch(declared, Shipment, three, { id: 'b' }))
  await world.clock.advance(100)
  return { declared, docket, batch }
}

describe('a signal to a durable batch', () => {
  test('names its item, by its index, and no other item gets it', async () => {
    const world = new World()
    const { batch } = await started(world)
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Bo' }, { item: 1 }))).toBe('accepted')
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 0 }))).toBe('accepted')
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Cy' }, { item: 1 }))).toBe('duplicate')
    await world.clock.advance(3_600_000)
    expect(await world.clock.settle(batch.result())).toEqual(['a for Ada', 'b for Bo', 'c expired'])
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Di' }, { item: 2 }))).toBe('ended')
    expect(await world.store.readMail({ owner: '', limit: 9 })).toEqual([])
  })

  test('may come from a process that knows neither the graph nor what runs', async () => {
    const world = new World()
    const { batch } = await started(world)
    const found = await world.clock.settle(world.process({ graphs: [], takeOver: false }).get('b'))
    for (const item of [0, 1, 2])
      expect(await world.clock.settle(found!.signal(Approval, { by: `p${item}` }, { item }))).toBe('accepted')
    await expect(world.clock.settle(found!.signal(Approval, { by: 'x' }, { item: 3 }))).rejects.toThrow(
      'batch "b" has 3 items, and no item 3; the first is item 0, the last item 2',
    )
    expect(await world.clock.settle(batch.result())).toEqual(['a for p0', 'b for p1', 'c for p2'])
  })

  test('is refused without an item, with a wrong one, and where there are none', async () => {
    const world = new World()
    const { docket, batch } = await started(world)
    const refused = async (sent: Promise<unknown>, message: string): Promise<void> => {
      const error = await world.clock.settle(sent).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(OptionError)
      expect((error as Error).message).toContain(message)
    }
    const value = { by: 'Ada' }
    const handles = [batch, (await world.clock.settle(docket.get('b')))!]
    const elsewhere = await world.clock.settle(world.process({ graphs: [orders()], takeOver: false }).get('b'))
    for (const handle of [...handles, elsewhere!]) {
      await refused(handle.signal(Approval, value), 'each item of batch "b" waits for a "Approval" of its own')
      await refused(handle.signal(Approval, value, { item: 3 }), 'has 3 items, and no item 3')
      await refused(handle.signal(Approval, value, { item: -1 }), 'item must be the index of an item')
      await refused(handle.signal(Approval, value, { item: 'a' as never }), 'item must be the index of an item')
      await refused(handle.signal(Go as never, { at: 'x' } as never, { item: 0 }), 'waits for a signal "Go"')
    }
    const plain = world.process({ graphs: [gated] })
    const one = await world.clock.settle(plain.start(gated, Shipment, { Order: { id: 'o' } }, { id: 'one' }))
    await refused(one.signal(Approval, value, { item: 0 }), '"one" is one execution, and only batches have items')
  })

  test('is one for all items where the step that waits for it needs nothing of an item', async () => {
    const world = new World()
    const docket = world.process({ graphs: [gated] })
    const batch = await world.clock.settle(docket.startBatch(gated, Shipment, three, { id: 'g' }))
    await expect(world.clock.settle(batch.signal(Go, { at: 'noon' }, { item: 0 }))).rejects.toThrow(
      'all items of batch "g" share "Go"',
    )
    // Before their steps are launched.
    for (const item of [0, 1, 2])
      expect(await world.clock.settle(batch.signal(Approval, { by: `p${item}` }, { item }))).toBe('accepted')
    await world.clock.advance(60_000)
    expect(await world.clock.settle(batch.signal(Go, { at: 'noon' }))).toBe('accepted')
    expect(await world.clock.settle(batch.result())).toEqual(['a noon p0', 'b noon p1', 'c noon p2'])
  })

  test('is late once its item’s race is decided, whatever the others do', async () => {
    const world = new World()
    const { batch } = await started(world)
    await world.clock.advance(3_600_000)
    // All have expired and the batch has ended; in this one, one item goes on.
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 0 }))).toBe('ended')
    const Due = dataType('Due', z.number())
    const slow = graph({
      name: 'slow',
      steps: [
        signal(Approval, { inputs: { order: Order } }),
        timer({ name: 'Expire', inputs: { due: Due }, output: Expiry, after: ({ due }) => due }),
        decide,
        step({ name: 'Ship', inputs: { decision: Decision }, output: Shipment, run: ({ decision }) => decision }),
      ],
    })
    const other = world.process({ graphs: [slow] })
    const items = [1_000, 90_000].map((due) => ({ Order: { id: 'x' }, Due: due }))
    const two = await world.clock.settle(other.startBatch(slow, Shipment, items, { id: 'two' }))
    await world.clock.advance(2_000)
    expect(await world.clock.settle(two.signal(Approval, { by: 'Ada' }, { item: 0 }))).toBe('late')
    expect(await world.clock.settle(two.signal(Approval, { by: 'Ada' }, { item: 1 }))).toBe('accepted')
    expect(await world.clock.settle(two.result())).toEqual(['expired', 'for Ada'])
  })

  test('can’t come with the start', async () => {
    const world = new World()
    const declared = orders()
    const docket = world.process({ graphs: [declared] })
    const options = { signals: { Approval: { by: 'Ada' } } } as object
    await expect(world.clock.settle(docket.startBatch(declared, Shipment, three, options))).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('startBatch: unknown option "signals"') as string,
    })
  })

  test('that does not fit any more is set aside, with its item, and the next one counts', async () => {
    const world = new World()
    const { batch } = await started(world)
    const lenient = dataType('Approval', z.unknown())
    const sender = await world.clock.settle(world.process({ graphs: [], takeOver: false }).get('b'))
    expect(await world.clock.settle(sender!.signal(lenient, { by: 7 }, { item: 2 }))).toBe('accepted')
    await world.clock.advance(1_000)
    const aside = world.events.filter((event) => event.type === 'signal.set-aside')
    expect(aside).toMatchObject([{ signal: 'Approval', item: 2 }])
    for (const item of [0, 1, 2])
      expect(await world.clock.settle(batch.signal(Approval, { by: `p${item}` }, { item }))).toBe('accepted')
    expect(await world.clock.settle(batch.result())).toEqual(['a for p0', 'b for p1', 'c for p2'])
  })

  test('is kept over the death of the process, before and after it was read, and what is done runs once', async () => {
    const world = new World()
    const runs: string[] = []
    const declared = orders(runs)
    const first = world.mortal({ graphs: [declared], lease: '2s' })
    const batch = await world.clock.settle(first.docket.startBatch(declared, Shipment, three, { id: 'b' }))
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 0 }))).toBe('accepted')
    await world.clock.advance(1_000)
    first.die()
    const sender = await world.clock.settle(world.process({ graphs: [], takeOver: false }).get('b'))
    expect(await world.clock.settle(sender!.signal(Approval, { by: 'Bo' }, { item: 1 }))).toBe('accepted')
    expect(await world.clock.settle(sender!.signal(Approval, { by: 'Bo' }, { item: 0 }))).toBe('duplicate')
    const second = world.process({ graphs: [declared], lease: '2s' })
    await world.clock.advance(10_000)
    expect(await world.clock.settle(sender!.signal(Approval, { by: 'Cy' }, { item: 2 }))).toBe('accepted')
    const found = await world.clock.settle(second.get('b'))
    expect(await world.clock.settle(found!.result())).toEqual(['a for Ada', 'b for Bo', 'c for Cy'])
    expect(runs.toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('is waited for anew by the items that a retry tries again; what came for them and was not read is kept', async () => {
    const world = new World()
    let isBroken = true
    const shipping = graph({
      name: 'shipping',
      steps: [
        signal(Approval, { inputs: { order: Order }, timeout: '1h' }),
        step({
          name: 'Ship',
          inputs: { order: Order, approval: Approval },
          output: Shipment,
          run: ({ order, approval }) => {
            if (isBroken && order.id === 'b') throw new Error('no lorry')
            return `${order.id} for ${approval.by}`
          },
        }),
      ],
    })
    const docket = world.process({ graphs: [shipping] })
    const options = { id: 'b', onError: 'collect' } as const
    const batch = await world.clock.settle(docket.startBatch(shipping, Shipment, three, options))
    for (const item of [0, 1])
      expect(await world.clock.settle(batch.signal(Approval, { by: `p${item}` }, { item }))).toBe('accepted')
    await world.clock.advance(3_600_000)
    expect(await world.clock.settle(batch.result())).toMatchObject([
      { value: 'a for p0' },
      { error: {} },
      { error: {} },
    ])
    isBroken = false
    const again = await world.clock.settle(docket.retry('b'))
    // The second has its approval on record, the third waits anew, the first has ended.
    expect(await world.clock.settle(batch.signal(Approval, { by: 'x' }, { item: 0 }))).not.toBe('accepted')
    expect(await world.clock.settle(batch.signal(Approval, { by: 'x' }, { item: 1 }))).toBe('duplicate')
    expect(await world.clock.settle(batch.signal(Approval, { by: 'Cy' }, { item: 2 }))).toBe('accepted')
    expect(await world.clock.settle(again.result())).toMatchObject([
      { value: 'a for p0' },
      { value: 'b for p1' },
      { value: 'c for Cy' },
    ])
  })

  test('is shown by details as what its item waits for', async () => {
    const world = new World()
    const { batch } = await started(world)
    await world.clock.settle(batch.signal(Approval, { by: 'Ada' }, { item: 0 }))
    await world.clock.advance(1_000)
    const elsewhere = await world.clock.settle(world.process({ graphs: [], takeOver: false }).get('b'))
    for (const handle of [batch, elsewhere!]) {
      const { steps, situation } = await world.clock.settle(handle.details())
      const waiting = steps.filter(({ waitsFor }) => waitsFor?.kind === 'signal')
      expect(waiting.map(({ item }) => item)).toEqual(['1', '2'])
      expect(situation).toContain('signal "Approval" of item "1"')
    }
  })

  test('for an item that has failed under collect is late, and the others go on', async () => {
    const world = new World()
    const declared = orders()
    const docket = world.process({ graphs: [declared] })
    const items = [...three, { Order: { id: 7 } as never }]
    const options = { id: 'b', onError: 'collect' } as const
    const batch = await world.clock.settle(docket.startBatch(declared, Shipment, items, options))
    await world.clock.advance(1_000)
    expect(await world.clock.settle(batch.signal(Approval, { by: 'x' }, { item: 3 }))).toBe('late')
    expect(await world.clock.settle(batch.signal(Approval, { by: 'x' }, { item: 0 }))).toBe('accepted')
  })
})

describe('signals that are given along with a batch', () => {
  test('are one value for all items, or a function of the item', async () => {
    const given = { Approval: { by: 'Ada' } }
    expect(await executeBatch(orders(), Shipment, three, { signals: given })).toEqual([
      'a for Ada',
      'b for Ada',
      'c for Ada',
    ])
    const signals = {
      Go: { at: 'noon' },
      Approval: ({ Order: { id } }: (typeof three)[0], n: number) => ({ by: id + n }),
    }
    expect(await executeBatch(gated, Shipment, three, { signals })).toEqual(['a noon a0', 'b noon b1', 'c noon c2'])
    const streamed: string[] = []
    for await (const value of streamBatch(gated, Shipment, three, { signals })) streamed.push(value)
    expect(streamed).toEqual(['a noon a0', 'b noon b1', 'c noon c2'])
  })

  test('may be missing for some items, whose steps fail as nobody can send any', async () => {
    const signals = { Go: { at: 'noon' }, Approval: (_: unknown, n: number) => (n === 1 ? undefined : { by: 'Ada' }) }
    const outcomes = await executeBatch(gated, Shipment, three, { signals, onError: 'collect' })
    expect(outcomes).toMatchObject([{ value: 'a noon Ada' }, { error: { item: 1 } }, { value: 'c noon Ada' }])
    expect(outcomes[1]!.error!.message).toContain('give the value with the call, { signals: { Approval: … } }')
  })

  test('are checked before anything runs, or fail their item', async () => {
    const runs: string[] = []
    const signals = { Approval: (_: unknown, n: number) => ({ by: n === 1 ? (7 as never) : 'Ada' }) }
    const wrong = await executeBatch(orders(runs), Shipment, three, { signals }).catch((error: unknown) => error)
    expect(wrong).toBeInstanceOf(InputError)
    expect(wrong).toMatchObject({ item: 1 })
    expect(runs).toEqual([])
    const outcomes = await executeBatch(orders(runs), Shipment, three, { signals, onError: 'collect' })
    expect(outcomes).toMatchObject([
      { value: 'a for Ada' },
      { error: { code: 'INPUT_INVALID', item: 1 } },
      { value: 'c for Ada' },
    ])
    const throwing = {
      Approval: () => {
        throw new Error('no name')
      },
    }
    await expect(executeBatch(orders(), Shipment, three, { signals: throwing })).rejects.toThrow('threw: no name')
    const late = { Approval: (async () => ({ by: 'x' })) as never }
    await expect(executeBatch(orders(), Shipment, three, { signals: late })).rejects.toThrow('returned a promise')
    await expect(executeBatch(orders(), Shipment, three, { signals: { Aproval: {} } as never })).rejects.toThrow(
      'did you mean "Approval"',
    )
    const each = { Go: (() => ({ at: 'x' })) as never, Approval: { by: 'Ada' } }
    await expect(executeBatch(gated, Shipment, three, { signals: each })).rejects.toThrow('not a function of the item')
  })

  test('reach steps that take all items', async () => {
    const summed = graph({
      name: 'summed',
      steps: [
        ...gated.steps,
        step({ name: 'Sum', inputs: { all: all(Shipment) }, output: Summary, run: ({ all: each }) => each.join(', ') }),
      ],
    })
    const signals = { Go: { at: 'noon' }, Approval: (_: unknown, n: number) => ({ by: `p${n}` }) }
    expect(await executeBatch(summed, Summary, three, { signals })).toEqual(
      new Array(3).fill('a noon p0, b noon p1, c noon p2'),
    )
  })
})
