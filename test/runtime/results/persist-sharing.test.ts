import { describe, expect, test } from 'vitest'
import { AbortExecutionError, ExecutionCancelledError, optional, step, StepTimeoutError } from '../../../src/index.ts'
import type { StepContext } from '../../../src/core/language/step.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  number,
  recorder,
  rejectionOf,
  run,
  runBatch,
  stepErrorOf,
} from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Made = number('Made')
const Target = number('Target')

interface Call {
  readonly context: StepContext
  readonly resolve: (value: number) => void
  readonly reject: (error: unknown) => void
}

/** A graph with one global step that answers when the test says so, and a plain step after it. */
function sharing(more: object = {}) {
  const calls: Call[] = []
  const made = step({
    name: 'made',
    inputs: { leaf: Leaf },
    output: Made,
    persist: 'global',
    run: (_, context) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      calls.push({ context, resolve, reject })
      return promise
    },
    ...more,
  })
  const after = step({ name: 'after', inputs: { made: Made }, output: Target, run: ({ made }) => made })
  const graph = graphOf([made, after])
  return { calls, graph, go: (options: object = {}, leaf = 1) => run(graph, Target, { Leaf: leaf }, options) }
}

describe('equal calls at the same time', () => {
  test('of 50 executions run the step once, and all get its value', async () => {
    const { calls, go } = sharing()
    const values = Promise.all(Array.from({ length: 50 }, () => go()))
    await flush()
    expect(calls).toHaveLength(1)
    calls[0]!.resolve(7)
    expect(await values).toEqual(Array.from({ length: 50 }, () => 7))
    expect(calls).toHaveLength(1)
  })

  test('of 50 items of a batch run the step once', async () => {
    const { calls, graph } = sharing()
    const values = runBatch(
      graph,
      Target,
      Array.from({ length: 50 }, () => ({ Leaf: 1 })),
      { concurrency: 3 },
    )
    await flush()
    calls[0]!.resolve(7)
    expect(await values).toEqual(Array.from({ length: 50 }, () => 7))
    expect(calls).toHaveLength(1)
  })

  test('that emit events: a miss for the one that runs, a shared hit for the others', async () => {
    const { calls, go } = sharing()
    const [one, two] = [recorder(), recorder()]
    const values = Promise.all([go({ observers: [one.observer] }), go({ observers: [two.observer] })])
    calls[0]!.resolve(7)
    await values
    const checks = (events: typeof one.events) =>
      events
        .filter((event) => event.type.startsWith('cache.'))
        .map((event) => [event.type, 'shared' in event && event.shared])
    expect(checks(one.events)).toEqual([['cache.miss', false]])
    expect(checks(two.events)).toEqual([['cache.hit', true]])
    expect(two.events.filter((event) => event.type === 'attempt.started').map((event) => event.step)).toEqual(['after'])
  })

  test('share a failure, its cause the same, and the next call runs again', async () => {
    const { calls, go } = sharing()
    const boom = new Error('boom')
    const failing = Promise.all([stepErrorOf(go()), stepErrorOf(go()), stepErrorOf(go())])
    calls[0]!.reject(boom)
    const errors = await failing
    expect(errors.map((error) => error.cause)).toEqual([boom, boom, boom])
    expect(new Set(errors.map((error) => error.executionId)).size).toBe(3)
    expect(errors.map((error) => error.attempt)).toEqual([1, 1, 1])
    expect(calls).toHaveLength(1)
    const again = go()
    calls[1]!.resolve(8)
    expect(await again).toBe(8)
  })

  test('each take their own fallback when the shared computation failed', async () => {
    let fallbacks = 0
    const { calls, go } = sharing({ fallback: () => ++fallbacks })
    const values = Promise.all([go(), go()])
    calls[0]!.reject(new Error('boom'))
    expect((await values).toSorted()).toEqual([1, 2])
  })

  test('share an AbortExecutionError, which ends each of them', async () => {
    const { calls, graph } = sharing()
    const tolerant = graphOf(
      [
        ...graph.steps,
        step({ name: 'tolerant', inputs: { made: optional(Made) }, output: number('Tolerant'), run: () => 1 }),
      ],
      { name: graph.name },
    )
    const failing = Promise.all([1, 2].map(() => stepErrorOf(run(tolerant, number('Tolerant'), { Leaf: 1 }))))
    const abort = new AbortExecutionError()
    calls[0]!.reject(abort)
    expect((await failing).map((error) => error.cause)).toEqual([abort, abort])
  })

  test('with other inputs do not wait for each other', async () => {
    const { calls, go } = sharing()
    const values = Promise.all([go({}, 1), go({}, 2)])
    await flush()
    expect(calls).toHaveLength(2)
    calls[1]!.resolve(2)
    calls[0]!.resolve(1)
    expect(await values).toEqual([1, 2])
  })

  test('a call that comes after the commit, before the followers are settled, is a hit', async () => {
    const { calls, go } = sharing()
    const one = go()
    const two = go()
    calls[0]!.resolve(7)
    await Promise.resolve()
    await Promise.resolve()
    expect(await Promise.all([one, two, go()])).toEqual([7, 7, 7])
    expect(calls).toHaveLength(1)
  })
})

