import { afterEach, expect, test, vi } from 'vitest'
import { dataType, execute, graph, step, type } from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/index.ts'

const Out = dataType('Out', type<number>())

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What the events of one step say that it took. */
async function durationsOf(run: () => Promise<unknown>, between = (): void => {}): Promise<number[]> {
  const durations: number[] = []
  const note = (event: ExecutionEvent): void => {
    if (event.type === 'step.ended' || event.type === 'execution.ended') durations.push(event.durationMs)
  }
  const waits = step({ name: 'waits', output: Out, run: async () => (await run(), 1) })
  const executing = execute(graph({ name: 'durations', steps: [waits], observers: [note] }), Out, {})
  await Promise.resolve()
  between()
  await executing
  return durations
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('where performance and timers are faked and Date is not, events show the time that was faked', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  expect(
    await durationsOf(
      () => sleep(5_000),
      () => vi.advanceTimersByTime(5_000),
    ),
  ).toEqual([5_000, 5_000])
})

test('a performance.now of the test is what events are measured by', async () => {
  let now = 1_000
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  expect(await durationsOf(async () => void (now += 700))).toEqual([700, 700])
})

test('a Date that is faked and stands still makes no duration shorter', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  for (const took of await durationsOf(() => sleep(30))) expect(took).toBeGreaterThanOrEqual(28)
})

test('a Date.now of the test that stands still makes no duration shorter', async () => {
  vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000)
  for (const took of await durationsOf(() => sleep(30))) expect(took).toBeGreaterThanOrEqual(28)
})
