import { describe, expect, test } from 'vitest'
import { dataType, graph, NonRetryableError, step, StoreError, type } from '../../src/index.ts'
import type { Outcome } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { pagedStore } from './pages.ts'
import type { PageRead } from './pages.ts'

const N = dataType('N', type<number>())
const Rate = dataType('Rate', type<number>())
const Base = dataType('Base', type<number>())
const Half = dataType('Half', type<number>())
const Price = dataType('Price', type<number>())

const count = 60
const items = Array.from({ length: count }, (_, n) => ({ N: n }))
const started = { id: 'b', shared: { Rate: 3 }, onError: 'collect', concurrency: 10 } as const

/** One step that all items share, two for each item; item 7 always fails, and those from `firstClosed` on wait in their last step. */
function priced(world: World) {
  const ran: string[] = []
  const attempts: string[] = []
  let firstClosed = Infinity
  const base = step({
    name: 'Base',
    inputs: { rate: Rate },
    output: Base,
    persist: 'execution',
    run: ({ rate }) => {
      ran.push('base')
      return rate * 100
    },
  })
  const half = step({
    name: 'Half',
    inputs: { n: N },
    output: Half,
    persist: 'execution',
    run: ({ n }) => {
      ran.push(`half ${n}`)
      return n / 2
    },
  })
  const price = step({
    name: 'Price',
    inputs: { half: Half, base: Base, n: N },
    output: Price,
    persist: 'execution',
    retry: { maxAttempts: 2 },
    run: async ({ half: of, base: from, n }, { attempt, signal }) => {
      attempts.push(`${n}/${attempt}`)
      if (n >= firstClosed) await world.clock.sleep(3_600_000, signal)
      if (n === 7) throw new NonRetryableError('item 7 is broken')
      ran.push(`price ${n}`)
      return from + of
    },
  })
  return {
    ran,
    attempts,
    /** Items from there on wait. */
    closeFrom: (first: number) => void (firstClosed = first),
    open: () => void (firstClosed = Infinity),
    prices: graph({ name: 'prices', inputs: [N, Rate], steps: [base, half, price] }),
  }
}

const expected = items.map(({ N: n }) =>
  n === 7 ? { error: expect.objectContaining({ code: 'STEP_FAILED' }) as unknown } : { value: 300 + n / 2 },
)

/** A process has died with forty items done, ten under way, and ten not begun. */
async function halfDone() {
  const world = new World()
  const work = priced(world)
  work.closeFrom(40)
  const { docket, die } = world.mortal({ graphs: [work.prices], observers: [] })
  await docket.startBatch(work.prices, Price, items, started)
  await world.clock.advance(100)
  expect(work.ran).toHaveLength(1 + 50 + 39)
  die()
  work.open()
  work.attempts.length = 0
  return { world, ...work }
}

async function resultIn(world: World, docket: ReturnType<World['process']>): Promise<readonly Outcome<number>[]> {
  const handle = await world.clock.settle(docket.get('b'))
  return (await world.clock.settle(handle!.result())) as readonly Outcome<number>[]
}

const ofType = (world: World, ...types: readonly string[]) => world.events.filter(({ type }) => types.includes(type))