describe('when the call that runs the step is cancelled', () => {
  test('its attempt goes on for who waits: run once, signal quiet, value to all', async () => {
    const { calls, go } = sharing()
    const controller = new AbortController()
    const { events, observer } = recorder()
    const leader = rejectionOf(go({ signal: controller.signal }))
    const followers = Promise.all([go({ observers: [observer] }), go()])
    controller.abort()
    expect(await leader).toBeInstanceOf(ExecutionCancelledError)
    await flush()
    expect(calls).toHaveLength(1)
    expect(calls[0]!.context.signal.aborted).toBe(false)
    calls[0]!.resolve(7)
    expect(await followers).toEqual([7, 7])
    expect(await go()).toBe(7)
    expect(calls).toHaveLength(1)
    // The one who took over tells of the attempt that it now has.
    expect(events.map((event) => event.type)).toEqual([
      'execution.started',
      'step.started',
      'attempt.started',
      'step.ended',
      'step.started',
      'attempt.started',
      'step.ended',
      'execution.ended',
    ])
  })

  test('and all who wait are too, the signal is aborted and the next call runs anew', async () => {
    const { calls, go } = sharing()
    const controllers = [new AbortController(), new AbortController(), new AbortController()]
    const failing = controllers.map(({ signal }) => rejectionOf(go({ signal })))
    controllers[1]!.abort()
    controllers[0]!.abort()
    await flush()
    expect(calls[0]!.context.signal.aborted).toBe(false)
    const reason = new Error('last')
    controllers[2]!.abort(reason)
    expect(calls[0]!.context.signal.aborted).toBe(true)
    expect((calls[0]!.context.signal.reason as Error).cause).toBe(reason)
    for (const error of await Promise.all(failing)) expect(error).toBeInstanceOf(ExecutionCancelledError)
    const again = go()
    expect(calls).toHaveLength(2)
    calls[1]!.resolve(8)
    expect(await again).toBe(8)
  })

  test('the late value is remembered all the same, and replaces nothing', async () => {
    const { calls, go } = sharing()
    const controller = new AbortController()
    const failing = rejectionOf(go({ signal: controller.signal }))
    controller.abort()
    await failing
    calls[0]!.resolve(7)
    await flush()
    expect(await go()).toBe(7)
    expect(calls).toHaveLength(1)
  })

  test('a late value does not replace one that was made since', async () => {
    const { calls, go } = sharing()
    const controller = new AbortController()
    const failing = rejectionOf(go({ signal: controller.signal }))
    controller.abort()
    await failing
    const again = go()
    calls[1]!.resolve(8)
    expect(await again).toBe(8)
    calls[0]!.resolve(7)
    await flush()
    expect(await go()).toBe(8)
  })

  test('a late failure spoils nothing', async () => {
    const { calls, go } = sharing()
    const controller = new AbortController()
    const failing = rejectionOf(go({ signal: controller.signal }))
    controller.abort()
    await failing
    const again = go()
    calls[1]!.resolve(8)
    await again
    calls[0]!.reject(new Error('late'))
    await flush()
    expect(await go()).toBe(8)
  })

  test('in its backoff, who waits makes the next attempt when it is due', async () => {
    const clock = new VirtualClock()
    const { calls, go } = sharing({ retry: { maxAttempts: 3, backoff: 100 } })
    const controller = new AbortController()
    const leader = rejectionOf(go({ clock, signal: controller.signal }))
    const follower = go({ clock })
    calls[0]!.reject(new Error('again'))
    await flush()
    controller.abort()
    await leader
    await clock.advance(99)
    expect(calls).toHaveLength(1)
    await clock.advance(1)
    expect(calls).toHaveLength(2)
    calls[1]!.resolve(7)
    expect(await follower).toBe(7)
    expect(clock.pending).toBe(0)
  })

  test('by its own execution timeout, on a clock of its own, the timeout of the attempt still holds', async () => {
    const [one, two] = [new VirtualClock(), new VirtualClock()]
    const { calls, go } = sharing({ timeout: 100 })
    const leader = rejectionOf(go({ clock: one, timeout: 10 }))
    const follower = stepErrorOf(go({ clock: two, timeout: 1_000 }))
    expect(await one.settle(leader)).toMatchObject({ code: 'EXECUTION_TIMEOUT' })
    await one.advance(90)
    expect((await follower).cause).toBeInstanceOf(StepTimeoutError)
    expect(calls).toHaveLength(1)
    expect([one.pending, two.pending]).toEqual([0, 0])
  })

  test('and the clocks differ, the value leaves no timer on either', async () => {
    const [one, two] = [new VirtualClock(), new VirtualClock()]
    const { calls, go } = sharing({ timeout: 100 })
    const controller = new AbortController()
    const leader = rejectionOf(go({ clock: one, signal: controller.signal }))
    const follower = go({ clock: two, timeout: 1_000 })
    controller.abort()
    await leader
    calls[0]!.resolve(7)
    expect(await follower).toBe(7)
    expect([one.pending, two.pending]).toEqual([0, 0])
  })

  test('the slot of the step goes with the attempt', async () => {
    const { calls, go } = sharing({ concurrency: 1 })
    const controller = new AbortController()
    const leader = rejectionOf(go({ signal: controller.signal }))
    const follower = go()
    const other = go({}, 2)
    controller.abort()
    await leader
    await flush()
    expect(calls).toHaveLength(1)
    calls[0]!.resolve(7)
    expect(await follower).toBe(7)
    await flush()
    expect(calls).toHaveLength(2)
    calls[1]!.resolve(8)
    expect(await other).toBe(8)
  })
})

