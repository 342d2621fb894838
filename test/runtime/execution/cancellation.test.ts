import { describe, expect, test } from 'vitest'
import { ExecutionCancelledError, optional, step } from '../../../src/index.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  never,
  number,
  recorder,
  rejectionOf,
  run,
  runBatch,
  uniqueName,
} from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const A = number('A')
const Target = number('Target')

describe('cancelling with a signal', () => {
  test('rejects at once with the reason as the cause, though a step ignores its signal', async () => {
    const controller = new AbortController()
    const graph = graphOf([step({ name: 'deaf', output: Target, run: () => never<number>() })])
    const failing = rejectionOf(run(graph, Target, {}, { signal: controller.signal, id: 'e1' }))
    const reason = new Error('changed my mind')
    controller.abort(reason)
    const error = await failing
    expect(error).toBeInstanceOf(ExecutionCancelledError)
    expect(error).toMatchObject({ code: 'EXECUTION_CANCELLED', executionId: 'e1', graph: graph.name })
    expect((error as Error).cause).toBe(reason)
    expect((error as Error).message).toContain('changed my mind')
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'enough'],
    ['an object', Object.freeze({})],
  ])('takes %s as the reason', async (_, reason) => {
    const controller = new AbortController()
    const graph = graphOf([step({ name: 'deaf', output: Target, run: () => never<number>() })])
    const failing = rejectionOf(run(graph, Target, {}, { signal: controller.signal }))
    controller.abort(reason)
    expect(((await failing) as Error).cause).toBe(controller.signal.reason)
  })

  test('an already aborted signal starts nothing', async () => {
    let runs = 0
    const { events, observer } = recorder()
    const graph = graphOf([step({ name: 's', output: Target, run: () => ++runs })])
    const reason = new Error('too late')
    const error = await rejectionOf(
      run(graph, Target, {}, { signal: AbortSignal.abort(reason), observers: [observer] }),
    )
    expect(error).toBeInstanceOf(ExecutionCancelledError)
    expect((error as Error).cause).toBe(reason)
    await flush()
    expect(runs).toBe(0)
    expect(events.map((event) => event.type)).toEqual(['execution.started', 'execution.ended'])
  })

  test('an already aborted signal starts nothing of a batch', async () => {
    let runs = 0
    const graph = graphOf([step({ name: 's', inputs: { leaf: Leaf }, output: Target, run: () => ++runs })])
    const batch = runBatch(graph, Target, [{ Leaf: 1 }, { Leaf: 2 }], { signal: AbortSignal.abort() })
    await expect(batch).rejects.toBeInstanceOf(ExecutionCancelledError)
    await flush()
    expect(runs).toBe(0)
  })

  test('cancelling during the check of the inputs starts nothing', async () => {
    const controller = new AbortController()
    let runs = 0
    const checked = Promise.withResolvers<{ value: number }>()
    const Slow = { ...Leaf, schema: { '~standard': { version: 1, vendor: 'test', validate: () => checked.promise } } }
    const graph = graphOf([
      step({ name: 's', inputs: { leaf: Slow as typeof Leaf }, output: Target, run: () => ++runs }),
    ])
    const failing = rejectionOf(run(graph, Target, { Leaf: 1 }, { signal: controller.signal }))
    controller.abort()
    expect(await failing).toBeInstanceOf(ExecutionCancelledError)
    checked.resolve({ value: 1 })
    await flush()
    expect(runs).toBe(0)
  })

  test('a dependant of what ends later never starts, and the late value changes nothing', async () => {
    const controller = new AbortController()
    const late = Promise.withResolvers<number>()
    const ran: string[] = []
    const { events, observer } = recorder()
    const graph = graphOf([
      step({ name: 'slow', output: A, run: () => late.promise }),
      step({ name: 'after', inputs: { a: A }, output: Target, run: () => (ran.push('after'), 1) }),
    ])
    const failing = rejectionOf(run(graph, Target, {}, { signal: controller.signal, observers: [observer] }))
    controller.abort()
    await failing
    const told = events.length
    late.resolve(1)
    await flush()
    expect(ran).toEqual([])
    expect(events.length).toBe(told)
  })

  test('a late rejection after the end goes nowhere', async () => {
    const controller = new AbortController()
    const late = Promise.withResolvers<number>()
    const graph = graphOf([step({ name: 'slow', output: Target, retry: { maxAttempts: 3 }, run: () => late.promise })])
    const failing = rejectionOf(run(graph, Target, {}, { signal: controller.signal }))
    controller.abort()
    await failing
    late.reject(new Error('late'))
    await flush()
  })

  test('during a backoff makes no further attempt and leaves no timer', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    let attempts = 0
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 5, backoff: 100 },
        run: () => {
          attempts++
          throw new Error('boom')
        },
      }),
    ])
    const failing = rejectionOf(run(graph, Target, {}, { clock, signal: controller.signal, timeout: '1h' }))
    await clock.advance(50)
    controller.abort()
    expect(await failing).toBeInstanceOf(ExecutionCancelledError)
    expect(clock.pending).toBe(0)
    await clock.advance(1_000)
    expect(attempts).toBe(1)
  })

  test('after the end changes nothing', async () => {
    const controller = new AbortController()
    const { events, observer } = recorder()
    const graph = graphOf([step({ name: 's', output: Target, run: () => 1 })])
    expect(await run(graph, Target, {}, { signal: controller.signal, observers: [observer] })).toBe(1)
    controller.abort()
    expect(events.filter((event) => event.type === 'execution.ended')).toHaveLength(1)
  })

  test('leaves no listener on the caller’s signal', async () => {
    const controller = new AbortController()
    let listeners = 0
    const add = controller.signal.addEventListener.bind(controller.signal)
    const remove = controller.signal.removeEventListener.bind(controller.signal)
    controller.signal.addEventListener = ((...args: Parameters<typeof add>) => (
      listeners++,
      add(...args)
    )) as typeof add
    controller.signal.removeEventListener = ((...args: Parameters<typeof remove>) => (
      listeners--,
      remove(...args)
    )) as typeof remove
    const graph = graphOf([
      step({
        name: 's',
        inputs: { leaf: Leaf },
        output: Target,
        run: ({ leaf }) => (leaf > 0 ? leaf : Promise.reject(new Error('no'))),
      }),
    ])
    await run(graph, Target, { Leaf: 1 }, { signal: controller.signal })
    await rejectionOf(run(graph, Target, { Leaf: 0 }, { signal: controller.signal }))
    await runBatch(graph, Target, [{ Leaf: 1 }], { signal: controller.signal })
    expect(listeners).toBe(0)
  })
})

