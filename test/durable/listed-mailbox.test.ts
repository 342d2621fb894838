import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, graph, signal, step, timer, type, update } from '../../src/index.ts'
import type { Docket, DocketOptions } from '../../src/index.ts'
import { errorOf, expectNoUnhandledErrors } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', z.string())
const Checked = dataType('Checked', z.string())
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Token = dataType('Token', z.string(), { sensitive: true })
const Shipment = dataType('Shipment', z.string())
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))

const check = step({
  name: 'Check',
  inputs: { order: Order },
  output: Checked,
  run: () => new Promise<string>(() => {}),
})
const ship = step({
  name: 'Ship',
  inputs: { checked: Checked, approval: Approval, expiry: Expiry },
  output: Shipment,
  run: () => 'shipped',
})
const expire = timer({ name: 'Expire', inputs: { checked: Checked }, output: Expiry, after: '1h' })
const orders = graph({
  name: 'orders',
  steps: [check, signal(Approval, { inputs: { checked: Checked } }), expire, ship],
})

const guarded = graph({
  name: 'guarded',
  steps: [
    check,
    signal(Approval, { inputs: { checked: Checked } }),
    signal(Token, { inputs: { checked: Checked } }),
    step({
      name: 'Ship',
      inputs: { checked: Checked, approval: Approval, token: Token },
      output: Shipment,
      run: () => 'shipped',
    }),
  ],
})

/** An execution whose first step never ends, in a process that may die or be held up. */
async function left(world: World, of: typeof orders | typeof guarded = orders) {
  const { docket, die, stall } = world.mortal({ graphs: [of] })
  const handle = await world.clock.settle(docket.start(of as typeof orders, Shipment, { Order: 'o' }, { id: 'a' }))
  await world.clock.advance(100)
  return { docket, die, stall, handle }
}

const onlooker = (world: World, options: Partial<DocketOptions> = {}): Docket =>
  world.process({ graphs: [], takeOver: false, ...options })

