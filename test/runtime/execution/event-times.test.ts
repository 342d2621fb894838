import { afterEach, describe, expect, test, vi } from 'vitest'
import { dataType, execute, executeBatch, graph, step, type, untypedGraph } from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/index.ts'

const A = dataType('A', type<number>())
const B = dataType('B', type<number>())
const Both = dataType('Both', type<number>())

/** A clock that is moved by hand, and counts how often it is read. */
function handClock() {
  const clock = {
    reads: 0,
    time: 1_000,
    now: (): number => {
      clock.reads++
      return clock.time
    },
    setTimeout: (handler: () => void, ms: number): unknown => setTimeout(handler, ms),
    clearTimeout: (handle: never): void => clearTimeout(handle),
  }
  return clock
}

/** Two steps without inputs, and one that takes what both make; `run` is called in each. */
function pairOf(run: (name: string) => unknown) {
  const events: ExecutionEvent[] = []
  const note = (event: ExecutionEvent): void => void events.push(event)
  const first = step({ name: 'first', output: A, run: () => run('first') as number })
  const second = step({ name: 'second', output: B, run: () => run('second') as number })
  const both = step({ name: 'both', inputs: { a: A, b: B }, output: Both, run: () => run('both') as number })
  const pair = graph({ name: 'pair', steps: [first, second, both], observers: [note] })
  const atOf = (kind: ExecutionEvent['type'], name: string): number =>
    events.find((event) => event.type === kind && 'step' in event && event.step === name)!.at
  return { pair, events, atOf }
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('the time of an event', () => {
  test('is read again after a function of the user, however it came back', async () => {
    for (const answer of [(): unknown => 1, async (): Promise<number> => 1]) {
      const clock = handClock()
      const { pair, events, atOf } = pairOf(() => {
        clock.time += 50
        return answer()
      })
      await execute(pair, Both, {}, { clock })
      expect(atOf('step.started', 'first')).toBe(1_000)
      expect(atOf('step.started', 'second')).toBe(1_050)
      expect(atOf('step.started', 'both')).toBe(1_100)
      expect(atOf('step.ended', 'both')).toBe(1_150)
      expect(events.at(-1)!.at).toBe(1_150)
    }
  })

  test('is read again in a later turn', async () => {
    const clock = handClock()
    const { pair, atOf } = pairOf(async (name) => {
      await Promise.resolve()
      if (name !== 'second') return 1
      await new Promise(setImmediate)
      clock.time += 70
      return 1
    })
    await execute(pair, Both, {}, { clock })
    expect(atOf('step.ended', 'first')).toBe(1_000)
    expect(atOf('step.ended', 'second')).toBe(1_070)
    expect(atOf('step.started', 'both')).toBe(1_070)
  })

  test('is read again after a schema, and after the iterable that gives the items of a batch', async () => {
    const clock = handClock()
    const slowly = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => {
          clock.time += 30
          return { value: value as number }
        },
      },
    }
    const Given = dataType('Given', slowly)
    const events: ExecutionEvent[] = []
    const copy = step({ name: 'copy', inputs: { given: Given }, output: A, run: () => 1 })
    const copies = graph({ name: 'copies', steps: [copy], observers: [(event) => void events.push(event)] })
    await execute(copies, A, { Given: 1 }, { clock })
    expect(events.map(({ at }) => at)).toEqual([1_000, 1_030, 1_030, 1_030, 1_030])
    events.length = 0
    await executeBatch(copies, A, [{ Given: 1 }, { Given: 2 }], { clock, concurrency: 1 })
    const started = events.filter((event) => event.type === 'step.started')
    expect(started.map(({ at }) => at)).toEqual([1_090, 1_090])
  })

  test('is that of the event before, where nothing of the user’s came between: the clock is read once for all', async () => {
    const clock = handClock()
    const { pair, events } = pairOf(async () => 1)
    await execute(pair, Both, {}, { clock })
    expect(events).toHaveLength(11)
    const timesOfDay = [
      'it starts',
      'first starts',
      'second starts',
      'first ends',
      'second ends, both starts',
      'both ends, it ends',
    ]
    // This clock has no other time for durations: the beginnings of the whole, of each step and of its attempt, and the ends.
    expect(clock.reads).toBe(timesOfDay.length + 2 + 3 * 3)
  })
})

test('a performance.now that a test puts in its place between two executions is what the second is measured by', async () => {
  let now = 1_000
  const durations: number[] = []
  const { pair, events } = pairOf(async () => void (now += 700))
  await execute(pair, Both, {})
  events.length = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  await execute(pair, Both, {})
  for (const event of events)
    if (event.type === 'step.ended' || event.type === 'execution.ended') durations.push(event.durationMs)
  expect(durations).toEqual([1_400, 700, 700, 2_100])
})

test('a Date that a test puts in the place of the host’s while an execution is under way makes no duration shorter', async () => {
  const { pair, events } = pairOf(async (name) => {
    if (name === 'second') vi.useFakeTimers({ toFake: ['Date'] })
    await new Promise((resolve) => setTimeout(resolve, 30))
    return 1
  })
  await execute(pair, Both, {})
  const ended = events.filter((event) => event.type === 'step.ended')
  for (const { durationMs } of ended) expect(durationMs).toBeGreaterThanOrEqual(28)
})

test('ids of executions are random UUIDs, each a different one', async () => {
  const { pair, events } = pairOf(async () => 1)
  await Promise.all(Array.from({ length: 400 }, () => execute(pair, Both, {})))
  const ids = new Set(events.map(({ executionId }) => executionId))
  expect(ids.size).toBe(400)
  for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
})

/** How often the clock is read by a chain of thirty steps. */
async function readsOfChain(observed: object): Promise<number> {
  const types = Array.from({ length: 30 }, (_, index) => dataType(`T${index}`, type<number>()))
  const chain = types.map((output, index) =>
    step({
      name: `s${index}`,
      inputs: index === 0 ? {} : { before: types[index - 1]! },
      output,
      run: async () => index,
    }),
  )
  const clock = handClock()
  const observers = [{ next: () => {}, observe: () => observed }]
  await execute(untypedGraph({ name: 'chain', steps: chain }), types.at(-1)!, {}, { clock, observers })
  return clock.reads
}

test('of a life whose events nobody gets, no time is read of its steps', async () => {
  expect(await readsOfChain({ next: () => {} })).toBeGreaterThan(30)
  expect(await readsOfChain({ within: (_: unknown, begin: () => void): void => begin() })).toBeLessThan(10)
})
