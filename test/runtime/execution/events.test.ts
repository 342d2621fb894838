import { describe, expect, test } from 'vitest'
import { optional, step } from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/core/contracts/events.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  never,
  number,
  recorder,
  rejectionOf,
  run,
  runBatch,
} from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const A = number('A')
const Target = number('Target')
const boom = new Error('boom')

/** What must hold for the events of any execution. */
function expectWellFormed(events: readonly ExecutionEvent[]): void {
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
  expect(new Set(events.map((event) => event.executionId)).size).toBe(1)
  expect(events.map((event) => event.at)).toEqual(events.map((event) => event.at).toSorted((one, other) => one - other))
  expect(events[0]!.type).toBe('execution.started')
  expect(events.at(-1)!.type).toBe('execution.ended')
  expect(events.filter((event) => event.type.startsWith('execution.'))).toHaveLength(2)
  const open = new Map<string, { attempts: number; isRunning: boolean; hasEnded: boolean }>()
  for (const event of events) {
    if (!('step' in event)) continue
    const key = `${event.step} ${event.item}`
    const state = open.get(key)
    if (event.type === 'step.started') {
      expect(state, `${key} started once`).toBeUndefined()
      open.set(key, { attempts: 0, isRunning: false, hasEnded: false })
      continue
    }
    if (event.type === 'step.cancelled' && event.status === 'skipped') {
      expect(state, `${key} is skipped without a start`).toBeUndefined()
      continue
    }
    expect(state, `${key}: ${event.type} after its start`).toBeDefined()
    expect(state!.hasEnded, `${key}: ${event.type} before its end`).toBe(false)
    if (event.type === 'attempt.started') {
      expect(state!.isRunning).toBe(false)
      expect(event.attempt).toBe(++state!.attempts)
      state!.isRunning = true
    } else if (event.type === 'attempt.failed') {
      expect(state!.isRunning).toBe(true)
      expect(event.attempt).toBe(state!.attempts)
      state!.isRunning = false
    } else if (event.type === 'step.ended' || event.type === 'step.cancelled') {
      expect(event.attempt).toBe(state!.attempts)
      state!.hasEnded = true
    }
  }
  for (const [key, state] of open) expect(state.hasEnded, `${key} has ended`).toBe(true)
}