describe('ctx.signal', () => {
  test('is aborted with the ExecutionCancelledError, whose cause is the caller’s reason', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    const told: unknown[] = []
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        run: (_, { signal }) => {
          signal.addEventListener('abort', () => told.push(signal.reason))
          return never<number>()
        },
      }),
    ])
    const failing = rejectionOf(run(graph, Target, {}, { signal: controller.signal }))
    controller.abort(reason)
    const error = await failing
    expect(told).toEqual([error])
    expect((told[0] as Error).cause).toBe(reason)
  })

  test('looked at for the first time after the end is aborted, with the same reason', async () => {
    const controller = new AbortController()
    let look: (() => AbortSignal) | undefined
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        run: (_, context) => {
          look = () => context.signal
          return never<number>()
        },
      }),
    ])
    const failing = rejectionOf(run(graph, Target, {}, { signal: controller.signal }))
    controller.abort()
    const error = await failing
    expect(look!().aborted).toBe(true)
    expect(look!().reason).toBe(error)
    expect(look!()).toBe(look!())
  })

  test('of each attempt is its own, and stays quiet when the attempt ends by itself', async () => {
    const clock = new VirtualClock()
    const signals: AbortSignal[] = []
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 2 },
        run: (_, { signal, attempt }) => (signals.push(signal), attempt === 1 ? Promise.reject(new Error('again')) : 1),
      }),
    ])
    await clock.settle(run(graph, Target, {}, { clock }))
    expect(new Set(signals).size).toBe(2)
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false])
  })

  test('is aborted where the execution succeeded without the step', async () => {
    const boom = new Error('boom')
    const B = number('B')
    const C = number('C')
    let signal: AbortSignal | undefined
    const graph = graphOf([
      step({ name: 'fails', output: A, run: () => Promise.reject(boom) }),
      step({ name: 'slow', output: B, run: (_, context) => ((signal = context.signal), never<number>()) }),
      step({ name: 'both', inputs: { a: A, b: B }, output: C, run: () => 1 }),
      step({ name: 'takes', inputs: { c: optional(C) }, output: Target, run: ({ c }) => c ?? 5 }),
    ])
    expect(await run(graph, Target)).toBe(5)
    expect(signal!.aborted).toBe(true)
  })
})