describe('docket.mailbox', () => {
  test('lists what is not taken, in the order in which it came, from a process without the graph, once the owner is dead', async () => {
    const world = new World()
    const { die, handle } = await left(world)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }, { id: 's-1' }))
    die()
    await world.clock.advance(20_000)
    const other = onlooker(world)
    const found = (await world.clock.settle(other.get('a')))!
    await world.clock.settle(found.reschedule('Expire', new Date(1_000)))
    const mail = await world.clock.settle(other.mailbox('a'))
    expect(mail).toMatchObject({
      messages: [
        { kind: 'signal', type: 'Approval', item: undefined, id: 's-1', isSensitive: false },
        { kind: 'reschedule', type: undefined, id: undefined },
      ],
      next: undefined,
    })
    for (const message of mail.messages) {
      expect(message).not.toHaveProperty('value')
      expect(message.bytes).toBeGreaterThan(5)
    }
    expect(mail.messages[1]!.at).toEqual(new Date(world.clock.now()))
  })

  test('gives what messages bring where it is wanted, and says what of it can’t be read', async () => {
    const world = new World()
    const { handle } = await left(world)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(handle.reschedule(expire, new Date(1_000)))
    const values = async (docket: Docket) =>
      (await world.clock.settle(docket.mailbox('a', { values: true }))).messages.map(({ value }) => value)
    const given = [{ by: 'Ada' }, { step: 'Expire', item: '', dueAt: 1_000 }]
    expect(await values(onlooker(world))).toEqual(given)
    const store = alteredStore(world.store, async (method, ask) => {
      if (method !== 'listMail') return ask()
      const mail = (await ask()) as readonly { readonly seq: number }[]
      return mail.map((message, index) => (index === 0 ? { ...message, payload: '{' } : message))
    })
    const mail = await world.clock.settle(onlooker(world, { store }).mailbox('a', { values: true }))
    expect(mail.messages).toMatchObject([
      { value: undefined, problem: expect.stringContaining('JSON') },
      { value: given[1] },
    ])
  })

  test('gives nothing of a sensitive type, nor of what may be one', async () => {
    const world = new World()
    const { handle } = await left(world, guarded)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(handle.signal(Token as never, 'hunter2' as never))
    const read = async (docket: Docket) =>
      (await world.clock.settle(docket.mailbox('a', { values: true }))).messages.map(
        ({ type: name, isSensitive, value }) => [name, isSensitive, value],
      )
    expect(await read(onlooker(world, { graphs: [guarded] }))).toEqual([
      ['Approval', false, { by: 'Ada' }],
      ['Token', true, undefined],
    ])
    // Nothing says what else the types of its graph were called.
    expect(await read(onlooker(world))).toEqual([
      ['Approval', true, undefined],
      ['Token', true, undefined],
    ])
  })

  test('knows a type by its present name, and that it is sensitive by any', async () => {
    const world = new World()
    const { handle } = await left(world, guarded)
    await world.clock.settle(handle.signal(Token as never, 'hunter2' as never))
    const Secret = dataType('Secret', type<string>(), { formerly: 'Token' })
    const renamed = graph({
      name: 'guarded',
      steps: [
        check,
        signal(Secret, { inputs: { checked: Checked } }),
        step({ name: 'Ship', inputs: { checked: Checked, token: Secret }, output: Shipment, run: () => 'shipped' }),
      ],
    })
    const mail = await world.clock.settle(onlooker(world, { graphs: [renamed] }).mailbox('a', { values: true }))
    expect(mail.messages).toMatchObject([{ type: 'Secret', isSensitive: true, value: undefined }])
  })

  test('lists what a function receives, by the ids that its senders gave', async () => {
    const Note = dataType('Note', z.string())
    const Deposit = update('Deposit', { input: z.number(), output: z.number() })
    const Done = dataType('Done', z.string())
    const notes = graph({
      name: 'notes',
      steps: [
        durableStep({
          name: 'Notes',
          inputs: { order: Order },
          output: Done,
          receives: [Note, Deposit],
          run: async (_, ctx) => {
            await ctx.sleep('1d')
            return 'done'
          },
        }),
      ],
    })
    const world = new World()
    const docket = world.process({ graphs: [notes] })
    const handle = await world.clock.settle(docket.start(notes, Done, { Order: 'o' }, { id: 'a' }))
    for (const id of ['n-1', 'n:2']) await world.clock.settle(handle.signal(Note, `note ${id}`, { id }))
    void handle.update(Deposit, 5, { id: 'd-1', timeout: '1h' }).catch(() => {})
    await world.clock.advance(10)
    const mail = await world.clock.settle(docket.mailbox('a', { values: true }))
    expect(mail.messages).toMatchObject([
      { kind: 'signal', type: 'Note', id: 'n-1', value: 'note n-1' },
      { kind: 'signal', type: 'Note', id: 'n:2', value: 'note n:2' },
      { kind: 'update', type: 'Deposit', id: 'd-1', value: 5 },
    ])
    expect((await world.clock.settle(docket.mailbox('a', { after: mail.messages[0]!.seq }))).messages).toHaveLength(2)
  })

  test('says of a batch which item a message is for', async () => {
    const world = new World()
    const docket = world.process({ graphs: [orders] })
    const items = ['o', 'p', 'q'].map((order) => ({ Order: order }))
    const batch = await world.clock.settle(docket.startBatch(orders, Shipment, items, { id: 'b' }))
    await world.clock.advance(100)
    await world.clock.settle(batch.signal(Approval, { by: 'Bo' }, { item: 2, id: 's-2' }))
    expect((await world.clock.settle(onlooker(world).mailbox('b', { values: true }))).messages).toMatchObject([
      { kind: 'signal', type: 'Approval', item: 2, id: 's-2', value: { by: 'Bo' } },
    ])
  })

  test('is read in pages', async () => {
    const world = new World()
    const { handle, docket } = await left(world)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    for (const due of [1, 2, 3, 4]) await world.clock.settle(handle.reschedule(expire, new Date(due)))
    const first = await world.clock.settle(docket.mailbox('a', { limit: 3 }))
    expect(first.messages.map(({ kind }) => kind)).toEqual(['signal', 'reschedule', 'reschedule'])
    const second = await world.clock.settle(docket.mailbox('a', { limit: 3, after: first.next }))
    expect(second).toMatchObject({ messages: [{ kind: 'reschedule' }, { kind: 'reschedule' }], next: undefined })
  })

  test('is empty once everything is taken', async () => {
    const world = new World()
    const quick = step({ name: 'Check', inputs: { order: Order }, output: Checked, run: () => 'fine' })
    const soon = graph({
      name: 'soon',
      steps: [quick, signal(Approval, { inputs: { checked: Checked } }), expire, ship],
    })
    const docket = world.process({ graphs: [soon] })
    const handle = await world.clock.settle(docket.start(soon, Shipment, { Order: 'o' }, { id: 'a' }))
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(handle.reschedule(expire, '1s'))
    expect(await world.clock.settle(handle.result())).toBe('shipped')
    expect(await world.clock.settle(docket.mailbox('a'))).toEqual({ messages: [], next: undefined })
  })

  test('has what is to become of an execution whose owner is held up, and not that somebody looks at its steps', async () => {
    const world = new World()
    const { stall } = await left(world, guarded)
    stall()
    const other = onlooker(world, { graphs: [orders] })
    const found = (await world.clock.settle(other.get('a')))!
    await world.clock.settle(found.details({ live: '50ms' }))
    expect((await world.store.listMail({ execution: 'a', limit: 9 })).map(({ kind }) => kind)).toEqual(['look'])
    void found.cancel(new Error('no more'))
    await world.clock.advance(10)
    const mail = await world.clock.settle(other.mailbox('a', { values: true }))
    // Who has sensitive types may have said something of them.
    expect(mail.messages).toMatchObject([{ kind: 'cancel', isSensitive: true, value: undefined }])
  })

  test('gives the reason of a cancellation', async () => {
    const world = new World()
    const { stall } = await left(world)
    stall()
    const other = onlooker(world)
    void other.cancel('a', new Error('no more'))
    await world.clock.advance(10)
    const mail = await world.clock.settle(other.mailbox('a', { values: true }))
    expect(mail.messages).toMatchObject([{ kind: 'cancel', value: expect.objectContaining({ message: 'no more' }) }])
  })

  test('refuses what is wrong', async () => {
    const world = new World()
    const docket = onlooker(world)
    expect(await errorOf(world.clock.settle(docket.mailbox('gone')))).toMatchObject({
      code: 'EXECUTION_CONFLICT',
      message: expect.stringContaining('there is no execution "gone"'),
    })
    expect(await errorOf(docket.mailbox('a', { limit: 0, after: 'x', values: 1, more: 2 } as never))).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/"more"[^]*values[^]*limit[^]*after/),
    })
    expect(await errorOf(docket.mailbox(''))).toMatchObject({ code: 'OPTION_INVALID' })
  })
})
