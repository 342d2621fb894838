import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoreError } from '../../../src/index.ts'
import { fullClockOf } from '../../../src/runtime/environment/clock.ts'
import { CallBatcher } from '../../../src/runtime/store-access/call-batcher.ts'
import { SlowCalls } from '../../../src/runtime/store-access/slow-calls.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

interface Item {
  readonly key: string
  readonly n: number
  readonly bytes?: number
}

const large = 2 ** 18

function batching(clock: VirtualClock, connections?: number) {
  return {
    clock: fullClockOf(clock),
    slowCalls: new SlowCalls(connections),
    keyOf: ({ key }: Item) => key,
    sizeOf: ({ bytes = 0 }: Item) => bytes,
    lockedError: ({ key }: Item) => new StoreError('test', `${key} is locked`, true, { isLocked: true }),
  }
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
  /** In quarters of what is large. */
  sizes: fc.array(fc.nat(5), { minLength: 60, maxLength: 60 }),
  connections: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
})

test('calls of one key arrive in their order and never two at a time, whatever is locked, fails or is refused, and each is settled', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ items, gaps, locked, waits, failing, refused, sizes, connections }) => {
      const clock = new VirtualClock()
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
      const batcher = new CallBatcher<Item, boolean>(send, batching(clock, connections))
      const outcomes: Promise<unknown>[] = []
      for (const [n, key] of items.entries()) {
        outcomes.push(
          batcher
            .add({ key: String(key), n, bytes: (sizes[n]! * large) / 4 }, Number.POSITIVE_INFINITY)
            .catch((error: unknown) => error),
        )
        if (gaps[n]! > 30) await clock.advance(gaps[n]! - 30)
      }
      const settled = await clock.settle(Promise.all(outcomes))
      expect(settled.map((one) => one === true)).toEqual(items.map((_, n) => n !== refused))
      expect(mostAtOnce).toBe(1)
      for (const key of new Set(items))
        expect(arrived.filter((one) => one.key === String(key)).map(({ n }) => n)).toEqual(
          items.flatMap((one, n) => (one === key && n !== refused ? [n] : [])),
        )
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
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock))
  const all = Array.from({ length: 200 }, (_, n) => batcher.add({ key: String(n), n }, clock.elapsed() + 30_000))
  const outcomes = await clock.settle(Promise.allSettled(all))
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
})

/** A store that takes its time: a millisecond, and for what is large a second. Those in `failing` fail after 200 ms. */
function slowStore(clock: VirtualClock, failing: ReadonlySet<string> = new Set()) {
  const state = { inFlight: 0, most: 0, calls: [] as (readonly Item[])[] }
  const send = async (calls: readonly Item[]): Promise<readonly boolean[]> => {
    state.calls.push(calls)
    state.most = Math.max(state.most, ++state.inFlight)
    const isLarge = calls.some(({ bytes = 0 }) => bytes >= large)
    const isSick = calls.some(({ key }) => failing.has(key))
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, isSick ? 200 : isLarge ? 1_000 : 1))
    state.inFlight--
    if (isSick) throw new StoreError('test', 'canceling statement due to statement timeout', true)
    return calls.map(() => true)
  }
  return { state, send }
}

test('small ones arrive while large ones are on their way, each of them in a call of its own', async () => {
  const clock = new VirtualClock(0)
  const { state, send } = slowStore(clock)
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock, 10))
  const slow = Array.from({ length: 6 }, (_, n) => batcher.add({ key: `large ${n}`, n, bytes: large }, Infinity))
  for (let turn = 0; turn < 20; turn++) {
    const small = Array.from({ length: 50 }, (_, n) => batcher.add({ key: String(n), n, bytes: 100 }, Infinity))
    await clock.advance(5)
    await Promise.all(small)
  }
  expect(clock.elapsed()).toBe(100)
  await clock.settle(Promise.all(slow))
  expect(clock.elapsed()).toBe(3_000)
  const withLarge = state.calls.filter((items) => items.some(({ bytes }) => bytes === large))
  expect(withLarge.map((items) => items.length)).toEqual([1, 1, 1, 1, 1, 1])
})

test('many small ones of one key are as large as a large one', async () => {
  const clock = new VirtualClock(0)
  const { state, send } = slowStore(clock)
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock, 10))
  const batch = Array.from({ length: 100 }, (_, n) => batcher.add({ key: 'batch', n, bytes: large / 50 }, Infinity))
  const other = batcher.add({ key: 'other', n: 0 }, Infinity)
  await clock.settle(Promise.all([...batch, other]))
  expect(state.calls.map((items) => items.length)).toEqual([100, 1])
})

test('what is large waits for what came before it under its key, and what comes after it waits for it', async () => {
  const clock = new VirtualClock(0)
  const { state, send } = slowStore(clock)
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock))
  const first = batcher.add({ key: 'one', n: 0 }, Infinity)
  await clock.advance(0)
  const rest = [large, 0, large, 0].map((bytes, n) => batcher.add({ key: 'one', n: n + 1, bytes }, Infinity))
  await clock.settle(Promise.all([first, ...rest]))
  expect(state.calls.flat().map(({ n }) => n)).toEqual([0, 1, 2, 3, 4])
  expect(state.most).toBe(1)
})

