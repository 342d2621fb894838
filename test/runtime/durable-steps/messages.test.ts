import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import {
  dataType,
  durableStep,
  execute,
  fromGraph,
  graph,
  signalEvent,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import type { GraphError } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { causeOf, turns } from './orders.ts'

const AddItem = dataType('AddItem', z.object({ item: z.string() }))
const CheckOut = dataType('CheckOut', z.object({ by: z.string() }))
const Cart = dataType('Cart', type<unknown>())
const Total = dataType('Total', z.number())
const Start = dataType('Start', type<number>())

const carts = graph({
  name: 'carts',
  steps: [
    durableStep({
      name: 'Shop',
      output: Cart,
      receives: [AddItem, CheckOut],
      run: async (_, ctx) => {
        const items: string[] = []
        for (;;) {
          const message = await ctx.receive([AddItem, CheckOut], { timeout: '1d' })
          if (message.timedOut) return `left with ${items.length}`
          if (message.type === 'CheckOut') return `${message.value.by}: ${items.join(', ')}`
          items.push(message.value.item)
        }
      },
    }),
  ],
})

describe('ctx.receive', () => {
  test('takes messages in the order in which they came', async () => {
    const actor = createActor(fromGraph(carts, Cart), { input: {} }).start()
    for (const item of ['tea', 'pot']) actor.send(signalEvent(AddItem, { item }))
    await turns()
    actor.send(signalEvent(AddItem, { item: 'cup' }))
    actor.send(signalEvent(CheckOut, { by: 'Ada' }))
    expect(await toPromise(actor)).toBe('Ada: tea, pot, cup')
  })

  test('gives { timedOut } when its time is over', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(carts, Cart), { input: {}, clock }).start()
    actor.send(signalEvent(AddItem, { item: 'tea' }))
    const ended = toPromise(actor)
    for (let i = 0; i < 4; i++) {
      await turns()
      await clock.advance(43_200_000)
    }
    expect(await ended).toBe('left with 1')
  })

  test('leaves messages of other types for later', async () => {
    const patient = graph({
      name: 'g',
      steps: [
        durableStep({
          name: 'Shop',
          output: Cart,
          receives: [AddItem, CheckOut],
          run: async (_, ctx) => {
            const { value } = await ctx.receive(CheckOut)
            const { value: item } = await ctx.receive(AddItem)
            return [value.by, item.item]
          },
        }),
      ],
    })
    const signals = { AddItem: [{ item: 'tea' }], CheckOut: [{ by: 'Ada' }] }
    expect(await execute(patient, Cart, {}, { signals })).toEqual(['Ada', 'tea'])
  })

  test('takes what is there, or nothing, where it has no time', async () => {
    const asking = graph({
      name: 'g',
      steps: [
        durableStep({
          name: 'Shop',
          output: Cart,
          receives: [AddItem],
          run: async (_, ctx) => [
            (await ctx.receive(AddItem, { timeout: 0 })).timedOut,
            (await ctx.receive(AddItem, { timeout: 0 })).timedOut,
          ],
        }),
      ],
    })
    expect(await execute(asking, Cart, {}, { signals: { AddItem: [{ item: 'tea' }] } })).toEqual([undefined, true])
  })

  test('fails where nothing can come any more', async () => {
    const error = await causeOf(execute(carts2, Cart, {}))
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect((error as Error).message).toContain('step "Shop" waits for a message "AddItem"')
  })

  const carts2 = graph({
    name: 'g',
    steps: [durableStep({ name: 'Shop', output: Cart, receives: [AddItem], run: (_, ctx) => ctx.receive(AddItem) })],
  })

  test('of what the step does not receive, and of nothing, is refused', async () => {
    const wrong = graph({
      name: 'g',
      steps: [
        durableStep({
          name: 'Shop',
          output: Cart,
          receives: [AddItem],
          run: async (_, ctx) => [
            await ctx.receive(CheckOut as never).catch((error: Error) => error.message),
            await ctx.receive([] as never).catch((error: Error) => error.message),
          ],
        }),
      ],
    })
    expect(await execute(wrong, Cart, {})).toEqual([
      'ctx.receive: the step receives no "CheckOut"; it receives: AddItem',
      'ctx.receive: name at least one data type',
    ])
  })
})

describe('publishes', () => {
  test('names each type once, and none that is made, given or received', () => {
    const problems = (() => {
      try {
        untypedGraph({
          name: 'g',
          steps: [
            durableStep({
              name: 'A',
              inputs: { start: Start },
              output: Cart,
              receives: [AddItem],
              publishes: [Cart, Start, AddItem, Total, Total],
              run: () => 1,
            }),
            durableStep({ name: 'B', output: dataType('Other', type<1>()), publishes: 5 as never, run: () => 1 }),
          ],
        })
        return []
      } catch (error) {
        return (error as GraphError).problems.map(({ message }) => message)
      }
    })()
    expect(problems.some((message) => message.includes('publishes must be an array of data types, not 5'))).toBe(true)
    expect(problems.some((message) => message.includes('publishes[3] and publishes[4] are both "Total"'))).toBe(true)
  })

  test('a type that is made, given or received is refused', () => {
    for (const one of [Cart, Start, AddItem])
      expect(() =>
        untypedGraph({
          name: 'g',
          steps: [
            durableStep({
              name: 'A',
              inputs: { start: Start },
              output: Cart,
              receives: [AddItem],
              publishes: [one],
              run: () => 1,
            }),
          ],
        }),
      ).toThrow(`step "A" publishes "${one.name}"`)
  })
})

describe('ctx.continueAsNew', () => {
  test('begins the function anew with other inputs, as often as it likes', async () => {
    const seen: (readonly [number, number])[] = []
    const counting = graph({
      name: 'g',
      steps: [
        durableStep({
          name: 'Count',
          inputs: { from: Start },
          output: Cart,
          run: async ({ from }, ctx) => {
            seen.push([from, ctx.generation])
            const next = await ctx.step('add', () => from + 1)
            if (next < 3) return ctx.continueAsNew({ from: next })
            return next
          },
        }),
      ],
    })
    expect(await execute(counting, Cart, { Start: 0 })).toBe(3)
    expect(seen).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ])
  })

  test('leaves what the function does besides unheard, and keeps messages', async () => {
    const carrying = graph({
      name: 'g',
      steps: [
        durableStep({
          name: 'Count',
          inputs: { from: Start },
          output: Cart,
          receives: [AddItem],
          run: async ({ from }, ctx) => {
            const { value } = await ctx.receive(AddItem)
            if (from < 2) {
              void ctx.continueAsNew({ from: from + 1 })
              return 'nobody hears this'
            }
            return value.item
          },
        }),
      ],
    })
    const signals = { AddItem: [{ item: 'a' }, { item: 'b' }, { item: 'c' }] }
    expect(await execute(carrying, Cart, { Start: 0 }, { signals })).toBe('c')
  })
})