describe('the events of an execution', () => {
  test('with a retry, field by field', async () => {
    const clock = new VirtualClock(0)
    const { events, observer } = recorder()
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 2, backoff: 100 },
        run: (_, { attempt }) =>
          new Promise<number>(
            (resolve, reject) => void clock.setTimeout(() => (attempt === 1 ? reject(boom) : resolve(1)), 5),
          ),
      }),
    ])
    await clock.settle(run(graph, Target, {}, { clock, id: 'e1', observers: [observer] }))
    const base = { executionId: 'e1', graph: graph.name }
    const ofStep = { ...base, step: 's', item: undefined }
    expect(events).toEqual([
      { type: 'execution.started', seq: 1, at: 0, ...base, target: 'Target' },
      { type: 'step.started', seq: 2, at: 0, ...ofStep },
      { type: 'attempt.started', seq: 3, at: 0, ...ofStep, attempt: 1 },
      { type: 'attempt.failed', seq: 4, at: 5, ...ofStep, attempt: 1, durationMs: 5, error: boom, timedOut: false },
      { type: 'retry.scheduled', seq: 5, at: 5, ...ofStep, attempt: 1, delayMs: 100, dueAt: 105 },
      { type: 'attempt.started', seq: 6, at: 105, ...ofStep, attempt: 2 },
      {
        type: 'step.ended',
        seq: 7,
        at: 110,
        ...ofStep,
        status: 'completed',
        attempt: 2,
        durationMs: 110,
        error: undefined,
        fellBack: false,
      },
      {
        type: 'execution.ended',
        seq: 8,
        at: 110,
        ...base,
        target: 'Target',
        status: 'completed',
        durationMs: 110,
        error: undefined,
      },
    ])
    expectWellFormed(events)
  })

  test('with a cache miss and then a hit, field by field', async () => {
    const clock = new VirtualClock(0)
    const [one, two] = [recorder(), recorder()]
    const graph = graphOf([step({ name: 's', output: Target, persist: 'global', run: () => 1 })])
    await run(graph, Target, {}, { clock, id: 'e1', observers: [one.observer] })
    await run(graph, Target, {}, { clock, id: 'e2', observers: [two.observer] })
    const ofStep = (executionId: string) => ({ at: 0, executionId, graph: graph.name, step: 's', item: undefined })
    expect(one.events[2]).toEqual({ type: 'cache.miss', seq: 3, ...ofStep('e1'), scope: 'global', shared: false })
    expect(two.events.slice(1, 4)).toEqual([
      { type: 'step.started', seq: 2, ...ofStep('e2') },
      { type: 'cache.hit', seq: 3, ...ofStep('e2'), scope: 'global', shared: false },
      {
        type: 'step.ended',
        seq: 4,
        ...ofStep('e2'),
        status: 'cached',
        attempt: 0,
        durationMs: 0,
        error: undefined,
        fellBack: false,
      },
    ])
    expectWellFormed(one.events)
    expectWellFormed(two.events)
  })

  test('that was cancelled, field by field', async () => {
    const clock = new VirtualClock(0)
    const controller = new AbortController()
    const { events, observer } = recorder()
    const graph = graphOf([
      step({ name: 'slow', output: A, run: () => never<number>() }),
      step({ name: 'after', inputs: { a: A }, output: Target, run: () => 1 }),
    ])
    const failing = rejectionOf(
      run(graph, Target, {}, { clock, id: 'e1', signal: controller.signal, observers: [observer] }),
    )
    await clock.advance(7)
    controller.abort()
    const error = await failing
    const base = { executionId: 'e1', graph: graph.name }
    expect(events.slice(3)).toEqual([
      {
        type: 'step.cancelled',
        seq: 4,
        at: 7,
        ...base,
        step: 'slow',
        item: undefined,
        status: 'cancelled',
        attempt: 1,
        reason: error,
      },
      { type: 'execution.ended', seq: 5, at: 7, ...base, target: 'Target', status: 'cancelled', durationMs: 7, error },
    ])
    expectWellFormed(events)
  })

  test('that failed: the step’s end has what it threw, the execution’s what the caller gets', async () => {
    const { events, observer } = recorder()
    const graph = graphOf([
      step({ name: 'fails', output: A, run: () => Promise.reject(boom) }),
      step({ name: 'slow', output: number('B'), run: () => never<number>() }),
      step({ name: 'both', inputs: { a: A, b: number('B') }, output: Target, run: () => 1 }),
    ])
    const error = await rejectionOf(run(graph, Target, {}, { observers: [observer] }))
    expect(events.find((event) => event.type === 'step.ended')).toMatchObject({
      step: 'fails',
      status: 'failed',
      error: boom,
      attempt: 1,
    })
    expect(events.find((event) => event.type === 'step.cancelled')).toMatchObject({
      step: 'slow',
      status: 'cancelled',
      attempt: 1,
    })
    expect(events.at(-1)).toMatchObject({ status: 'failed', error })
    expectWellFormed(events)
  })

  test('with wrong inputs are its start and its end', async () => {
    const { events, observer } = recorder()
    const Checked = {
      ...Leaf,
      schema: { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) } },
    }
    const graph = graphOf([step({ name: 's', inputs: { leaf: Checked as typeof Leaf }, output: Target, run: () => 1 })])
    const error = await rejectionOf(run(graph, Target, { Leaf: 1 }, { observers: [observer] }))
    expect(events.map((event) => event.type)).toEqual(['execution.started', 'execution.ended'])
    expect(events[1]).toMatchObject({ status: 'failed', error })
  })

  test('that timed out end with status failed', async () => {
    const clock = new VirtualClock()
    const { events, observer } = recorder()
    const graph = graphOf([step({ name: 's', output: Target, run: () => never<number>() })], { timeout: 5 })
    await clock.settle(rejectionOf(run(graph, Target, {}, { clock, observers: [observer] })))
    expect(events.at(-1)).toMatchObject({ status: 'failed', durationMs: 5, error: { code: 'EXECUTION_TIMEOUT' } })
    expectWellFormed(events)
  })

  test('report dependencies before their dependants', async () => {
    const { events, observer } = recorder()
    const types = Array.from({ length: 20 }, (_, index) => number(`N${index}`))
    const steps = types
      .slice(1)
      .map((output, index) =>
        step({ name: `s${index}`, inputs: { from: types[index]! }, output, run: async ({ from }) => from + 1 }),
      )
    await run(graphOf(steps.toReversed()), types.at(-1)!, { N0: 0 }, { observers: [observer] })
    const order = events.flatMap((event) =>
      event.type === 'step.started' || event.type === 'step.ended' ? [`${event.type} ${event.step}`] : [],
    )
    expect(order).toEqual(steps.flatMap(({ name }) => [`step.started ${name}`, `step.ended ${name}`]))
    expectWellFormed(events)
  })

  test('reach the graph’s observers before the call’s, and are the same objects', async () => {
    const order: string[] = []
    const seen: ExecutionEvent[] = []
    const graph = graphOf([step({ name: 's', output: Target, run: () => 1 })], {
      observers: [(event: ExecutionEvent) => (order.push('graph'), seen.push(event))],
    })
    const mine = (event: ExecutionEvent): void => {
      order.push('call')
      expect(event).toBe(seen.at(-1))
    }
    await run(graph, Target, {}, { observers: [mine] })
    expect(order.slice(0, 4)).toEqual(['graph', 'call', 'graph', 'call'])
    expect(order).toHaveLength(2 * seen.length)
  })

  test('of two executions are numbered each by itself', async () => {
    const { events, observer } = recorder()
    const graph = graphOf([step({ name: 's', output: Target, run: async () => 1 })], { observers: [observer] })
    await Promise.all([run(graph, Target), run(graph, Target)])
    for (const mine of Object.values(Object.groupBy(events, (event) => event.executionId))) expectWellFormed(mine!)
    expect(events).toHaveLength(10)
  })
})

