import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoreError } from '../../../src/index.ts'
import { fullClockOf } from '../../../src/runtime/environment/clock.ts'
import { CallBatcher } from '../../../src/runtime/store-access/call-batcher.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

interface Item {
  readonly key: string
  readonly n: number
}

/** How often each key is locked, fails for a passing reason, or times out waiting for a lock; and whether one is refused. */
const worlds = fc.record({
  items: fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }),
  /** In which turn each comes. */
  gaps: fc.array(fc.nat(40), { minLength: 60, maxLength: 60 }),
  locked: fc.array(fc.nat(4), { minLength: 6, maxLength: 6 }),
  waits: fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
  failing: fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
  refused: fc.option(fc.nat(59), { nil: undefined }),
})

test('calls of one key arrive in their order and never two at a time, whatever is locked, fails or is refused, and each is settled', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ items, gaps, locked, waits, failing, refused }) => {
      const clock = new VirtualClock()
      const host = fullClockOf(clock)
      const left = { locked: [...locked], waits: [...waits], failing: [...failing] }
      const inFlight = new Map<string, number>()
      const arrived: Item[] = []
      let mostAtOnce = 0
      const take = (counts: number[], calls: readonly Item[]): boolean => {
        const sick = calls.find(({ key }) => counts[Number(key)]! > 0)
        if (sick !== undefined) counts[Number(sick.key)]!--
        return sick !== undefined
      }
      const send = async (calls: readonly Item[]): Promise<readonly (boolean | 'locked')[]> => {
        const keys = new Set(calls.map(({ key }) => key))
        for (const key of keys) inFlight.set(key, (inFlight.get(key) ?? 0) + 1)
        mostAtOnce = Math.max(mostAtOnce, ...inFlight.values())
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 5))
        for (const key of keys) inFlight.set(key, inFlight.get(key)! - 1)
        if (calls.some(({ n }) => n === refused)) throw new StoreError('test', 'it is refused', false)
        if (take(left.waits, calls)) throw new StoreError('test', 'no lock in time', true, { isLocked: true })
        if (take(left.failing, calls)) throw new StoreError('test', 'the connection was lost', true)
        const isLocked = new Set([...keys].filter((key) => left.locked[Number(key)]! > 0))
        for (const key of isLocked) left.locked[Number(key)]!--
        for (const call of calls) if (!isLocked.has(call.key)) arrived.push(call)
        return calls.map(({ key }) => (isLocked.has(key) ? 'locked' : true))
      }
      const batcher = new CallBatcher<Item, boolean>(send, { clock: host, keyOf: ({ key }) => key })
      const outcomes: Promise<unknown>[] = []
      for (const [n, key] of items.entries()) {
        outcomes.push(batcher.add({ key: String(key), n }, Number.POSITIVE_INFINITY).catch((error: unknown) => error))
        if (gaps[n]! > 30) await clock.advance(gaps[n]! - 30)
      }
      const settled = await clock.settle(Promise.all(outcomes))
      expect(settled.map((one) => one === true)).toEqual(items.map((_, n) => n !== refused))
      expect(mostAtOnce).toBe(1)
      for (const key of new Set(items))
        expect(arrived.filter((one) => one.key === String(key)).map(({ n }) => n)).toEqual(
          items.flatMap((one, n) => (one === key && n !== refused ? [n] : [])),
        )
      expect(batcher.isIdle).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('one that always fails for a passing reason fails alone, when its time is over', async () => {
  const clock = new VirtualClock()
  const send = async (calls: readonly Item[]): Promise<readonly boolean[]> => {
    if (calls.some(({ key }) => key === '7')) throw new StoreError('test', 'a trigger raised an error', true)
    return calls.map(() => true)
  }
  const batcher = new CallBatcher<Item, boolean>(send, { clock: fullClockOf(clock), keyOf: ({ key }) => key })
  const all = Array.from({ length: 200 }, (_, n) => batcher.add({ key: String(n), n }, clock.elapsed() + 30_000))
  const outcomes = await clock.settle(Promise.allSettled(all))
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
})
