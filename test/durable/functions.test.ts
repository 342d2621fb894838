import { describe, expect, test } from 'vitest'
import { dataType, durableStep, graph, step, type } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import { atEveryCommit, createTestDocket } from '../../src/testing/index.ts'

const Order = dataType('Order', type<string>())
const Receipt = dataType('Receipt', type<unknown>())
const day = 86_400_000

const graphOf = (run: (ctx: DurableContext) => unknown, more: object = {}) =>
  graph({
    name: 'orders',
    steps: [
      durableStep({ name: 'Handle', inputs: { order: Order }, output: Receipt, run: (_, ctx) => run(ctx), ...more }),
    ],
  })

describe('a durable function in a docket', () => {
  test('is parked while it sleeps, and runs again from its top, with what was recorded', async () => {
    const calls: string[] = []
    let runs = 0
    const orders = graphOf(async (ctx) => {
      runs++
      const charged = await ctx.step('charge', () => {
        calls.push('charge')
        return 30
      })
      await ctx.sleep('3d')
      const shipped = await ctx.step('ship', () => {
        calls.push('ship')
        return 'van 7'
      })
      await ctx.sleep('3d')
      return [charged, shipped, ctx.attempt]
    })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, { Order: 'o' })
    await docket.advance('1d')
    expect((await handle.details()).status).toBe('waiting')
    expect(await handle.result()).toEqual([30, 'van 7', 1])
    expect(calls).toEqual(['charge', 'ship'])
    expect(runs).toBe(3)
  })

  test('ends alike wherever its process dies', async () => {
    const tried = await atEveryCommit({ graphs: [graphOf(() => 1)] }, async (docket) => {
      const effects: string[] = []
      const orders = graphOf(async (ctx) => {
        const key = await ctx.step('charge', ({ idempotencyKey }) => {
          effects.push(`charge ${idempotencyKey}`)
          return idempotencyKey
        })
        const failed = await ctx
          .step('refused', () => {
            throw new TypeError('no')
          })
          .catch((error: unknown) => error instanceof TypeError && error.message)
        await ctx.sleep('3d')
        const both = await Promise.all([
          ctx.branch('left', async (part) => {
            await part.sleep('2h')
            return part.step('save', () => 'left')
          }),
          ctx.branch('right', async (part) => [await part.step('save', () => 'right'), await part.sleep('1h')]),
        ])
        const flaky = await ctx.step(
          'flaky',
          ({ attempt }) => {
            if (attempt < 3) throw new Error('not yet')
            return attempt
          },
          { retry: { maxAttempts: 3, backoff: '1h' } },
        )
        let sum = 0
        for (let i = 0; i < 5; i++) sum += await ctx.step('add', () => i)
        return [key.length, failed, both, flaky, sum, ctx.random(), ctx.uuid()]
      })
      await docket.restart({ graphs: [orders] })
      const handle = await docket.start(orders, Receipt, { Order: 'o' }, { id: 'one' })
      const result = await handle.result()
      return [result, new Set(effects).size]
    })
    expect(tried.commits.length).toBeGreaterThan(10)
  })

  test('gives outcomes in the order in which they came, so that parallel parts go the same way again', async () => {
    const runs: string[][] = []
    const orders = graphOf(async (ctx) => {
      const log: string[] = []
      runs.push(log)
      const part = async (name: string, ms: number): Promise<void> => {
        await ctx.step(name, () => docket.sleep(ms))
        log.push(name)
      }
      await Promise.all([part('a', 30), part('b', 10), part('c', 20)])
      await ctx.step('end', () => (runs.length === 1 ? docket.restart() : undefined))
      return log
    })
    await using docket = createTestDocket({ graphs: [orders] })
    expect(await docket.execute(orders, Receipt, { Order: 'o' }, { id: 'x' })).toEqual(['b', 'c', 'a'])
    expect(runs).toEqual([
      ['b', 'c', 'a'],
      ['b', 'c', 'a'],
    ])
  })

  test('that has changed fails with both sides named', async () => {
    const before = graphOf(async (ctx) => {
      await ctx.step('charge', () => 1)
      await ctx.sleep('3d')
    })
    const after = graphOf(async (ctx) => {
      await ctx.step('ship', () => 1)
      await ctx.step('charge', () => 1)
    })
    await using docket = createTestDocket({ graphs: [before] })
    const handle = await docket.start(before, Receipt, { Order: 'o' })
    await docket.advance('1d')
    await docket.restart({ graphs: [after] })
    const error = (await handle.result().catch((thrown: unknown) => thrown)) as { cause: unknown }
    expect(error.cause).toMatchObject({
      code: 'RERUN_MISMATCH',
      expected: 'step "charge"',
      found: 'step "ship"',
    })
  })

  test('keeps a value that can’t be stored from passing for a success', async () => {
    const orders = graphOf((ctx) => ctx.step('odd', () => () => 1))
    await using docket = createTestDocket({ graphs: [orders] })
    const error = (await docket.execute(orders, Receipt, { Order: 'o' }).catch((thrown: unknown) => thrown)) as {
      cause: unknown
    }
    expect(error.cause).toMatchObject({ code: 'SERIALIZATION_FAILED' })
  })

  test('begins with the inputs that it began with, whatever a step that is not persisted makes anew', async () => {
    let made = 0
    const Given = dataType('Given', type<number>())
    const orders = graph({
      name: 'orders',
      steps: [
        step({ name: 'Make', inputs: { order: Order }, output: Given, run: () => ++made }),
        durableStep({
          name: 'Handle',
          inputs: { given: Given },
          output: Receipt,
          run: async ({ given }, ctx) => {
            const seen = await ctx.step('see', () => given)
            await ctx.step('die', () => (made === 1 ? docket.restart().then(() => 0) : 1))
            return [seen, given]
          },
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [orders] })
    expect(await docket.execute(orders, Receipt, { Order: 'o' }, { id: 'o' })).toEqual([1, 1])
    expect(made).toBe(2)
  })

  test('counts its timeout over parkings', async () => {
    const orders = graphOf(
      async (ctx) => {
        for (let i = 0; i < 3; i++) {
          await ctx.step('work', () => docket.sleep('25s'))
          await ctx.sleep('10d')
        }
        return 'done'
      },
      { timeout: '1m' },
    )
    await using docket = createTestDocket({ graphs: [orders] })
    const error = (await docket.execute(orders, Receipt, { Order: 'o' }).catch((thrown: unknown) => thrown)) as {
      cause: unknown
    }
    expect(error.cause).toMatchObject({ code: 'STEP_TIMEOUT', timeoutMs: 60_000 })
    expect(Math.round((docket.now().getTime() - Date.UTC(2000, 0, 1)) / day)).toBe(20)
  })

  test('is tried again with what came to an end, by its own retry and by that of its execution', async () => {
    const calls: string[] = []
    let fails = 3
    const orders = graphOf(
      async (ctx) => {
        await ctx.step('charge', () => calls.push('charge'))
        await ctx.step('ship', () => {
          calls.push('ship')
          if (--fails >= 0) throw new Error('no truck')
          return 1
        })
        return calls
      },
      { retry: { maxAttempts: 2, backoff: '1d' } },
    )
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, { Order: 'o' }, { id: 'o' })
    await expect(handle.result()).rejects.toThrow('no truck')
    await docket.retry('o')
    expect(await handle.result()).toEqual(['charge', 'ship', 'ship', 'ship', 'ship'])
  })

  test('that was undone begins anew, under another key', async () => {
    const keys: string[] = []
    const Paid = dataType('Paid', type<string>())
    let isBroke = true
    const orders = graph({
      name: 'orders',
      steps: [
        durableStep({
          name: 'Book',
          inputs: { order: Order },
          output: Receipt,
          run: (_, ctx) =>
            ctx.step('book', ({ idempotencyKey }) => {
              keys.push(idempotencyKey)
              return keys.length
            }),
          compensate: () => {},
        }),
        step({
          name: 'Pay',
          inputs: { receipt: Receipt },
          output: Paid,
          run: ({ receipt }) => {
            if (isBroke) throw new Error('broke')
            return `booking ${String(receipt)}`
          },
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Paid, { Order: 'o' }, { id: 'o' })
    await expect(handle.result()).rejects.toThrow('broke')
    isBroke = false
    await docket.retry('o')
    expect(await handle.result()).toBe('booking 2')
    expect(new Set(keys).size).toBe(2)
  })

  test('waits of each item of a batch, and the batch is parked', async () => {
    const calls: number[] = []
    const orders = graphOf(async (ctx) => {
      await ctx.step('begin', () => calls.push(ctx.item!))
      await ctx.sleep(`${ctx.item! + 1}d`)
      return ctx.step('end', () => ctx.item)
    })
    await using docket = createTestDocket({ graphs: [orders] })
    const batch = await docket.startBatch(orders, Receipt, [{ Order: 'a' }, { Order: 'b' }, { Order: 'c' }])
    expect(await batch.result()).toEqual([0, 1, 2])
    expect(calls).toEqual([0, 1, 2])
  })

  test('shows what it publishes from any process, while it runs and after its end', async () => {
    const Progress = dataType('Progress', type<number>())
    const orders = graph({
      name: 'orders',
      steps: [
        durableStep({
          name: 'Handle',
          output: Receipt,
          publishes: [Progress],
          run: async (_, ctx) => {
            for (const percent of [10, 50, 90]) {
              await ctx.publish(Progress, percent)
              await ctx.sleep('1d')
            }
            return 'done'
          },
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, {})
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const percent of handle.watch(Progress)) seen.push(percent)
    })()
    await docket.advance('1h')
    expect(await handle.get(Progress)).toBe(10)
    await docket.advance('36h')
    expect(await handle.get(Progress)).toBe(50)
    expect(await handle.result()).toBe('done')
    expect(await handle.get(Progress)).toBe(90)
    await watching
    expect(seen).toEqual([10, 50, 90])
  })

  test('begins anew under its id, again and again, and keeps nothing of the time before', async () => {
    const From = dataType('From', type<number>())
    const orders = graph({
      name: 'orders',
      steps: [
        durableStep({
          name: 'Bill',
          inputs: { month: From },
          output: Receipt,
          run: async ({ month }, ctx) => {
            for (let day = 0; day < 3; day++) await ctx.step('look', () => day)
            await ctx.sleep('30d')
            if (month < 5) return ctx.continueAsNew({ month: month + 1 })
            return [month, ctx.generation]
          },
        }),
      ],
    })
    const tried = await atEveryCommit({ graphs: [orders], limit: 12 }, async (docket) => {
      const handle = await docket.start(orders, Receipt, { From: 1 }, { id: 'x' })
      const result = await handle.result()
      const left = await docket.store.readCheckpoints!({ execution: 'x', limit: 100 })
      return [result, left.map(({ generation, name }) => [generation, name])]
    })
    expect(tried.commits.length).toBeGreaterThan(12)
    await using docket = createTestDocket({ graphs: [orders] })
    expect(await docket.execute(orders, Receipt, { From: 1 }, { id: 'x' })).toEqual([5, 4])
    const left = await docket.store.readCheckpoints!({ execution: 'x', limit: 100 })
    expect(left.map(({ generation, name }) => [generation, name])).toEqual([
      [4, '$begin'],
      [4, 'look'],
      [4, 'look#2'],
      [4, 'look#3'],
      [4, 'sleep'],
    ])
  })

  test('receives each message once, in order, parked or not, wherever its process dies', async () => {
    const Add = dataType('Add', type<string>())
    const Close = dataType('Close', type<number>())
    const baskets = graph({
      name: 'baskets',
      steps: [
        durableStep({
          name: 'Collect',
          output: Receipt,
          receives: [Add, Close],
          run: async (_, ctx) => {
            const items: string[] = []
            for (;;) {
              const message = await ctx.receive([Add, Close], { timeout: '3d' })
              if (message.timedOut) return [...items, 'too late']
              if (message.type === 'Close') return [...items, message.value]
              items.push(message.value)
            }
          },
        }),
      ],
    })
    const tried = await atEveryCommit({ graphs: [baskets] }, async (docket) => {
      const one = await docket.start(baskets, Receipt, {}, { id: 'one', signals: { Add: ['a'] } })
      await one.signal(Add, 'b', { id: 'b' })
      await docket.advance('1d')
      await one.signal(Add, 'c', { id: 'c' })
      await one.signal(Add, 'b', { id: 'b' })
      await docket.advance('2d')
      await one.signal(Close, 7, { id: 'd' })
      await one.signal(Add, 'late', { id: 'e' })
      return one.result()
    })
    expect(tried.commits.length).toBeGreaterThan(8)
    await using docket = createTestDocket({ graphs: [baskets] })
    const one = await docket.start(baskets, Receipt, {}, { id: 'one', signals: { Add: ['a'] } })
    await docket.advance('1d')
    await one.signal(Add, 'b')
    expect(await one.result()).toEqual(['a', 'b', 'too late'])
    expect(docket.now().getTime() - Date.UTC(2000, 0, 1)).toBe(4 * day)
  })

  test('takes a message that came before a sleep was over, however late it looks', async () => {
    const Wake = dataType('Wake', type<string>())
    const sleepers = graph({
      name: 'sleepers',
      steps: [
        durableStep({
          name: 'Sleep',
          output: Receipt,
          receives: [Wake],
          run: (_, ctx) =>
            Promise.race([ctx.receive(Wake).then(({ value }) => value), ctx.sleep('2d').then(() => 'slept')]),
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [sleepers] })
    const one = await docket.start(sleepers, Receipt, {}, { id: 'one' })
    await docket.advance('1d')
    // Another process knows nothing of the graph, and nobody goes on with it before both have come.
    await docket.restart({ graphs: [graphOf(() => 1)] })
    await one.signal(Wake, 'woken')
    await docket.advance('5d')
    await docket.restart({ graphs: [sleepers] })
    expect(await one.result()).toBe('woken')
  })
})
