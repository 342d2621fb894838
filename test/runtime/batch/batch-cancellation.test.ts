import { expect, test } from 'vitest'
import { all, ExecutionCancelledError, optional, step } from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/core/contracts/events.ts'
import { expectNoUnhandledErrors, graphOf, never, number, recorder, rejectionOf, runBatch } from '../../loose-api.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const [Made, Failing, Total, Target] = [number('Made'), number('Failing'), number('Total'), number('Target')]
const [Skipped, SkippedToo] = [number('Skipped'), number('SkippedToo')]

/** A batch that tells every kind of event: equal items, retries, timeouts, failures that are tolerated, a barrier. */
function make() {
  const clock = new VirtualClock()
  const counted = { runs: 0 }
  const steps = [
    step({
      name: 'made',
      inputs: { leaf: Leaf },
      output: Made,
      persist: 'global',
      concurrency: 1,
      retry: { maxAttempts: 2, backoff: 10 },
      run: ({ leaf }, { attempt }) => (counted.runs++, attempt === 1 ? Promise.reject(new Error('again')) : leaf),
    }),
    step({
      name: 'failing',
      inputs: { made: Made },
      output: Failing,
      timeout: 5,
      run: () => (counted.runs++, never<number>()),
    }),
    step({ name: 'skipped', inputs: { failing: Failing }, output: Skipped, run: () => ++counted.runs }),
    step({ name: 'skipped too', inputs: { skipped: Skipped }, output: SkippedToo, run: () => ++counted.runs }),
    step({
      name: 'total',
      inputs: { made: all(Made) },
      output: Total,
      run: ({ made }) => (counted.runs++, made.length),
    }),
    step({
      name: 'target',
      inputs: { made: Made, skipped: optional(SkippedToo), total: Total },
      output: Target,
      run: ({ made, total }) => (counted.runs++, made + total),
    }),
  ]
  const graph = graphOf(steps)
  const items = [1, 1, 2, 3].map((Leaf) => ({ Leaf }))
  const go = (options: object) => runBatch(graph, Target, items, { clock, concurrency: 2, ...options })
  return { clock, counted, go }
}

test('a batch that an observer cancels at any event ends there: one end is reported, last, and nothing runs after', async () => {
  const whole = make()
  const { events, observer } = recorder()
  expect(await whole.clock.settle(whole.go({ observers: [observer] }))).toEqual([5, 5, 6, 7])
  const total = events.length
  expect(total).toBeGreaterThan(50)
  for (let at = 1; at < total; at++) {
    const { clock, counted, go } = make()
    const controller = new AbortController()
    const seen: ExecutionEvent[] = []
    const cancelling = (event: ExecutionEvent): void => {
      seen.push(event)
      if (event.seq === at) controller.abort()
    }
    const label = `cancelled at event ${at}, ${events[at - 1]!.type}`
    const failing = rejectionOf(go({ signal: controller.signal, observers: [cancelling] }))
    expect(await clock.settle(failing), label).toBeInstanceOf(ExecutionCancelledError)
    expect(clock.pending, label).toBe(0)
    const [runs, told] = [counted.runs, seen.length]
    await clock.advance(1_000)
    expect([counted.runs, seen.length], label).toEqual([runs, told])
    expect(seen.at(-1)!.type, label).toBe('execution.ended')
    expect(
      seen.filter(({ type }) => type === 'execution.ended'),
      label,
    ).toHaveLength(1)
    expect(
      seen.map(({ seq }) => seq),
      label,
    ).toEqual(seen.map((_, index) => index + 1))
    // Neither a claim nor a slot is left behind.
    expect(await clock.settle(go({})), label).toEqual([5, 5, 6, 7])
  }
})