describe('a batch that is read back in many small pages', () => {
  test.each([1, 7, 1_000])(
    'goes on with what was not done, and only with that (%d records a page)',
    async (perPage) => {
      const { world, ran, attempts, prices } = await halfDone()
      const docket = world.process({ graphs: [prices], store: pagedStore(world.store, perPage) })
      expect(await resultIn(world, docket)).toEqual(expected)
      expect(new Set(ran).size).toBe(ran.length)
      expect(ran).toHaveLength(1 + 60 + 59)
      // Those that were under way begin their second attempt, those that had not begun their first.
      const second = Array.from({ length: 10 }, (_, index) => `${40 + index}/2`)
      const first = Array.from({ length: 10 }, (_, index) => `${50 + index}/1`)
      expect(attempts.toSorted()).toEqual([...second, ...first])
    },
  )

  test('reports as restored what was found, whatever the pages', async () => {
    const restored = []
    for (const perPage of [3, 1_000]) {
      const { world, prices } = await halfDone()
      const docket = world.process({ graphs: [prices], store: pagedStore(world.store, perPage) })
      await resultIn(world, docket)
      restored.push(ofType(world, 'execution.resumed').map((event) => (event as { restored?: number }).restored))
    }
    expect(restored[0]).toEqual(restored[1])
  })

  test('is gone on with by a third process where the second one dies in the middle of reading', async () => {
    const { world, ran, prices } = await halfDone()
    const { promise: died, resolve: die } = Promise.withResolvers<void>()
    const store = pagedStore(world.store, 7, async ({ ids, page }) => {
      if (!ids.includes('b') || page < 5) return
      die()
      await new Promise(() => {})
    })
    const second = world.mortal({ graphs: [prices] }, store)
    await world.clock.advance(6_000)
    await died
    second.die()
    const third = world.process({ graphs: [prices], store: pagedStore(world.store, 7) })
    expect(await resultIn(world, third)).toEqual(expected)
    expect(new Set(ran).size).toBe(ran.length)
    expect(ran).toHaveLength(1 + 60 + 59)
  })

  test('loses no lease by that, however long the pages take together', async () => {
    const { world, prices } = await halfDone()
    const slowly = ({ ids }: PageRead): Promise<void> | undefined =>
      ids.includes('b') ? world.clock.sleep(1_000) : undefined
    const docket = world.process({ graphs: [prices], store: pagedStore(world.store, 7, slowly) })
    await world.clock.advance(60_000)
    expect(await resultIn(world, docket)).toEqual(expected)
    expect(ofType(world, 'lease.lost')).toEqual([])
    expect(ofType(world, 'execution.resumed')).toHaveLength(1)
  })

  test('is left to whoever has it since, where its lease is lost on the way: no further page is read, and nothing is reported', async () => {
    const { world, ran, prices } = await halfDone()
    const pages: number[] = []
    const { promise: door, resolve: open } = Promise.withResolvers<void>()
    const store = pagedStore(world.store, 7, async ({ ids, page }) => {
      if (!ids.includes('b')) return
      pages.push(page)
      if (page === 3) await door
    })
    const suspended = world.mortal({ graphs: [prices] }, store)
    await world.clock.advance(6_000)
    expect(pages).toEqual([0, 1, 2, 3])
    suspended.stall()
    const other = world.process({ graphs: [prices] })
    await world.clock.advance(10_000)
    expect(await resultIn(world, other)).toEqual(expected)
    suspended.wake()
    open()
    await world.clock.advance(10_000)
    expect(pages).toEqual([0, 1, 2, 3])
    expect(new Set(ran).size).toBe(ran.length)
    expect(ofType(world, 'execution.incompatible')).toEqual([])
    expect(ofType(world, 'execution.ended')).toHaveLength(1)
  })

  test('is read again where a page can’t be had for a while', async () => {
    const { world, ran, prices } = await halfDone()
    let refusals = 0
    const store = pagedStore(world.store, 7, ({ ids, page }) => {
      if (ids.includes('b') && page === 4 && ++refusals <= 3) throw new StoreError('test', 'it is busy', true)
    })
    const docket = world.process({ graphs: [prices], store })
    await world.clock.advance(60_000)
    expect(await resultIn(world, docket)).toEqual(expected)
    expect(refusals).toBeGreaterThan(3)
    expect(new Set(ran).size).toBe(ran.length)
  })

  test('goes on where a page is refused once, as something that can’t be read', async () => {
    const { world, prices } = await halfDone()
    let refusals = 0
    const store = pagedStore(world.store, 7, ({ ids, page }) => {
      if (ids.includes('b') && page === 4 && ++refusals === 1) throw new StoreError('test', 'row 33 is odd', false)
    })
    const docket = world.process({ graphs: [prices], store })
    await world.clock.advance(6_000)
    expect(await resultIn(world, docket)).toEqual(expected)
    expect(ofType(world, 'execution.incompatible')).toEqual([])
  })

  test('is left alone, with the reason, where a page can’t be read for good, and others go on', async () => {
    const { world, ran, prices } = await halfDone()
    const before = ran.length
    const store = pagedStore(world.store, 7, ({ ids, page }) => {
      if (ids.includes('b') && page === 4) throw new StoreError('test', 'row 33 was altered', false)
    })
    const docket = world.process({ graphs: [prices], store })
    await world.clock.advance(6_000)
    expect(ran).toHaveLength(before)
    expect(ofType(world, 'execution.incompatible')).toMatchObject([{ reasons: ['test store: row 33 was altered'] }])
    const repaired = world.process({ graphs: [prices], store: pagedStore(world.store, 7) })
    expect(await resultIn(world, repaired)).toEqual(expected)
    await docket.close()
  })
})

describe('a completed batch in many small pages', () => {
  test('has its results, its details, and a retry of what failed', async () => {
    const { world, ran, prices } = await halfDone()
    await resultIn(world, world.process({ graphs: [prices] }))
    ran.length = 0
    const reader = world.process({ graphs: [prices], store: pagedStore(world.store, 4), takeOver: false })
    expect(await resultIn(world, reader)).toEqual(expected)
    const handle = await reader.get('b')
    const { batch } = await handle!.details()
    expect(batch).toMatchObject({ total: 60, written: 60, counts: { completed: 59, failed: 1 } })
    await reader.retry('b')
    expect(await resultIn(world, reader)).toEqual(expected)
    expect(ran).toEqual([])
  })
})
