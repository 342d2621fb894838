import { describe, expect, test } from 'vitest'
import { graph, optional, step } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { number } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door } from './line.ts'

const Seed = number('Seed')
const Quote = number('Quote')
const Order = number('Order')
const Bill = number('Bill')

const stores: readonly (readonly [string, (world: World) => Store])[] = [
  ['memory', ({ store }) => store],
  ['sqlite', ({ clock }) => sqliteStore({ path: ':memory:', now: () => clock.now(), elapsed: () => clock.elapsed() })],
]

/** Seed → Quote → Order, and both → Bill, whose step hangs once; the quote takes its time, and is late. */
function orders(ask: { readonly fallback?: (() => Promise<number>) | number } = {}) {
  const late = door()
  const used: string[] = []
  const policies = { persist: 'execution', timeout: '1s' } as const
  const Asked = 'fallback' in ask ? Quote : optional(Quote)
  const line = graph({
    name: 'orders',
    steps: [
      step({ name: 'Ask', inputs: { seed: Seed }, output: Quote, ...policies, ...ask, run: () => late.promise }),
      step({
        name: 'Place',
        inputs: { seed: Seed, quote: Asked },
        output: Order,
        persist: 'execution',
        run: ({ quote }) => {
          used.push(`Place ${String(quote)}`)
          return quote ?? -1
        },
      }),
      step({
        name: 'Charge',
        inputs: { order: Order, quote: Asked },
        output: Bill,
        persist: 'execution',
        run: ({ quote }) => {
          used.push(`Charge ${String(quote)}`)
          return used.length < 3 ? door().promise : (quote ?? -1)
        },
      }),
    ],
  })
  return { line, late, used }
}

describe.each(stores)('whoever takes over, on %s,', (_, storeOf) => {
  test.each([
    ['the value of its fallback', { fallback: 0 }, 0],
    ['no value', {}, undefined],
  ])('goes on with %s, which others were given, though its attempt brought one late', async (_, ask, given) => {
    const world = new World()
    const store = storeOf(world)
    const { line, late, used } = orders(ask)
    const { docket, die } = world.mortal({ graphs: [line] }, store)
    const handle = await docket.start(line, Bill, { Seed: 1 }, { id: 'a' })
    await world.clock.advance(1_500)
    late.resolve(10)
    await world.clock.advance(10)
    expect(await handle.get(Quote)).not.toBe(10)
    die()
    const survivor = world.process({ graphs: [line], store })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(given ?? -1)
    expect(used).toEqual([`Place ${String(given)}`, `Charge ${String(given)}`, `Charge ${String(given)}`])
  })

  test('goes on with what an attempt brought late, while a fallback took its time: it holds in both', async () => {
    const world = new World()
    const store = storeOf(world)
    const fallback = door()
    const { line, late, used } = orders({ fallback: () => fallback.promise })
    const { docket, die } = world.mortal({ graphs: [line] }, store)
    await docket.start(line, Bill, { Seed: 1 }, { id: 'a' })
    await world.clock.advance(1_500)
    late.resolve(10)
    await world.clock.advance(10)
    fallback.resolve(0)
    await world.clock.advance(10)
    expect(used).toEqual(['Place 10', 'Charge 10'])
    die()
    const survivor = world.process({ graphs: [line], store })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(10)
    expect(used).toEqual(['Place 10', 'Charge 10', 'Charge 10'])
  })
})
