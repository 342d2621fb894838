import { describe, expect, test } from 'vitest'
import { dataType, durableStep, eventType, graph, step, type } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { atEveryCommit, createTestDocket } from '../../src/testing/index.ts'

const Order = dataType('Order', type<string>())
const Receipt = dataType('Receipt', type<unknown>())

const graphOf = (run: (ctx: DurableContext) => unknown) =>
  graph({
    name: 'orders',
    steps: [durableStep({ name: 'Handle', inputs: { order: Order }, output: Receipt, run: (_, ctx) => run(ctx) })],
  })

describe('a function that waits', () => {
  test('runs no finally and no using while it is parked, and each once when it goes on', async () => {
    const seen: string[] = []
    const orders = graphOf(async (ctx) => {
      using resource = { [Symbol.dispose]: () => void seen.push('disposed') }
      try {
        await ctx.sleep('3d')
        seen.push('awake')
        return 'done'
      } catch (error) {
        seen.push(`caught ${String(error)}`)
        throw error
      } finally {
        void resource
        seen.push('finally')
      }
    })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, { Order: 'o' })
    await docket.advance('1d')
    await docket.restart()
    await docket.advance('1d')
    expect(seen).toEqual([])
    expect(await handle.result()).toBe('done')
    expect(seen).toEqual(['awake', 'finally', 'disposed'])
  })

  test('sees nothing of a docket that closes: no verb settles, and its signal stays quiet', async () => {
    const seen: string[] = []
    const signals: AbortSignal[] = []
    const orders = graphOf(async (ctx) => {
      signals.push(ctx.signal)
      await ctx.step('begin', () => 1)
      await ctx.sleep('3d').catch(() => seen.push('rejected'))
      await ctx.step('go on', () => seen.push('went on'))
      return 'done'
    })
    const docket = createTestDocket({ graphs: [orders] })
    await docket.start(orders, Receipt, { Order: 'o' })
    await docket.advance('1s')
    await docket.close()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    expect(seen).toEqual([])
  })

  test('ends no process by calls that nobody waits for, whether it runs again or not', async () => {
    const orders = graphOf(async (ctx) => {
      void ctx.step('a', () => Promise.reject(new Error('unheard')))
      void ctx.branch('b', (part) => part.step('c', () => Promise.reject(new Error('unheard, too')))).catch(() => {})
      await ctx.sleep('3d')
      return ctx.step('end', () => 'done')
    })
    await using docket = createTestDocket({ graphs: [orders] })
    expect(await docket.execute(orders, Receipt, { Order: 'o' })).toBe('done')
  })

  test('is parked in the middle of Promise.all of waits, and none of them begins anew', async () => {
    const times: number[] = []
    const orders = graphOf(async (ctx) => {
      await Promise.all(
        [1, 2, 3].map(async (days) => {
          await ctx.sleep(`${days}d`, { key: String(days) })
          await ctx.step('note', () => times.push(docket.now().getTime() / 86_400_000), { key: String(days) })
        }),
      )
      return times.map((time) => time - times[0]!)
    })
    await using docket = createTestDocket({ graphs: [orders] })
    expect(await docket.execute(orders, Receipt, { Order: 'o' })).toEqual([0, 1, 2])
  })

  test('keeps a sibling’s work from being parked before it is done', async () => {
    let calls = 0
    const counted = graphOf(async (ctx) => {
      const [made] = await Promise.all([
        ctx.step('work', () => {
          calls++
          return docket.sleep('10m').then(() => 'made')
        }),
        ctx.sleep('1h'),
      ])
      return made
    })
    await using docket = createTestDocket({ graphs: [counted] })
    expect(await docket.execute(counted, Receipt, { Order: 'o' })).toBe('made')
    expect(calls).toBe(1)
  })
})

describe('many calls', () => {
  test('ten thousand are made, found again, and not made again', async () => {
    let made = 0
    let runs = 0
    const orders = graphOf(async (ctx) => {
      runs++
      let sum = 0
      for (let i = 0; i < 10_000; i++)
        sum += await ctx.step('add', () => {
          made++
          return 1
        })
      await ctx.sleep('1d')
      return sum
    })
    await using docket = createTestDocket({ graphs: [orders] })
    expect(await docket.execute(orders, Receipt, { Order: 'o' })).toBe(10_000)
    expect([made, runs]).toEqual([10_000, 2])
  })

  test('large values are kept', async () => {
    const orders = graphOf(async (ctx) => {
      const large = await ctx.step('large', () => 'x'.repeat(2_000_000))
      await ctx.sleep('1d')
      return large.length
    })
    await using docket = createTestDocket({ graphs: [orders] })
    expect(await docket.execute(orders, Receipt, { Order: 'o' })).toBe(2_000_000)
  })
})