describe('the events of a batch', () => {
  test('are one sequence with the items’ numbers, and report the progress', async () => {
    const clock = new VirtualClock()
    const { events, observer } = recorder()
    const graph = graphOf([
      step({
        name: 's',
        inputs: { leaf: Leaf },
        output: Target,
        retry: { maxAttempts: 2, backoff: 5 },
        run: ({ leaf }, { attempt }) => (leaf === 1 && attempt === 1 ? Promise.reject(boom) : leaf),
      }),
    ])
    await clock.settle(
      runBatch(graph, Target, [{ Leaf: 0 }, { Leaf: 1 }, { Leaf: 2 }], { clock, observers: [observer] }),
    )
    expectWellFormed(events)
    const progress = events.filter((event) => event.type === 'batch.progress')
    expect(progress.map(({ item, total, succeeded, failed }) => [item, total, succeeded, failed])).toEqual([
      [0, 3, 1, 0],
      [2, 3, 2, 0],
      [1, 3, 3, 0],
    ])
  })

  test('that fails have times that never go back', async () => {
    const { events, observer } = recorder()
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      run: ({ leaf }) => (leaf === 3 ? Promise.reject(boom) : never<number>()),
    })
    const items = Array.from({ length: 5 }, (_, Leaf) => ({ Leaf }))
    await rejectionOf(runBatch(graphOf([s]), Target, items, { observers: [observer], clock: tickingClock() }))
    expectWellFormed(events)
  })

  test('that fails are well formed too, with everything that ran reported as cancelled', async () => {
    const { events, observer } = recorder()
    const graph = graphOf([
      step({
        name: 's',
        inputs: { leaf: Leaf },
        output: Target,
        run: async ({ leaf }) => (leaf === 3 ? (await flush(), Promise.reject(boom)) : never<number>()),
      }),
    ])
    const items = Array.from({ length: 5 }, (_, Leaf) => ({ Leaf }))
    await rejectionOf(runBatch(graph, Target, items, { observers: [observer] }))
    expectWellFormed(events)
    expect(events.filter((event) => event.type === 'step.cancelled').map((event) => event.item)).toEqual([0, 1, 2, 4])
  })
})

