import { describe, expect, test } from 'vitest'
import { dataType, durableStep, eventType, execute, graph, type } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import { atEveryCommit, createTestDocket } from '../../src/testing/index.ts'
import { causeOf } from '../runtime/durable-steps/orders.ts'

const Packed = eventType('Packed', type<{ readonly shelf: number }>(), { ttl: '30d' })
const Shipment = dataType('Shipment', type<unknown>())

const shipping = (run: (ctx: DurableContext) => unknown, name = 'shipping') =>
  graph({ name, steps: [durableStep({ name: 'Ship', output: Shipment, run: (_, ctx) => run(ctx) })] })

describe('ctx.waitFor and ctx.emit', () => {
  test('wait for what another function emits, parked or not, wherever a process dies', async () => {
    const waits = shipping(async (ctx) => {
      const both = await Promise.all(['a', 'b'].map((key) => ctx.waitFor(Packed, key)))
      const late = await ctx.waitFor(Packed, 'c', { timeout: '1d' })
      return [both.map(({ type: name, value }) => [name, value.shelf]), late.timedOut]
    })
    const packs = shipping(async (ctx) => {
      await ctx.sleep('1h')
      const first = await ctx.emit(Packed, 'a', { shelf: 1 })
      await ctx.sleep('1h')
      return [first, await ctx.emit(Packed, 'b', { shelf: 2 }), await ctx.emit(Packed, 'a', { shelf: 9 })]
    }, 'packing')
    const tried = await atEveryCommit({ graphs: [waits, packs], limit: 30 }, async (docket) => {
      const waiting = await docket.start(waits, Shipment, {}, { id: 'w' })
      const packing = await docket.start(packs, Shipment, {}, { id: 'p' })
      return [await packing.result(), await waiting.result()]
    })
    expect(tried.commits.length).toBeGreaterThan(8)
    await using docket = createTestDocket({ graphs: [waits, packs] })
    const waiting = await docket.start(waits, Shipment, {}, { id: 'w' })
    expect(await docket.execute(packs, Shipment, {})).toEqual(['accepted', 'accepted', 'duplicate'])
    expect(await waiting.result()).toEqual([
      [
        ['Packed', 1],
        ['Packed', 2],
      ],
      true,
    ])
  })

  test('an event that came in time counts, however late somebody looks', async () => {
    const waits = shipping((ctx) =>
      Promise.race([
        ctx.waitFor(Packed, 'a', { timeout: '2d' }).then(({ timedOut, value }) => timedOut ?? value),
        ctx.sleep('3d').then(() => 'slept'),
      ]),
    )
    const other = shipping(() => 1, 'other')
    await using docket = createTestDocket({ graphs: [waits] })
    const waiting = await docket.start(waits, Shipment, {}, { id: 'w' })
    await docket.advance('1d')
    await docket.restart({ graphs: [other] })
    await docket.emit(Packed, 'a', { shelf: 4 })
    await docket.advance('9d')
    await docket.restart({ graphs: [waits] })
    expect(await waiting.result()).toEqual({ shelf: 4 })
  })

  test('leave no wait behind', async () => {
    const waits = shipping(async (ctx) => {
      const winner = await Promise.race([
        ctx.waitFor(Packed, 'never').then(() => 'event'),
        ctx.sleep('1d').then(() => 'slept'),
      ])
      return winner
    })
    await using docket = createTestDocket({ graphs: [waits] })
    expect(await docket.execute(waits, Shipment, {}, { id: 'w' })).toBe('slept')
    await docket.advance('1h')
    await docket.emit(Packed, 'never', { shelf: 1 })
    expect(await docket.store.undelivered(10)).toEqual([])
  })

  test('need a docket, an event type and a key', async () => {
    const codes = shipping(async (ctx) => [
      await ctx.waitFor(Packed, 'a').catch((error: Error) => error.message),
      await ctx.emit(Packed, 'a', { shelf: 1 }).catch((error: Error) => error.message),
      await ctx.waitFor(Shipment as never, '').catch((error: Error) => error.message),
    ])
    const [waited, emitted, wrong] = (await execute(codes, Shipment, {})) as string[]
    expect(waited).toContain('events come to a docket alone')
    expect(emitted).toContain('events come to a docket alone')
    expect(wrong).toContain('it takes an event type')
    expect(wrong).toContain('non-empty string')
    const strict = shipping((ctx) => ctx.waitFor(Packed, 'a'))
    expect(await causeOf(execute(strict, Shipment, {}))).toMatchObject({ code: 'OPTION_INVALID' })
  })
})
