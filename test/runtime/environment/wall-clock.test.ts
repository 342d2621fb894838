import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dataType, execute, executeBatch, graph, step, type } from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/index.ts'

const Out = dataType('Out', type<string>())
const hour = 3_600_000
const realNow = Date.now
let skewMs = 0

function setClock(byMs: number): void {
  skewMs += byMs
}

beforeEach(() => {
  skewMs = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  Date.now = () => realNow() + skewMs
})
afterEach(() => {
  Date.now = realNow
  vi.useRealTimers()
})

const pending = (): Promise<string> => new Promise(() => {})

describe.each([
  ['forward', hour],
  ['back', -hour],
])('when the clock is set %s by an hour', (_, byMs) => {
  test('a timeout of a step lasts as long as it says', async () => {
    const slow = step({ name: 'S', output: Out, timeout: '10m', fallback: 'timed out', run: pending })
    const found = execute(graph({ name: 'timeout', steps: [slow] }), Out, {})
    let isOver = false
    void found.then(() => (isOver = true))
    setClock(byMs)
    await vi.advanceTimersByTimeAsync(599_000)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(isOver).toBe(true)
  })

  test('a timeout of an execution and of a batch lasts as long as it says, and steps still begin meanwhile', async () => {
    const Mid = dataType('Mid', type<string>())
    const first = step({
      name: 'First',
      output: Mid,
      run: () => new Promise<string>((resolve) => void setTimeout(() => resolve('a'), 1_000)),
    })
    const second = step({ name: 'Second', inputs: { mid: Mid }, output: Out, run: ({ mid }) => `${mid}b` })
    const g = graph({ name: 'execution-timeout', steps: [first, second] })
    const found = [execute(g, Out, {}, { timeout: '5m' }), executeBatch(g, Out, [{}], { timeout: '5m' })]
    setClock(byMs)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await Promise.all(found)).toEqual(['ab', ['ab']])
  })

  test('a timeout of an execution ends it in time', async () => {
    const g = graph({ name: 'ends', steps: [step({ name: 'S', output: Out, run: pending })] })
    const found = execute(g, Out, {}, { timeout: '5m' }).catch((error: Error & { code: string }) => error.code)
    setClock(byMs)
    await vi.advanceTimersByTimeAsync(300_000)
    expect(await found).toBe('EXECUTION_TIMEOUT')
  })

  test('a backoff lasts as long as it says', async () => {
    let attempts = 0
    const again = step({
      name: 'S',
      output: Out,
      retry: { maxAttempts: 2, backoff: '1m' },
      run: () => {
        if (++attempts === 1) throw new Error('again')
        return 'ok'
      },
    })
    const found = execute(graph({ name: 'backoff', steps: [again] }), Out, {})
    await vi.advanceTimersByTimeAsync(0)
    setClock(byMs)
    await vi.advanceTimersByTimeAsync(59_000)
    expect(attempts).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await found).toBe('ok')
  })

  test('events say how long things took, in executions and batches', async () => {
    const events: ExecutionEvent[] = []
    let attempts = 0
    const slow = step({
      name: 'S',
      output: Out,
      retry: { maxAttempts: 2, backoff: '1s' },
      run: () =>
        new Promise<string>((resolve, reject) => {
          const isFirst = ++attempts % 2 === 1
          setTimeout(() => (isFirst ? reject(new Error('again')) : resolve('ok')), 10_000)
        }),
    })
    const g = graph({ name: 'durations', steps: [slow], observers: [(event) => void events.push(event)] })
    for (const run of [() => execute(g, Out, {}), () => executeBatch(g, Out, [{}])]) {
      events.length = 0
      const found = run()
      await vi.advanceTimersByTimeAsync(5_000)
      setClock(byMs)
      await vi.advanceTimersByTimeAsync(10_000)
      setClock(-byMs)
      await vi.advanceTimersByTimeAsync(10_000)
      await found
      const took = events.flatMap((event) => ('durationMs' in event ? [[event.type, event.durationMs]] : []))
      expect(took).toEqual([
        ['attempt.failed', 10_000],
        ['step.ended', 21_000],
        ['execution.ended', 21_000],
      ])
    }
  })

  test('a result in memory is kept as long as it says', async () => {
    let made = 0
    const kept = step({ name: 'S', output: Out, persist: { scope: 'global', ttl: '30m' }, run: () => `${++made}` })
    const g = graph({ name: `ttl${byMs}`, steps: [kept] })
    await execute(g, Out, {})
    setClock(byMs)
    await vi.advanceTimersByTimeAsync(29 * 60_000)
    expect(await execute(g, Out, {})).toBe('1')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await execute(g, Out, {})).toBe('2')
  })
})

test('a deadline follows the clock forward', async () => {
  const g = graph({ name: 'forward', steps: [step({ name: 'S', output: Out, run: pending })] })
  const found = execute(g, Out, {}, { deadline: Date.now() + hour }).catch(
    (error: Error & { code: string }) => error.code,
  )
  await vi.advanceTimersByTimeAsync(10_000)
  setClock(2 * hour)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await found).toBe('EXECUTION_TIMEOUT')
})

test('a deadline follows the clock back', async () => {
  const g = graph({ name: 'back', steps: [step({ name: 'S', output: Out, run: pending })] })
  let isOver = false
  void execute(g, Out, {}, { deadline: Date.now() + hour }).catch(() => (isOver = true))
  setClock(-hour)
  await vi.advanceTimersByTimeAsync(hour + 60_000)
  expect(isOver).toBe(false)
  setClock(2 * hour)
  await vi.advanceTimersByTimeAsync(hour)
  expect(isOver).toBe(true)
})

test("a timeout holds on Node's own timers when the clock is set back", async () => {
  vi.useRealTimers()
  Date.now = () => realNow() + skewMs
  const slow = step({ name: 'S', output: Out, timeout: 60, fallback: 'timed out', run: pending })
  const found = execute(graph({ name: 'real', steps: [slow] }), Out, {})
  setClock(-hour)
  expect(await Promise.race([found, delay(5_000, 'still waiting')])).toBe('timed out')
})
