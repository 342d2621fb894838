import { describe, expect, test } from 'vitest'
import { all, dataType, executeBatch, fixed, graph, step, type } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Id = dataType('Id', type<number>())
const Made = dataType('Made', type<number>())
const Other = dataType('Other', type<number>())
const Total = dataType('Total', type<number>())
const Done = dataType('Done', type<number>())

const range = (length: number) => Array.from({ length }, (_, Id) => ({ Id }))

/** Counts what runs at the same time. */
class Meter {
  now = 0
  most = 0
  async run(work: () => Promise<void>): Promise<void> {
    this.most = Math.max(this.most, ++this.now)
    try {
      await work()
    } finally {
      this.now--
    }
  }
}

describe('the limit over items', () => {
  test.each([
    [undefined, 100],
    [1, 1],
    [7, 7],
    [Infinity, 250],
  ])('with concurrency %s, at most %s of 250 items run at the same time', async (concurrency, most) => {
    const clock = new VirtualTime()
    const meter = new Meter()
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      run: async ({ id }, { signal }) => {
        await meter.run(() => clock.sleep(1 + (id % 5), signal))
        return id
      },
    })
    const options = concurrency === undefined ? { clock } : { clock, concurrency }
    const results = await clock.settle(executeBatch(graph({ name: 'm', steps: [make] }), Made, range(250), options))
    expect(results).toEqual(range(250).map(({ Id }) => Id))
    expect(meter.most).toBe(most)
  })

  test('an item with parallel steps takes one place', async () => {
    const clock = new VirtualTime()
    const items = new Set<number>()
    let mostItems = 0
    const run = async ({ id }: { readonly id: number }): Promise<number> => {
      items.add(id)
      mostItems = Math.max(mostItems, items.size)
      await clock.sleep(10)
      items.delete(id)
      return id
    }
    const make = step({ name: 'Make', inputs: { id: Id }, output: Made, run })
    const other = step({ name: 'Other', inputs: { id: Id }, output: Other, run })
    const join = step({
      name: 'Join',
      inputs: { made: Made, other: Other },
      output: Done,
      run: ({ made, other }) => made + other,
    })
    const joined = graph({ name: 'joined', steps: [make, other, join] })
    const start = clock.now()
    expect(await clock.settle(executeBatch(joined, Done, range(4), { clock, concurrency: 2 }))).toEqual([0, 2, 4, 6])
    expect(mostItems).toBe(2)
    expect(clock.now() - start).toBe(20)
  })

  test('no place is held during a backoff: with a limit of 1, three items with a backoff each take the time of one', async () => {
    const clock = new VirtualTime()
    const meter = new Meter()
    const starts: string[] = []
    const flaky = step({
      name: 'Flaky',
      inputs: { id: Id },
      output: Made,
      retry: { maxAttempts: 2, backoff: fixed('10s') },
      run: async ({ id }, { attempt, signal }) => {
        starts.push(`${id}.${attempt}`)
        await meter.run(() => clock.sleep(1, signal))
        if (attempt === 1) throw new Error('not yet')
        return id
      },
    })
    const start = clock.now()
    const batch = executeBatch(graph({ name: 'flaky', steps: [flaky] }), Made, range(3), { clock, concurrency: 1 })
    expect(await clock.settle(batch)).toEqual([0, 1, 2])
    expect(starts).toEqual(['0.1', '1.1', '2.1', '0.2', '1.2', '2.2'])
    expect(clock.now() - start).toBe(1 + 10_000 + 3)
    expect(meter.most).toBe(1)
  })

  test('no place is held while items wait for all the others', async () => {
    const clock = new VirtualTime()
    const meter = new Meter()
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      run: async ({ id }) => {
        await meter.run(() => clock.sleep(10))
        return id
      },
    })
    const total = step({
      name: 'Total',
      inputs: { made: all(Made) },
      output: Total,
      run: ({ made }) => made.reduce((sum, value) => sum + value, 0),
    })
    const done = step({
      name: 'Done',
      inputs: { made: Made, total: Total },
      output: Done,
      run: async ({ made, total }) => {
        await meter.run(() => clock.sleep(10))
        return total - made
      },
    })
    const barrier = graph({ name: 'barrier', steps: [make, total, done] })
    const batch = executeBatch(barrier, Done, range(20), { clock, concurrency: 2 })
    expect(await clock.settle(batch)).toEqual(range(20).map(({ Id }) => 190 - Id))
    expect(meter.most).toBe(2)
  })

  test("a step's own limit holds over the items too, and over several batches", async () => {
    const clock = new VirtualTime()
    const meter = new Meter()
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      concurrency: 3,
      run: async ({ id }) => {
        await meter.run(() => clock.sleep(5))
        return id
      },
    })
    const limited = graph({ name: 'limited', steps: [make] })
    const batches = Promise.all([
      executeBatch(limited, Made, range(10), { clock }),
      executeBatch(limited, Made, range(10), { clock }),
    ])
    expect((await clock.settle(batches)).flat()).toEqual([...range(10), ...range(10)].map(({ Id }) => Id))
    expect(meter.most).toBe(3)
  })

  test("a step's limit by key counts each key for itself", async () => {
    const clock = new VirtualTime()
    const meters = new Map([0, 1].map((key) => [key, new Meter()]))
    const both = new Meter()
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      concurrency: { limit: 1, key: ({ id }) => String(id % 2) },
      run: async ({ id }) => {
        await both.run(() => meters.get(id % 2)!.run(() => clock.sleep(5)))
        return id
      },
    })
    await clock.settle(executeBatch(graph({ name: 'keyed', steps: [make] }), Made, range(10), { clock }))
    expect([...meters.values()].map(({ most }) => most)).toEqual([1, 1])
    expect(both.most).toBe(2)
  })
})