describe('when a call that waits is cancelled', () => {
  test('it goes at once and the others go on', async () => {
    const { calls, go } = sharing()
    const controller = new AbortController()
    const leader = go()
    const follower = rejectionOf(go({ signal: controller.signal }))
    controller.abort()
    expect(await follower).toBeInstanceOf(ExecutionCancelledError)
    expect(calls[0]!.context.signal.aborted).toBe(false)
    calls[0]!.resolve(7)
    expect(await leader).toBe(7)
  })

  test('by a failed sibling of its own, the others go on', async () => {
    const { calls, graph, go } = sharing()
    const boom = new Error('boom')
    const B = number('B')
    const failing = graphOf(
      [
        graph.steps[0],
        step({ name: 'fails', output: B, run: async () => (await flush(), Promise.reject(boom)) }),
        step({ name: 'both', inputs: { made: Made, b: B }, output: Target, run: () => 1 }),
      ],
      { name: graph.name },
    )
    const error = stepErrorOf(run(failing, Target, { Leaf: 1 }))
    const follower = go()
    expect((await error).cause).toBe(boom)
    calls[0]!.resolve(7)
    expect(await follower).toBe(7)
    expect(calls).toHaveLength(1)
  })
})

describe('a step that timed out', () => {
  test('shares the timeout, and its late value is remembered', async () => {
    const clock = new VirtualClock()
    const { calls, go } = sharing({ timeout: 10 })
    const failing = Promise.all([stepErrorOf(go({ clock })), stepErrorOf(go({ clock }))])
    const errors = await clock.settle(failing)
    for (const error of errors) expect(error.cause).toBeInstanceOf(StepTimeoutError)
    calls[0]!.resolve(7)
    await flush()
    expect(await go({ clock })).toBe(7)
    expect(calls).toHaveLength(1)
  })
})