describe('all verbs together', () => {
  const Ask = dataType('Ask', type<string>())
  const Shown = dataType('Shown', type<string>())
  const Packed = eventType('Packed', type<number>())
  const Words = dataType('Words', type<number>())
  const words = graph({
    name: 'words',
    steps: [step({ name: 'Count', inputs: { order: Order }, output: Words, run: ({ order }) => order.length })],
  })

  test('end alike wherever the process dies', async () => {
    const all = graph({
      name: 'all',
      steps: [
        durableStep({
          name: 'All',
          inputs: { order: Order },
          output: Receipt,
          receives: [Ask],
          publishes: [Shown],
          timeout: '1h',
          run: async ({ order }, ctx) => {
            if (ctx.generation < 1) {
              await ctx.publish(Shown, 'first')
              return ctx.continueAsNew({ order: `${order}!` })
            }
            const count = await ctx.execute(words, Words, { Order: order })
            const [asked, packed] = await Promise.all([
              ctx.branch('talk', async (part) => {
                const message = await part.receive(Ask, { timeout: '9d' })
                await part.publish(Shown, String(message.value))
                return message.value
              }),
              ctx.branch('pack', async (part) => {
                await part.sleep('1d')
                await part.emit(Packed, order, 7)
                return (await part.waitFor(Packed, order)).value
              }),
            ])
            return [count, asked, packed, ctx.uuid(), (await ctx.waitFor(Packed, 'x', { timeout: '1h' })).timedOut]
          },
        }),
      ],
    })
    const tried = await atEveryCommit({ graphs: [all, words], limit: 40 }, async (docket) => {
      const handle = await docket.start(all, Receipt, { Order: 'o' }, { id: 'one' })
      await docket.advance('2d')
      await handle.signal(Ask, 'how far?', { id: 'q' })
      return [await handle.result(), await handle.get(Shown)]
    })
    expect(tried.commits.length).toBeGreaterThan(12)
  })
})

describe('a fork', () => {
  test('of an execution whose durable step has ended has its value, and one that had not begins it anew', async () => {
    const Paid = dataType('Paid', type<string>())
    let calls = 0
    const orders = graph({
      name: 'orders',
      steps: [
        durableStep({
          name: 'Book',
          inputs: { order: Order },
          output: Receipt,
          run: (_, ctx) => ctx.step('book', () => ++calls),
        }),
        durableStep({
          name: 'Pay',
          inputs: { receipt: Receipt },
          output: Paid,
          run: async ({ receipt }, ctx) => `${String(receipt)} ${await ctx.step('pay', () => 'paid')}`,
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [orders] })
    await docket.execute(orders, Paid, { Order: 'o' }, { id: 'a' })
    const forked = await docket.fork('a', { from: 'Pay' })
    expect(await forked.result()).toBe('1 paid')
    const again = await docket.fork('a', { from: 'Book' })
    expect(await again.result()).toBe('2 paid')
  })
})

describe('details()', () => {
  test('shows what is on record of a function, and what it waits for', async () => {
    const Ask = dataType('Ask', type<string>())
    const orders = graph({
      name: 'orders',
      steps: [
        durableStep({
          name: 'Handle',
          output: Receipt,
          receives: [Ask],
          run: async (_, ctx) => {
            await ctx.step('charge', () => 30)
            await ctx.step('refuse', () => Promise.reject(new Error('no'))).catch(() => {})
            return Promise.all([ctx.receive(Ask), ctx.sleep('3d')])
          },
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, {}, { id: 'o' })
    for (const pause of ['1s', '1d']) {
      await docket.advance(pause)
      const { steps, situation } = await handle.details()
      const until = new Date('2000-01-04T00:00:00Z')
      expect(steps[0]!.waitsFor).toEqual({ kind: 'verbs', verbs: ['receive', 'sleep'], until })
      expect(situation).toContain('"receive", "sleep" of "Handle" until 2000-01-04T00:00:00.000Z')
      expect(steps[0]!.checkpoints!.map(({ name, status, value }) => [name, status, value])).toEqual([
        ['receive', 'open', undefined],
        ['sleep', 'open', undefined],
        ['charge', 'completed', 30],
        ['refuse', 'failed', undefined],
      ])
      expect(steps[0]!.checkpoints![3]!.error).toEqual(new Error('no'))
    }
  })
})

test('a function whose calls come through is not taken for one that kills its processes, however often these die', async () => {
  const deaths = 8
  const world = new World()
  const died = new Set<number>()
  let mortal: ReturnType<World['mortal']>
  const orders = graphOf(async (ctx) => {
    for (let day = 0; day < deaths; day++) {
      await ctx.step('work', () => day)
      const kill = (): unknown => {
        if (died.has(day)) return undefined
        died.add(day)
        mortal.die()
        return new Promise(() => {})
      }
      await ctx.step('die', kill, { key: String(day) })
    }
    return 'done'
  })
  const begin = () => {
    mortal = world.mortal({ graphs: [orders], lease: '2s', maxRecoveries: 3 })
    return mortal.docket
  }
  await world.clock.settle(begin().start(orders, Receipt, { Order: 'o' }, { id: 'a' }))
  for (let i = 0; i <= deaths; i++) {
    await world.clock.advance(5_000)
    begin()
  }
  await world.clock.advance(5_000)
  const [record] = await world.store.get(['a'])
  expect([record!.status, died.size]).toEqual(['completed', deaths])
})
