import { mock } from 'node:test'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { dataType, execute, executeBatch, graph, step, type } from '../../../src/index.ts'

const Out = dataType('Out', type<string>())
/** All that vitest can fake in a process of its own. */
const allOfVitests = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'Date',
  'performance',
  'hrtime',
  'queueMicrotask',
] as const
type Fakeable = (typeof allOfVitests)[number]
interface Fake {
  begin(): void
  tick(ms: number): void
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve()
}

const vitest = (toFake?: Fakeable[]): Fake => ({
  begin: () => vi.useFakeTimers(toFake === undefined ? {} : { toFake }),
  tick: (ms) => void vi.advanceTimersByTime(ms),
})
const nodes = (apis: ('setTimeout' | 'Date' | 'setImmediate')[]): Fake => ({
  begin: () => mock.timers.enable({ apis }),
  tick: (ms) => mock.timers.tick(ms),
})

/** Everything but `Date` alone moves waits; everything with `Date` moves what is kept. */
const fakes: readonly (readonly [string, Fake])[] = [
  ["vitest's, as they are by default", vitest()],
  ["vitest's setTimeout and Date", vitest(['setTimeout', 'clearTimeout', 'Date'])],
  ["vitest's setTimeout", vitest(['setTimeout', 'clearTimeout'])],
  ["vitest's setTimeout and performance", vitest(['setTimeout', 'clearTimeout', 'performance'])],
  ["node:test's setTimeout and Date", nodes(['setTimeout', 'Date'])],
  ["node:test's setTimeout", nodes(['setTimeout'])],
]

afterEach(() => {
  vi.useRealTimers()
  mock.timers.reset()
})

let graphs = 0
function retrying(attemptsNeeded: number, backoff: string): { attempts: () => number; run: () => Promise<string> } {
  let attempts = 0
  const again = step({
    name: 'S',
    output: Out,
    retry: { maxAttempts: attemptsNeeded, backoff },
    run: () => {
      if (++attempts < attemptsNeeded) throw new Error('again')
      return 'ok'
    },
  })
  const g = graph({ name: `fake${++graphs}`, steps: [again] })
  return { attempts: () => attempts, run: () => execute(g, Out, {}) }
}

function stuck(timeout: string): Promise<string> {
  const slow = step({
    name: 'S',
    output: Out,
    timeout,
    fallback: 'timed out',
    run: () => new Promise<string>(() => {}),
  })
  return execute(graph({ name: `fake${++graphs}`, steps: [slow] }), Out, {})
}

describe.each(fakes)('with %s', (_, fake) => {
  test('a backoff and a timeout come with the ticks, at the tick that they are due', async () => {
    fake.begin()
    const { attempts, run } = retrying(3, '1s')
    const found = run()
    const outcomes: string[] = []
    void stuck('2500ms').then((outcome) => outcomes.push(outcome))
    const seen: (readonly [number, number])[] = []
    for (let tick = 0; tick < 6; tick++) {
      await settle()
      seen.push([attempts(), outcomes.length])
      fake.tick(500)
    }
    await settle()
    expect(seen).toEqual([
      [1, 0],
      [1, 0],
      [2, 0],
      [2, 0],
      [3, 0],
      [3, 1],
    ])
    expect(await found).toBe('ok')
  })

  test('what is left when they are taken away disturbs nothing in the next test', async () => {
    fake.begin()
    void stuck('1h')
    void stuck('1ms')
    await settle()
    vi.useRealTimers()
    mock.timers.reset()
    expect(await stuck('5ms')).toBe('timed out')
    expect(await retrying(2, '2ms').run()).toBe('ok')
    fake.begin()
    const found = stuck('10s')
    await settle()
    fake.tick(10_000)
    expect(await found).toBe('timed out')
  })

  test('a rate lets the next one begin with the ticks, at the tick that it is due, and what a test has left of it disturbs nothing', async () => {
    const begun: string[] = []
    const Id = dataType('Id', type<string>())
    const rated = step({
      name: 'S',
      inputs: { id: Id },
      output: Out,
      rate: { limit: 1, per: '1h' },
      run: ({ id }) => {
        begun.push(id)
        return id
      },
    })
    const g = graph({ name: `fake${++graphs}`, steps: [rated] })
    let former: unknown
    for (const round of ['a', 'b']) {
      fake.begin()
      // node:test puts the same function there each time: it is not seen that what it was to call has been taken away.
      if (former === globalThis.setTimeout) return
      former = globalThis.setTimeout
      for (const id of ['1', '2', '3', 'left'])
        void execute(g, Out, { Id: round + id }, { timeout: '9h' }).catch(() => {})
      const seen: number[] = []
      for (let tick = 0; tick < 5; tick++) {
        await settle()
        seen.push(begun.filter((id) => id.startsWith(round)).length)
        fake.tick(30 * 60_000)
      }
      expect(seen).toEqual([1, 1, 2, 2, 3])
      vi.useRealTimers()
      mock.timers.reset()
    }
  })

  test('a deadline comes with the ticks where they move Date', async () => {
    fake.begin()
    const before = Date.now()
    fake.tick(1_000)
    // Where nothing moves the time of day, no deadline comes.
    const comes = Date.now() >= before + 1_000
    const g = graph({
      name: `fake${++graphs}`,
      steps: [step({ name: 'S', output: Out, run: () => new Promise<string>(() => {}) })],
    })
    let outcome = 'pending'
    void execute(g, Out, {}, { deadline: Date.now() + 20 * 60_000 }).catch(
      (error: Error & { code: string }) => (outcome = error.code),
    )
    for (let minute = 0; minute < 19; minute++) {
      await settle()
      for (let second = 0; second < 60; second++) fake.tick(1_000)
    }
    await settle()
    expect(outcome).toBe('pending')
    for (let second = 0; second < 62; second++) fake.tick(1_000)
    await settle()
    expect(outcome).toBe(comes ? 'EXECUTION_TIMEOUT' : 'pending')
  })

  test('an execution with a deadline a year away leaves no timer that runs for ever', async () => {
    fake.begin()
    const g = graph({ name: `fake${++graphs}`, steps: [step({ name: 'S', output: Out, run: () => 'ok' })] })
    expect(await execute(g, Out, {}, { deadline: Date.now() + 365 * 86_400_000 })).toBe('ok')
    fake.tick(2 * 365 * 86_400_000)
  })
})

