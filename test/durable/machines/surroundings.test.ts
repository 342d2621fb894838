import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep, step } from '../../../src/index.ts'
import { compression, encryption } from '../../../src/codecs/index.ts'
import { sleep } from '../../../src/runtime/environment/clock.ts'
import { alteredStore } from '../altered-store.ts'
import { World } from '../durable-time.ts'
import { AddItem, carts, CheckOut, Order, PutAside } from './cart.ts'

const pay = ({ card, euros }: { card: string; euros: number }) => Promise.resolve(`${euros} euros by ${card}`)
const hour = 3_600_000

/** A text, which takes a second to be checked. */
function slowly(world: World): z.ZodType<string> {
  return z.string().refine(async () => {
    await sleep(world.clock, 1_000)
    return true
  })
}

describe('the state of a machine', () => {
  test('is encoded as other values are, by codecs that take their time too', async () => {
    const world = new World()
    const declared = carts(pay)
    const key = new Uint8Array(32).fill(7)
    const codecs = [compression(), encryption({ keys: { a: key }, current: 'a' })]
    const first = world.mortal({ graphs: [declared], codecs })
    const handle = await world.clock.settle(first.docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    for (let item = 0; item < 2; item++)
      await world.clock.settle(handle.signal(AddItem, { name: `secret book ${item}`, euros: 12 }))
    await world.clock.advance(1_000)
    first.die()
    const page = await world.clock.settle(world.store.readSteps(['a']))
    expect(JSON.stringify(page)).not.toContain('secret')
    const second = world.process({ graphs: [declared], codecs })
    const found = (await world.clock.settle(second.get('a')))!
    await world.clock.settle(found.signal(CheckOut, { card: 'visa' }))
    expect(await world.clock.settle(found.result())).toMatchObject({ paid: '24 euros by visa' })
    await world.clock.settle(second.close())
  })

  test('that can’t be stored fails its step, and says why', async () => {
    const world = new World()
    const Done = dataType('Done', z.string())
    const machine = setup({ types: {} as { context: { act: () => void } } }).createMachine({
      context: { act: () => {} },
      initial: 'a',
      states: { a: { after: { 1_000: 'b' } }, b: { type: 'final' } },
    })
    const declared = graph({ name: 'g', steps: [machineStep({ name: 'Act', machine, output: Done })] })
    const docket = world.process({ graphs: [declared] })
    await expect(world.clock.settle(docket.execute(declared, Done, {}))).rejects.toThrow('function')
    await world.clock.settle(docket.close())
  })

  test('goes on under another name of its step', async () => {
    const world = new World()
    const before = carts(pay)
    const first = world.mortal({ graphs: [before] })
    const handle = await world.clock.settle(first.docket.start(before, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.advance(1_000)
    first.die()
    const [cart] = before.steps
    const { name: _, kind: __, receives: ___, run: ____, ...same } = cart as unknown as Record<string, unknown>
    const after = graph({
      name: 'carts',
      steps: [machineStep({ ...same, name: 'Basket', formerly: 'Cart' } as never) as unknown as typeof cart],
    })
    const second = world.process({ graphs: [after] })
    const found = (await world.clock.settle(second.get('a')))!
    await world.clock.settle(found.signal(CheckOut, { card: 'visa' }))
    expect(await world.clock.settle(found.result())).toMatchObject({ items: ['book'], paid: '12 euros by visa' })
    await world.clock.settle(second.close())
  })

  test('that has ended while its output is still being checked keeps no retry waiting when its execution fails meanwhile', async () => {
    const world = new World()
    const [Slow, Other, Both] = [
      dataType('Slow', slowly(world)),
      dataType('Other', z.string()),
      dataType('Both', z.string()),
    ]
    const machine = setup({}).createMachine({ output: 'ended', initial: 'a', states: { a: { type: 'final' } } })
    let isMended = false
    const declared = graph({
      name: 'g',
      steps: [
        machineStep({ name: 'End', machine, output: Slow }),
        step({
          name: 'Fail',
          output: Other,
          run: async () => {
            await sleep(world.clock, 10)
            if (!isMended) throw new Error('not yet')
            return 'mended'
          },
        }),
        step({
          name: 'Join',
          inputs: { slow: Slow, other: Other },
          output: Both,
          run: ({ slow, other }) => `${slow} and ${other}`,
        }),
      ],
    })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Both, {}, { id: 'a' }))
    await expect(world.clock.settle(handle.result())).rejects.toThrow('not yet')
    isMended = true
    await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(handle.result())).toBe('ended and mended')
    await world.clock.settle(docket.close())
  })

  test('of a machine that was undone is not gone on from: it begins anew', async () => {
    const world = new World()
    const Receipt = dataType('Receipt', z.string())
    const undone: unknown[] = []
    let isMended = false
    const machine = setup({ types: {} as { context: { turns: number }; output: { turns: number } } }).createMachine({
      context: { turns: 0 },
      output: ({ context }) => context,
      initial: 'a',
      states: {
        a: { after: { [hour]: { target: 'b', actions: assign({ turns: ({ context }) => context.turns + 1 }) } } },
        b: { type: 'final' },
      },
    })
    const Turned = dataType('Turned', z.object({ turns: z.number() }))
    const declared = graph({
      name: 'g',
      steps: [
        machineStep({ name: 'Turn', machine, output: Turned, compensate: (output) => undone.push(output) }),
        step({
          name: 'Print',
          inputs: { turned: Turned },
          output: Receipt,
          run: ({ turned }) => {
            if (!isMended) throw new Error('no paper')
            return `turned ${turned.turns}`
          },
        }),
      ],
    })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Receipt, {}, { id: 'a' }))
    await expect(world.clock.settle(handle.result())).rejects.toThrow('no paper')
    expect(undone).toEqual([{ turns: 1 }])
    isMended = true
    const began = world.clock.now()
    await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(handle.result())).toBe('turned 1')
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(hour)
    await world.clock.settle(docket.close())
  })

  test('is given back by a retry of an execution that was cancelled while it waited', async () => {
    const world = new World()
    const declared = carts(pay)
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.advance(20_000)
    await world.clock.settle(handle.cancel())
    await world.clock.advance(1_000)
    await world.clock.settle(docket.retry('a'))
    await world.clock.settle(handle.signal(PutAside, true))
    await world.clock.settle(handle.signal(PutAside, true))
    await world.clock.settle(handle.signal(CheckOut, { card: 'visa' }))
    expect(await world.clock.settle(handle.result())).toMatchObject({ items: ['book'], paid: '12 euros by visa' })
    await world.clock.settle(docket.close())
  })

  test('that is being written while its execution is cancelled is not taken back by that', async () => {
    const world = new World()
    const declared = carts(pay)
    let held: PromiseWithResolvers<void> | undefined
    // It is written, and the answer takes its time.
    const store = alteredStore(world.store, (method, ask) => {
      const { promise } = held ?? {}
      const answer = ask()
      return method === 'commit' && promise !== undefined ? promise.then(() => answer) : answer
    })
    const docket = world.process({ graphs: [declared], store })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.advance(1_000)
    held = Promise.withResolvers()
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.advance(1_000)
    const cancelled = handle.cancel()
    await world.clock.advance(10)
    held.resolve()
    await world.clock.settle(cancelled)
    await world.clock.settle(docket.retry('a'))
    await world.clock.settle(handle.signal(CheckOut, { card: 'visa' }))
    expect(await world.clock.settle(handle.result())).toMatchObject({ items: ['book'], paid: '12 euros by visa' })
    await world.clock.settle(docket.close())
  })

  test('is not copied by a fork: its machine begins anew', async () => {
    const world = new World()
    const declared = carts(pay)
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.advance(1_000)
    const fork = await world.clock.settle(docket.fork('a', { from: 'Cart', id: 'b' }))
    await world.clock.advance(1_000)
    expect(await world.clock.settle(fork.get(declared.steps[0]))).toMatchObject({ context: { items: [] } })
    expect(await world.clock.settle(handle.get(declared.steps[0]))).toMatchObject({ context: { items: [{}] } })
    await world.clock.settle(docket.close())
  })
})
