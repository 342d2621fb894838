import { describe, expect, test } from 'vitest'
import { getSimplePaths } from 'xstate/graph'
import { atEveryCommit, createTestDocket } from '../../../src/testing/index.ts'
import { AddItem, cartMachine, carts, CheckOut, Order, PutAside } from './cart.ts'

const declared = carts(({ card, euros }) =>
  card === 'stolen' ? Promise.reject(new Error('refused')) : Promise.resolve(`${euros} euros by ${card}`),
)
const hour = 3_600_000

/** What happens to a cart, as events of its machine: a delay that is over stands for so much time. */
const events = [
  { type: 'ADD_ITEM', value: { name: 'book', euros: 12 } },
  { type: 'CHECK_OUT', value: { card: 'visa' } },
  { type: 'PUT_ASIDE', value: true },
  { type: 'xstate.after.3600000.cart.shopping.reminder.quiet' },
  { type: 'xstate.after.86400000.cart.shopping' },
  { type: 'xstate.after.604800000.cart.aside' },
  { type: 'xstate.done.actor.0.cart.paying', output: '12 euros by visa' },
] as const

const spans: Readonly<Record<string, number>> = {
  'xstate.after.3600000.cart.shopping.reminder.quiet': hour,
  'xstate.after.86400000.cart.shopping': 24 * hour,
  'xstate.after.604800000.cart.aside': 168 * hour,
}

/** The ways through the machine that enter no state twice; those are left out that another one begins with. */
const all = getSimplePaths(
  cartMachine(() => Promise.resolve('')),
  {
    input: { shopper: 'ada' },
    events: events as never,
    serializeState: ({ value, context }) => JSON.stringify([value, context.items.length]),
  },
).map(({ steps }) =>
  steps.map(({ event }) => event as (typeof events)[number]).filter(({ type }) => (type as string) !== 'xstate.init'),
)
const texts = all.map((way) => way.map(({ type }) => `${type} `).join(''))
const ways = all.filter((_, index) => !texts.some((text) => text !== texts[index] && text.startsWith(texts[index]!)))

/** Goes one way, and gives how the cart stands at its end; `restarts`: whether the process is killed after each event. */
async function go(way: (typeof ways)[number], restarts: boolean): Promise<unknown> {
  await using docket = createTestDocket({ graphs: [declared] })
  const handle = await docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' })
  for (const event of way) {
    if (event.type === 'ADD_ITEM') await handle.signal(AddItem, event.value)
    else if (event.type === 'CHECK_OUT') await handle.signal(CheckOut, event.value)
    else if (event.type === 'PUT_ASIDE') await handle.signal(PutAside, event.value)
    else if (event.type in spans) await docket.advance(spans[event.type]!)
    if (restarts) await docket.restart()
  }
  const began = docket.now().getTime()
  const result = await handle.result()
  return { result, endsAfter: docket.now().getTime() - began }
}

describe('a machine in a docket', () => {
  test(`ends the same on each of its ${ways.length} ways, whether its process is killed after every event or not`, async () => {
    const ends = new Set<string>()
    for (const way of ways) {
      const calm = await go(way, false)
      expect(await go(way, true), way.map(({ type }) => type).join(', ')).toEqual(calm)
      ends.add((calm as { result: { end: string } }).result.end)
    }
    expect([...ends].sort()).toEqual(['abandoned', 'forgotten', 'paid'])
  })

  test('ends the same wherever its process dies, right before or after a commit', async () => {
    const { commits } = await atEveryCommit({ graphs: [declared] }, async (docket) => {
      const handle = await docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' })
      await handle.signal(AddItem, { name: 'book', euros: 12 }, { id: 'first' })
      await handle.signal(PutAside, true, { id: 'aside' })
      await docket.advance('2h')
      await handle.signal(PutAside, false, { id: 'back' })
      await handle.signal(CheckOut, { card: 'stolen' }, { id: 'stolen' })
      await docket.advance('1h')
      await handle.signal(AddItem, { name: 'pen', euros: 3 }, { id: 'second' })
      await handle.signal(CheckOut, { card: 'visa' }, { id: 'visa' })
      return handle.result()
    })
    expect(commits.length).toBeGreaterThan(8)
  })
})