test.each([
  ["vitest's", vitest(['Date'])],
  ["node:test's", nodes(['Date'])],
] as const)('with %s Date alone, waits are real and what is kept expires with it', async (_, fake) => {
  fake.begin()
  expect(await retrying(2, '2ms').run()).toBe('ok')
  let made = 0
  const kept = step({ name: 'S', output: Out, persist: { scope: 'global', ttl: '1h' }, run: () => `${++made}` })
  const g = graph({ name: `fake${++graphs}`, steps: [kept] })
  await execute(g, Out, {})
  expect(await execute(g, Out, {})).toBe('1')
  fake.tick(2 * 3_600_000)
  expect(await execute(g, Out, {})).toBe('2')
})

const everything = vitest([...allOfVitests])

test.each([...fakes, ['vitest’s, of all that can be faked', everything] as const])(
  'a wait that began before %s were there ends while they are',
  async (_, fake) => {
    let outcome = 'pending'
    const isOver = new Promise<void>((resolve) => {
      void stuck('20ms').then((found) => {
        outcome = found
        resolve()
      })
    })
    fake.begin()
    await isOver
    expect(outcome).toBe('timed out')
  },
)

test.each([
  ['setImmediate', ['setImmediate', 'clearImmediate']],
  ['queueMicrotask', ['queueMicrotask']],
  ['performance', ['performance']],
  ['hrtime', ['hrtime']],
] as const)('with %s faked alone, executions and batches run, and waits are real', async (_, toFake) => {
  vi.useFakeTimers({ toFake: [...toFake] })
  const turning = setInterval(() => vi.advanceTimersByTime(1), 1)
  try {
    expect(await retrying(2, '5ms').run()).toBe('ok')
    expect(await stuck('5ms')).toBe('timed out')
    const g = graph({ name: `fake${++graphs}`, steps: [step({ name: 'S', output: Out, run: () => 'ok' })] })
    expect(await executeBatch(g, Out, [{}, {}])).toEqual(['ok', 'ok'])
  } finally {
    clearInterval(turning)
  }
})

test('with everything faked that vitest can fake here, backoffs, timeouts and batches come with the ticks', async () => {
  everything.begin()
  const { attempts, run } = retrying(3, '1h')
  const outcomes: unknown[] = []
  void run().then((outcome) => outcomes.push(outcome))
  void stuck('90m').then((outcome) => outcomes.push(outcome))
  const g = graph({ name: `fake${++graphs}`, steps: [step({ name: 'S', output: Out, run: () => 'ok' })] })
  void executeBatch(g, Out, [{}, {}]).then((outcome) => outcomes.push(outcome))
  await vi.advanceTimersByTimeAsync(1)
  expect(outcomes).toEqual([['ok', 'ok']])
  await vi.advanceTimersByTimeAsync(59 * 60_000)
  expect(attempts()).toBe(1)
  await vi.advanceTimersByTimeAsync(61 * 60_000)
  expect(outcomes).toEqual([['ok', 'ok'], 'timed out', 'ok'])
})

test('with setTimeout, setImmediate and Date of node:test, each wait of a large batch comes once', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'Date'] })
  const Row = dataType('Row', type<number>())
  let calls = 0
  const again = step({
    name: 'S',
    inputs: { row: Row },
    output: Out,
    timeout: '30s',
    retry: { maxAttempts: 4, backoff: '1h' },
    run: async (_, { attempt }) => {
      calls++
      if (attempt < 2) throw new Error('again')
      return 'ok'
    },
  })
  const found = executeBatch(
    graph({ name: `fake${++graphs}`, steps: [again] }),
    Out,
    Array.from({ length: 200 }, (_, Row) => ({ Row })),
  )
  for (let ticks = 0; ticks < 4; ticks++) {
    await settle()
    mock.timers.tick(1_800_000)
  }
  expect(await found).toHaveLength(200)
  expect(calls).toBe(400)
})

test('waits that are longer than a timer of Node can be last as long as they say', async () => {
  vi.useFakeTimers()
  const outcomes: string[] = []
  void stuck('100d').then((outcome) => outcomes.push(outcome))
  await vi.advanceTimersByTimeAsync(99 * 86_400_000)
  expect(outcomes).toEqual([])
  await vi.advanceTimersByTimeAsync(86_400_000)
  expect(outcomes).toEqual(['timed out'])
})