describe('items that are the same', () => {
  test.each(['execution', 'global'] as const)('compute a step persisted in scope %s once', async (scope) => {
    const clock = new VirtualTime()
    const made: number[] = []
    const make = step({
      name: `Make in ${scope}`,
      inputs: { id: Id },
      output: Made,
      persist: scope,
      run: async ({ id }) => {
        made.push(id)
        await clock.sleep(5)
        return id * 10
      },
    })
    const items = [1, 2, 1, 1, 2].map((Id) => ({ Id }))
    const batch = executeBatch(graph({ name: `same in ${scope}`, steps: [make] }), Made, items, { clock })
    expect(await clock.settle(batch)).toEqual([10, 20, 10, 10, 20])
    expect(made).toEqual([1, 2])
  })

  test('are computed once too when they come one after the other', async () => {
    const made: number[] = []
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      persist: 'execution',
      run: ({ id }) => {
        made.push(id)
        return id * 10
      },
    })
    const items = [1, 1, 1].map((Id) => ({ Id }))
    const one = graph({ name: 'one by one', steps: [make] })
    expect(await executeBatch(one, Made, items, { concurrency: 1 })).toEqual([10, 10, 10])
    expect(made).toEqual([1])
    await executeBatch(one, Made, items)
    expect(made, 'another batch is another execution').toEqual([1, 1])
  })

  test('share a failure, and the next batch computes again', async () => {
    const clock = new VirtualTime()
    const cause = new Error('broken')
    let runs = 0
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      persist: 'global',
      run: async () => {
        runs++
        await clock.sleep(5)
        throw cause
      },
    })
    const broken = graph({ name: 'shared failure', steps: [make] })
    const items = [1, 1, 1].map((Id) => ({ Id }))
    const outcomes = await clock.settle(executeBatch(broken, Made, items, { clock, onError: 'collect' }))
    expect(outcomes.map(({ error }) => (error as Error).cause)).toEqual([cause, cause, cause])
    expect(outcomes.map(({ error }) => (error as { item?: number }).item)).toEqual([0, 1, 2])
    expect(runs).toBe(1)
    await clock.settle(executeBatch(broken, Made, items, { clock, onError: 'collect' }))
    expect(runs).toBe(2)
  })

  test('wait for an equal one without holding a place', async () => {
    const clock = new VirtualTime()
    const made: number[] = []
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      persist: 'global',
      run: async ({ id }) => {
        made.push(id)
        await clock.sleep(10)
        return id
      },
    })
    const start = clock.now()
    const items = [1, 1, 1, 2].map((Id) => ({ Id }))
    const batch = executeBatch(graph({ name: 'waiting', steps: [make] }), Made, items, { clock, concurrency: 2 })
    expect(await clock.settle(batch)).toEqual([1, 1, 1, 2])
    expect(made).toEqual([1, 2])
    expect(clock.now() - start).toBe(10)
  })
})
