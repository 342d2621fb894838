import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, signal, step } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import type { Codec } from '../../src/core/contracts/codec.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { AddItem, basket, baskets, CheckOut, Customer, print, Receipt } from './baskets.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const inputs = { Customer: 'Ada' }

async function shopping(world: World, options: Partial<DocketOptions> = {}) {
  const { docket, die } = world.mortal({ graphs: [baskets], lease: '2s', ...options })
  const handle = await world.clock.settle(docket.start(baskets, Receipt, inputs, { id: 'a' }))
  const add = (sku: string, id?: string) => world.clock.settle(handle.signal(AddItem, { sku }, { id }))
  const checkOut = (by = 'Ada') => world.clock.settle(handle.signal(CheckOut, { by }))
  return { docket, die, handle, add, checkOut }
}

/** Messages that nobody has consumed, whoever owns the execution. */
async function mailOf(world: World, id = 'a'): Promise<readonly string[]> {
  const [record] = await world.store.get([id])
  const mail = await world.store.readMail({ owner: record!.owner ?? '', executions: [id], limit: 99 })
  return mail.map(({ kind }) => kind)
}

describe('messages of types that a step receives', () => {
  test('come to it in the order in which they were sent, whatever their types, as many as there are', async () => {
    const world = new World()
    const { handle, add, checkOut } = await shopping(world)
    for (const sku of ['a', 'b', 'a']) expect(await add(sku)).toBe('accepted')
    await world.clock.advance(60_000)
    expect(await add('c')).toBe('accepted')
    expect(await checkOut('Bo')).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('Ada: a b a c for Bo')
    expect(await mailOf(world)).toEqual([])
    expect(await add('d')).toBe('ended')
  })

  test('are deduplicated by the sender’s id, which is one within the type, also after the end', async () => {
    const world = new World()
    const { handle, add, checkOut } = await shopping(world)
    for (const id of ['one', 'one', 'two']) expect(await add(id, id)).toBe('accepted')
    expect(await world.clock.settle(handle.signal(CheckOut, { by: 'Cy' }, { id: 'one' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('Ada: one two for Cy')
    expect(await add('one', 'one')).toBe('accepted')
    expect(await add('late', 'three')).toBe('ended')
    expect(await checkOut()).toBe('ended')
    expect(await mailOf(world)).toEqual([])
  })

  test('may come from a process that knows neither the graph nor what runs', async () => {
    const world = new World()
    const { handle } = await shopping(world)
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    for (const sku of ['x', 'y']) expect(await world.clock.settle(found.signal(AddItem, { sku }))).toBe('accepted')
    await world.clock.settle(found.signal(CheckOut, { by: 'Di' }))
    expect(await world.clock.settle(handle.result())).toBe('Ada: x y for Di')
    const Unknown = dataType('Unknown', z.string())
    await expect(world.clock.settle(found.signal(Unknown, 'u'))).rejects.toThrow('it waits for: AddItem, CheckOut')
  })

  test('are kept over the death of the process, with what they have led to or to come again, in their order', async () => {
    const world = new World()
    const { die, add } = await shopping(world)
    for (const sku of ['a', 'b', 'c']) await add(sku)
    die()
    const other = world.process({ graphs: [baskets] })
    await world.clock.advance(10_000)
    const found = (await world.clock.settle(other.get('a')))!
    await world.clock.settle(found.signal(AddItem, { sku: 'd' }))
    await world.clock.settle(found.signal(CheckOut, { by: 'Ed' }))
    expect(await world.clock.settle(found.result())).toBe('Ada: a b c d for Ed')
    expect(await mailOf(world)).toEqual([])
  })

  test('are consumed in the commit that has what they have led to', async () => {
    const world = new World()
    const commits: ExecutionCommit[] = []
    const store = alteredStore(world.store, (method, ask, given) => {
      if (method === 'commit') commits.push(...(given[0] as readonly ExecutionCommit[]))
      return ask()
    })
    const docket = world.process({ graphs: [baskets], store })
    const handle = await world.clock.settle(docket.start(baskets, Receipt, inputs, { id: 'a' }))
    for (const sku of ['a', 'b']) await world.clock.settle(handle.signal(AddItem, { sku }))
    await world.clock.settle(handle.signal(CheckOut, { by: 'Ada' }))
    await world.clock.settle(handle.result())
    const consuming = commits.filter(({ consumed = [] }) => consumed.length > 0)
    expect(consuming.flatMap(({ consumed = [] }) => consumed)).toHaveLength(3)
    expect(consuming.at(-1)).toMatchObject({ steps: [{ step: 'Basket', status: 'completed' }] })
  })

  test('come with a start, before all others, and once however often it is started', async () => {
    const world = new World()
    const { docket, die } = world.mortal({ graphs: [baskets], lease: '2s' })
    const start = (skus: readonly string[]) =>
      world.clock.settle(
        docket.start(baskets, Receipt, inputs, { id: 'a', signals: { AddItem: skus.map((sku) => ({ sku })) } }),
      )
    const handle = await start(['a', 'b'])
    await start(['a', 'b'])
    // Another caller, whose values are others, starts the same one.
    await start(['c'])
    die()
    const other = world.process({ graphs: [baskets] })
    await world.clock.advance(10_000)
    const found = (await world.clock.settle(other.get('a')))!
    await world.clock.settle(found.signal(CheckOut, { by: 'Flo' }))
    expect(await world.clock.settle(found.result())).toBe('Ada: a b c for Flo')
    expect(handle.id).toBe('a')
  })

  test('that come with a start are there though their process dies before it has sent them', async () => {
    const world = new World()
    let isCut = true
    const store = alteredStore(world.store, (method, ask) =>
      isCut && method === 'post' ? new Promise(() => {}) : ask(),
    )
    const { docket, die } = world.mortal({ graphs: [baskets], lease: '2s' }, store)
    void docket.start(baskets, Receipt, inputs, {
      id: 'a',
      signals: { AddItem: [{ sku: 'a' }, { sku: 'b' }], CheckOut: [{ by: 'Gus' }] },
    })
    await world.clock.advance(500)
    die()
    isCut = false
    const other = world.process({ graphs: [baskets] })
    await world.clock.advance(20_000)
    expect(await world.clock.settle((await other.get('a'))!.result())).toBe('Ada: a b for Gus')
  })

  test('may come before their step has begun', async () => {
    const world = new World()
    const Lead = dataType('Lead', z.string())
    const { promise, resolve } = Promise.withResolvers<string>()
    const slow = graph({
      name: 'slow',
      steps: [step({ name: 'Look', inputs: { lead: Lead }, output: Customer, run: () => promise }), basket, print],
    })
    const docket = world.process({ graphs: [slow] })
    const handle = await world.clock.settle(docket.start(slow, Receipt, { Lead: 'l' }))
    for (const sku of ['a', 'b']) await world.clock.settle(handle.signal(AddItem, { sku }))
    await world.clock.settle(handle.signal(CheckOut, { by: 'Hal' }))
    await world.clock.advance(5_000)
    resolve('Ida')
    expect(await world.clock.settle(handle.result())).toBe('Ida: a b for Hal')
  })

  test('that nobody has taken are named by the end, and wait for a retry', async () => {
    const world = new World()
    let isOut = true
    const Ink = dataType('Ink', z.number())
    const Wait = dataType('Wait', z.number())
    const waiting = graph({
      name: 'waiting',
      steps: [
        signal(Wait),
        step({
          name: 'Fill',
          inputs: { wait: Wait },
          output: Ink,
          run: () => {
            if (isOut) throw new Error('no ink')
            return 1
          },
        }),
        step({ name: 'Meet', inputs: { ink: Ink }, output: Customer, run: () => 'Joy' }),
        basket,
        print,
      ],
    })
    const docket = world.process({ graphs: [waiting] })
    const handle = await world.clock.settle(docket.start(waiting, Receipt, {}, { id: 'a' }))
    for (const sku of ['a', 'b']) await world.clock.settle(handle.signal(AddItem, { sku }))
    await world.clock.settle(handle.signal(Wait, 1))
    await expect(world.clock.settle(handle.result())).rejects.toThrow()
    expect(world.events.find(({ type }) => type === 'execution.ended')).toMatchObject({ unread: ['AddItem'] })
    isOut = false
    const retried = await world.clock.settle(docket.retry('a'))
    await world.clock.settle(retried.signal(CheckOut as never, { by: 'Kim' } as never))
    expect(await world.clock.settle(retried.result())).toBe('Joy: a b for Kim')
  })

  test('that don’t fit are refused where they are sent, and set aside where they came all the same', async () => {
    const world = new World()
    const { handle, add, checkOut } = await shopping(world)
    await expect(world.clock.settle(handle.signal(AddItem, { sku: 7 } as never))).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
    const Loose = dataType('AddItem', z.object({ sku: z.number() }))
    expect(await world.clock.settle(handle.signal(Loose as never, { sku: 7 } as never))).toBe('accepted')
    const at = world.clock.now()
    const broken = {
      execution: 'a',
      class: 'data',
      kind: 'receive',
      id: '7:AddItemx',
      payload: '{"$odd":1',
      at,
    } as const
    expect(await world.store.post([broken])).toEqual(['accepted'])
    await add('b')
    await checkOut()
    expect(await world.clock.settle(handle.result())).toBe('Ada: b for Ada')
    const aside = world.events.filter(({ type }) => type === 'signal.set-aside')
    expect(aside).toMatchObject([
      { signal: 'AddItem', error: { code: 'INPUT_INVALID' } },
      { signal: 'AddItem', error: { code: 'SERIALIZATION_FAILED' } },
    ])
    expect(await mailOf(world)).toEqual([])
  })

  test('keep their order where codecs take their time', async () => {
    const world = new World()
    let turns = 20
    const slow: Codec = {
      name: 'slow',
      encode: (bytes) => bytes,
      decode: async (bytes) => {
        for (let turn = (turns -= 2); turn > 0; turn--) await Promise.resolve()
        return bytes
      },
    }
    const { handle, add, checkOut } = await shopping(world, { codecs: [slow] })
    for (const sku of ['a', 'b', 'c', 'd']) await add(sku)
    await checkOut()
    expect(await world.clock.settle(handle.result())).toBe('Ada: a b c d for Ada')
  })

  test('go to the one item of a batch that they name, and are kept until it begins', async () => {
    const world = new World()
    const { docket, die } = world.mortal({ graphs: [baskets], lease: '2s' })
    const items = ['Ada', 'Bo', 'Cy'].map((name) => ({ Customer: name }))
    const started = docket.startBatch(baskets, Receipt, items, { id: 'b', concurrency: 1 })
    const handle = await world.clock.settle(started)
    const send = (to: typeof handle, sku: string, item: number) =>
      world.clock.settle(to.signal(AddItem, { sku }, { item }))
    for (const sku of ['a', 'b'])
      for (const item of [0, 1, 2]) expect(await send(handle, sku + item, item)).toBe('accepted')
    await world.clock.settle(handle.signal(CheckOut, { by: 'x' }, { item: 0 }))
    await world.clock.advance(1_000)
    die()
    const other = world.process({ graphs: [baskets] })
    await world.clock.advance(10_000)
    const found = (await world.clock.settle(other.get('b')))! as unknown as typeof handle
    await send(found, 'c1', 1)
    for (const item of [1, 2]) await world.clock.settle(found.signal(CheckOut, { by: 'y' }, { item }))
    expect(await world.clock.settle(found.result())).toEqual([
      'Ada: a0 b0 for x',
      'Bo: a1 b1 c1 for y',
      'Cy: a2 b2 for y',
    ])
    expect(await mailOf(world, 'b')).toEqual([])
    await expect(world.clock.settle(found.signal(AddItem, { sku: 'q' }))).rejects.toThrow('each item of batch "b"')
  })

  test('come to an item of a batch from a process that does not know the graph, as many as there are', async () => {
    const world = new World()
    const docket = world.process({ graphs: [baskets] })
    const items = ['Ada', 'Bo'].map((name) => ({ Customer: name }))
    const handle = await world.clock.settle(docket.startBatch(baskets, Receipt, items, { id: 'b' }))
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('b')))! as unknown as typeof handle
    for (const sku of ['x', 'y'])
      for (const item of [0, 1])
        expect(await world.clock.settle(found.signal(AddItem, { sku }, { item }))).toBe('accepted')
    for (const item of [0, 1]) await world.clock.settle(found.signal(CheckOut, { by: 'Di' }, { item }))
    expect(await world.clock.settle(handle.result())).toEqual(['Ada: x y for Di', 'Bo: x y for Di'])
  })
})