test('however many are slow, of all kinds of calls, they leave half of the connections to the others', async () => {
  const clock = new VirtualClock(0)
  const { state, send } = slowStore(clock)
  const options = batching(clock, 6)
  const batchers = [1, 2, 3].map(() => new CallBatcher<Item, boolean>(send, options))
  const all = Array.from({ length: 30 }, (_, n) => batchers[n % 3]!.add({ key: String(n), n, bytes: large }, Infinity))
  await clock.settle(Promise.all(all))
  expect(state.most).toBeLessThanOrEqual(3)
})

test('one that the server stops each time delays the others once, and fails alone when its time is over', async () => {
  const clock = new VirtualClock(0)
  const { send } = slowStore(clock, new Set(['sick']))
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock))
  const sick = batcher.add({ key: 'sick', n: 0 }, 30_000).catch((error: unknown) => error)
  const others = Array.from({ length: 50 }, (_, n) => batcher.add({ key: String(n), n }, 30_000))
  await clock.settle(Promise.all(others))
  expect(clock.elapsed()).toBeLessThan(2_000)
  await clock.advance(1_000)
  const later = clock.elapsed()
  for (let turn = 0; turn < 100; turn++) await clock.settle(batcher.add({ key: String(turn), n: turn }, Infinity))
  expect(clock.elapsed() - later).toBeLessThan(300)
  expect(await clock.settle(sick)).toMatchObject({ message: expect.stringContaining('statement timeout') })
  expect(clock.elapsed()).toBeLessThan(31_000)
})

/** More than a function can be called with arguments. */
const veryMany = 150_000

test('however many wait for what is large under their key, each goes out once, in its order', async () => {
  const clock = new VirtualClock(0)
  const { state, send } = slowStore(clock)
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock, 10))
  const all = Array.from({ length: veryMany }, (_, n) => batcher.add({ key: 'one', n, bytes: 300 }, Infinity))
  await clock.settle(Promise.all(all))
  expect(state.calls.flat().every(({ n }, index) => n === index)).toBe(true)
  expect(state.calls.flat()).toHaveLength(veryMany)
  expect(state.most).toBe(1)
})

test('however many small ones wait for one that is locked, each goes out once, in its order', async () => {
  const clock = new VirtualClock(0)
  const arrived: number[] = []
  let isLocked = true
  const send = async (calls: readonly Item[]): Promise<readonly (boolean | 'locked')[]> => {
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, 1))
    if (!isLocked) for (const { n } of calls) arrived.push(n)
    return calls.map(() => (isLocked ? 'locked' : true))
  }
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock))
  const first = batcher.add({ key: 'one', n: 0 }, Infinity)
  await clock.advance(5)
  const rest = Array.from({ length: veryMany }, (_, n) => batcher.add({ key: 'one', n: n + 1 }, Infinity))
  isLocked = false
  await clock.settle(Promise.all([first, ...rest]))
  expect(arrived.every((n, index) => n === index)).toBe(true)
  expect(arrived).toHaveLength(veryMany + 1)
})

test('what is locked for a moment is written within milliseconds, and what stays locked is tried ever more seldom', async () => {
  const clock = new VirtualClock(0)
  let [calls, lockedFor] = [0, 1]
  const send = async (sent: readonly Item[]): Promise<readonly (boolean | 'locked')[]> => {
    const isLocked = calls++ < lockedFor
    return sent.map(() => (isLocked ? 'locked' : true))
  }
  const batcher = new CallBatcher<Item, boolean>(send, batching(clock))
  await clock.settle(batcher.add({ key: 'one', n: 0 }, Infinity))
  expect(clock.now()).toBeLessThanOrEqual(2)
  calls = 0
  lockedFor = Infinity
  const failed = batcher.add({ key: 'one', n: 1 }, clock.now() + 30_000)
  await expect(clock.settle(failed)).rejects.toThrow('one is locked')
  expect(calls).toBeLessThan(40)
})

test('what waits is looked at when its call comes, not again with every call before it', async () => {
  const clock = new VirtualClock(0)
  const { state, send } = slowStore(clock)
  let looks = 0
  const keyOf = ({ key }: Item): string => (looks++, key)
  for (const keys of [1, 10, 50_000]) {
    looks = 0
    state.calls.length = 0
    const batcher = new CallBatcher<Item, boolean>(send, { ...batching(clock, 10), keyOf })
    const all = Array.from({ length: 50_000 }, (_, n) =>
      batcher.add({ key: String(n % keys), n, bytes: 300 }, Infinity),
    )
    await clock.settle(Promise.all(all))
    expect(state.calls.flat()).toHaveLength(50_000)
    expect(looks).toBeLessThan(5 * 50_000)
  }
})