describe('an observer that cancels', () => {
  const persisted = { persist: 'global' as const, concurrency: 2 }

  /** A run with a retry, a cached step, an optional failure and a fallback: it tells every kind of event. */
  function make(name: string) {
    const clock = new VirtualClock()
    const B = number('B')
    let running = 0
    const steps = [
      step({
        name: 'flaky',
        inputs: { leaf: Leaf },
        output: A,
        ...persisted,
        retry: { maxAttempts: 2, backoff: 10 },
        run: (_, { attempt }) => (running++, attempt === 1 ? Promise.reject(new Error('again')) : Promise.resolve(1)),
      }),
      step({
        name: 'falls',
        inputs: { a: A },
        output: B,
        timeout: 10,
        fallback: 2,
        run: () => (running++, never<number>()),
      }),
      step({ name: 'sum', inputs: { a: A, b: B }, output: Target, run: ({ a, b }) => (running++, a + b) }),
    ]
    const graph = graphOf(steps, { name })
    return { clock, graph, count: () => running }
  }

  test('at any event ends the execution there: one end is reported, last, and nothing runs after', async () => {
    const { clock, graph } = make(uniqueName())
    const { events, observer } = recorder()
    expect(await clock.settle(run(graph, Target, { Leaf: 0 }, { clock, observers: [observer] }))).toBe(3)
    const total = events.length
    expect(total).toBeGreaterThan(12)
    for (let at = 1; at < total; at++) {
      const { clock, graph, count } = make(uniqueName())
      const controller = new AbortController()
      const seen: { type: string; seq: number }[] = []
      const cancelling = (event: { type: string; seq: number }): void => {
        seen.push(event)
        if (event.seq === at) controller.abort()
      }
      const failing = rejectionOf(
        run(graph, Target, { Leaf: 0 }, { clock, signal: controller.signal, observers: [cancelling] }),
      )
      const label = `cancelled at event ${at}, ${events[at - 1]!.type}`
      expect(await clock.settle(failing), label).toBeInstanceOf(ExecutionCancelledError)
      const runs = count()
      const told = seen.length
      expect(clock.pending, label).toBe(0)
      await clock.advance(1_000)
      expect(count(), label).toBe(runs)
      expect(seen.length, label).toBe(told)
      expect(
        seen.filter(({ type }) => type === 'execution.ended'),
        label,
      ).toHaveLength(1)
      expect(seen.at(-1)!.type, label).toBe('execution.ended')
      expect(
        seen.map(({ seq }) => seq),
        label,
      ).toEqual(seen.map((_, index) => index + 1))
      expect(clock.pending, label).toBe(0)
      // Nothing of the cancelled call is left behind: the same call still works.
      expect(await clock.settle(run(graph, Target, { Leaf: 0 }, { clock })), label).toBe(3)
    }
  })
})

describe('a step that cancels its own execution', () => {
  test.each(['run', 'key', 'retryIf', 'backoff', 'fallback'])('in %s ends it there, once', async (place) => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const abort = <Value>(value: Value): Value => (controller.abort(), value)
    const at = <Value>(here: string, value: Value): Value => (place === here ? abort(value) : value)
    let runs = 0
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: A,
      persist: 'global',
      concurrency: { limit: 1, key: () => at('key', 'k') },
      retry: { maxAttempts: 2, retryIf: () => at('retryIf', true), backoff: () => at('backoff', 5) },
      fallback: () => at('fallback', 1),
      run: () => {
        runs++
        at('run', 0)
        throw new Error('boom')
      },
    })
    const graph = graphOf([s, step({ name: 'after', inputs: { a: A }, output: Target, run: () => (runs += 100) })])
    const { events, observer } = recorder()
    const failing = rejectionOf(
      run(graph, Target, { Leaf: 1 }, { clock, signal: controller.signal, observers: [observer] }),
    )
    expect(await clock.settle(failing)).toBeInstanceOf(ExecutionCancelledError)
    await clock.advance(100)
    expect(runs).toBe(place === 'key' ? 0 : place === 'fallback' ? 2 : 1)
    expect(events.filter((event) => event.type === 'execution.ended')).toHaveLength(1)
    expect(events.at(-1)!.type).toBe('execution.ended')
    expect(clock.pending).toBe(0)
    // Neither the slot nor the claim is held.
    const again = graphOf([s], { name: graph.name })
    expect(await clock.settle(run(again, A, { Leaf: 1 }, { clock }))).toBe(1)
  })
})