/** A clock on which time passes at each look. */
function tickingClock() {
  const clock = new VirtualClock(0)
  let ticks = 0
  return {
    settle: <Value>(promise: Promise<Value>) => clock.settle(promise),
    now: () => clock.now() + ++ticks,
    setTimeout: clock.setTimeout.bind(clock),
    clearTimeout: clock.clearTimeout.bind(clock),
  }
}

describe('the events of many kinds at once', () => {
  test('are well formed, and their times never go back', async () => {
    const clock = tickingClock()
    const { events, observer } = recorder()
    const [B, C, D] = [number('B'), number('C'), number('D')]
    const graph = graphOf([
      step({
        name: 'cached',
        inputs: { leaf: Leaf },
        output: A,
        persist: 'global',
        retry: { maxAttempts: 2, backoff: 3 },
        run: (_, { attempt }) => (attempt === 1 ? Promise.reject(boom) : 1),
      }),
      step({ name: 'fails', inputs: { a: A }, output: B, timeout: 5, run: () => never<number>() }),
      step({ name: 'skipped', inputs: { b: B }, output: C, run: () => 1 }),
      step({
        name: 'falls',
        inputs: { a: A },
        output: D,
        fallback: 4,
        concurrency: 1,
        run: () => Promise.reject(boom),
      }),
      step({ name: 'target', inputs: { c: optional(C), d: D }, output: Target, run: ({ c, d }) => (c ?? 0) + d }),
    ])
    const batch = runBatch(graph, Target, [{ Leaf: 1 }, { Leaf: 1 }, { Leaf: 2 }], { clock, observers: [observer] })
    expect(await clock.settle(batch)).toEqual([4, 4, 4])
    expectWellFormed(events)
    expect(new Set(events.map((event) => event.type)).size).toBe(11)
  })
})

test('what all observers do without is not made, and where one wants it, all get it', async () => {
  const graph = graphOf([step({ name: 's', output: number('Target'), run: () => 1 })])
  const observed = async (...others: readonly object[]) => {
    const seen: ExecutionEvent[] = []
    const doesWithout = ['step.started', 'attempt.started']
    const observe = () => ({ doesWithout, next: (event: ExecutionEvent) => void seen.push(event) })
    await run(graph, number('Target'), {}, { observers: [{ next: () => {}, observe }, ...others] })
    return seen
  }
  const few = await observed({ next: () => {}, doesWithout: ['step.started', 'attempt.started', 'step.ended'] })
  expect(few.map(({ type }) => type)).toEqual(['execution.started', 'step.ended', 'execution.ended'])
  expect(few.map(({ seq }) => seq)).toEqual([1, 2, 3])
  const lone: string[] = []
  const doesWithout = ['step.started', 'attempt.started']
  const next = ({ seq, type }: ExecutionEvent) => void lone.push(`${seq} ${type}`)
  await run(graph, number('Target'), {}, { observers: [{ next, doesWithout }] })
  expect(lone).toEqual(['1 execution.started', '2 step.ended', '3 execution.ended'])
  expect((await observed({ next: () => {} })).map(({ type }) => type)).toEqual([
    'execution.started',
    'step.started',
    'attempt.started',
    'step.ended',
    'execution.ended',
  ])
})
