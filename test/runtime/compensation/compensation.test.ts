import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, expectTypeOf, test } from 'vitest'
import {
  AbortExecutionError,
  CompensationError,
  dataType,
  execute,
  ExecutionCancelledError,
  ExecutionTimeoutError,
  graph,
  GraphError,
  NonRetryableError,
  optional,
  race,
  step,
  StepError,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import type { AnyStep, ExecutionEvent } from '../../../src/index.ts'
import { rejectionOf } from '../../loose-api.ts'
import { VirtualTime } from '../virtual-time.ts'
import { Trip, tripOf } from './saga.ts'

const A = dataType('A', type<number>())
const B = dataType('B', type<number>())
const C = dataType('C', type<number>())
const D = dataType('D', type<number>())
const fail = (message: string) => (): never => {
  throw new Error(message)
}

test('four steps are undone in the order 4 3 2 1, each with its output', async () => {
  const log: string[] = []
  const Bill = dataType('Bill', type<string>())
  const trips = tripOf(log, (car) => `trip by ${car}`)
  const bill = step({ name: 'Bill', inputs: { trip: Trip }, output: Bill, run: fail('no credit') })
  const error = await rejectionOf(
    execute(graph({ name: 'billed', steps: [...trips.steps, bill] }), Bill, { Order: 'o1' }),
  )
  expect(error).toBeInstanceOf(StepError)
  expect(error).toMatchObject({ step: 'Bill', code: 'STEP_FAILED' })
  expect(error).not.toHaveProperty('undoErrors')
  expect(log.slice(3)).toEqual([
    'cancel trip: trip by car of hotel of flight of o1',
    'cancel car: car of hotel of flight of o1',
    'cancel hotel: hotel of flight of o1',
    'cancel flight: flight of o1',
  ])
})

test('what came after a race is undone before what the winner did', async () => {
  const undone: string[] = []
  const winner = step({
    name: 'Winner',
    inputs: {},
    output: A,
    run: () => 1,
    compensate: () => void undone.push('Winner'),
  })
  const loser = step({ name: 'Loser', inputs: {}, output: B, run: () => new Promise<number>(() => {}) })
  const either = race({ name: 'Either', inputs: { a: A, b: B }, output: C })
  const after = step({
    name: 'After',
    inputs: { c: C },
    output: D,
    run: ({ c }) => c,
    compensate: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      undone.push('After')
    },
  })
  const E = dataType('E', type<number>())
  const last = step({ name: 'Last', inputs: { d: D }, output: E, run: fail('no') })
  await rejectionOf(execute(graph({ name: 'g', steps: [winner, loser, either, after, last] }), E, {}))
  expect(undone).toEqual(['After', 'Winner'])
})

test('an execution that completes undoes nothing', async () => {
  const log: string[] = []
  await execute(
    tripOf(log, (car) => car),
    Trip,
    { Order: 'o1' },
  )
  expect(log).toEqual(['book flight', 'book hotel', 'book car'])
})

test('a step that failed, or never began, is not undone', async () => {
  const log: string[] = []
  await rejectionOf(execute(tripOf(log, fail('full')), Trip, { Order: 'o1' }))
  expect(log.filter((line) => line.startsWith('cancel'))).toHaveLength(3)
})

test('steps without compensate between others keep the order', async () => {
  const log: string[] = []
  const steps = [
    step({ name: 'MakeA', output: A, run: () => 1, compensate: (one) => void log.push(`a${one}`) }),
    step({ name: 'MakeB', inputs: { a: A }, output: B, run: ({ a }) => a + 1 }),
    step({
      name: 'MakeC',
      inputs: { b: B },
      output: C,
      run: ({ b }) => b + 1,
      compensate: async (one) => {
        await new Promise((resolve) => setImmediate(resolve))
        log.push(`c${one}`)
      },
    }),
    step({ name: 'MakeD', inputs: { c: C }, output: D, run: fail('no') }),
  ] as const
  await rejectionOf(execute(graph({ name: 'between', steps }), D, {}))
  expect(log).toEqual(['c3', 'a1'])
})

test('independent steps are undone at the same time', async () => {
  const clock = new VirtualTime()
  const slow = { run: () => clock.sleep(1_000) }
  const steps = [
    step({ name: 'MakeA', output: A, run: () => 1, compensate: slow }),
    step({ name: 'MakeB', output: B, run: () => 1, compensate: slow }),
    step({ name: 'MakeC', inputs: { a: A, b: B }, output: C, run: fail('no') }),
  ] as const
  const outcome = rejectionOf(execute(graph({ name: 'independent', steps }), C, {}, { clock }))
  const began = clock.now()
  await clock.settle(outcome)
  expect(clock.now() - began).toBe(1_000)
})

test('an undo is retried by its own policy, not by that of the step or the graph', async () => {
  const clock = new VirtualTime()
  let tries = 0
  const events: ExecutionEvent[] = []
  const makeA = step({
    name: 'MakeA',
    output: A,
    run: () => 1,
    retry: { maxAttempts: 10 },
    compensate: {
      run: () => {
        if (++tries < 3) throw new Error(`away ${tries}`)
      },
      retry: { maxAttempts: 3, backoff: '1m' },
    },
  })
  const makeB = step({ name: 'MakeB', inputs: { a: A }, output: B, run: fail('no') })
  const retried = graph({ name: 'retried', steps: [makeA, makeB], defaults: { timeout: 5 } })
  const outcome = rejectionOf(execute(retried, B, {}, { clock, observers: [(event) => void events.push(event)] }))
  expect(await clock.settle(outcome)).not.toHaveProperty('undoErrors')
  expect(tries).toBe(3)
  const undos = events.filter(({ type }) => type.startsWith('undo.') || type === 'execution.compensating')
  expect(undos.map(({ type, ...event }) => [type, 'attempt' in event ? event.attempt : undefined])).toEqual([
    ['execution.compensating', undefined],
    ['undo.started', undefined],
    ['undo.attempt-failed', 1],
    ['undo.attempt-failed', 2],
    ['undo.ended', 3],
  ])
  expect(undos.at(-1)).toMatchObject({ status: 'undone', durationMs: 120_000, step: 'MakeA' })
  expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'failed' })
})

test('an undo that fails for good stops no other: the original error comes first, what could not be undone beside it', async () => {
  const log: string[] = []
  const trips = tripOf(log, fail('full'), (what) => {
    if (what === 'hotel') throw new Error('closed on Sundays')
  })
  const error = (await rejectionOf(execute(trips, Trip, { Order: 'o1' }))) as StepError
  expect(error).toBeInstanceOf(StepError)
  expect(error.message).toContain('full')
  expect(error.undoErrors).toHaveLength(1)
  const [undoError] = error.undoErrors!
  expect(undoError).toBeInstanceOf(CompensationError)
  expect(undoError).toMatchObject({ code: 'COMPENSATION_FAILED', step: 'BookHotel', attempt: 1, graph: 'trips' })
  expect(undoError!.message).toBe('what step "BookHotel" did could not be undone after 1 attempt: closed on Sundays')
  expect(log.slice(3)).toEqual(['cancel car: car of hotel of flight of o1', 'cancel flight: flight of o1'])
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({ undoErrors: [{ code: 'COMPENSATION_FAILED' }] })
})

test('NonRetryableError and a throwing retryIf end the attempts of an undo', async () => {
  let tries = 0
  const makeA = step({
    name: 'MakeA',
    output: A,
    run: () => 1,
    compensate: {
      run: () => {
        tries++
        throw new NonRetryableError('never')
      },
      retry: { maxAttempts: 5 },
    },
  })
  const makeB = step({
    name: 'MakeB',
    inputs: { a: A },
    output: B,
    run: () => 2,
    compensate: {
      run: fail('no'),
      retry: {
        maxAttempts: 5,
        retryIf: () => {
          throw new Error('bad policy')
        },
      },
    },
  })
  const makeC = step({ name: 'MakeC', inputs: { b: B }, output: C, run: fail('no') })
  const error = (await rejectionOf(execute(graph({ name: 'ends', steps: [makeA, makeB, makeC] }), C, {}))) as StepError
  expect(tries).toBe(1)
  expect(error.undoErrors!.map(({ message }) => message).toSorted()).toEqual([
    'what step "MakeA" did could not be undone after 1 attempt: never',
    'what step "MakeB" did could not be undone after 1 attempt: no (its own policy threw: bad policy)',
  ])
})

test('an undo runs though the execution is cancelled: its caller has the answer at once, and its signal is not aborted', async () => {
  const clock = new VirtualTime()
  const log: string[] = []
  const controller = new AbortController()
  const events: ExecutionEvent[] = []
  const trips = tripOf(
    log,
    (_, signal) => clock.sleep(10_000, signal).then(() => 'trip'),
    async (_, { signal }) => {
      await clock.sleep(1_000, signal)
      expect(signal.aborted).toBe(false)
    },
  )
  const options = { clock, signal: controller.signal, observers: [(event: ExecutionEvent) => void events.push(event)] }
  const outcome = rejectionOf(execute(trips, Trip, { Order: 'o1' }, options))
  await clock.advance(5)
  controller.abort(new Error('changed my mind'))
  const error = await outcome
  expect(error).toBeInstanceOf(ExecutionCancelledError)
  expect(log).toHaveLength(3)
  expect(events.at(-1)).toMatchObject({ type: 'execution.compensating', error })
  await clock.advance(1e7)
  expect(log.slice(3)).toEqual([
    // The attempt that was stopped may have made a trip.
    'cancel trip: undefined',
    'cancel car: car of hotel of flight of o1',
    'cancel hotel: hotel of flight of o1',
    'cancel flight: flight of o1',
  ])
  expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'cancelled', error })
})

test('a caller whose signal is aborted while the execution is undone has its error at once', async () => {
  const clock = new VirtualTime()
  const log: string[] = []
  const controller = new AbortController()
  const trips = tripOf(log, fail('full'), () => clock.sleep(60_000))
  const outcome = rejectionOf(execute(trips, Trip, { Order: 'o1' }, { clock, signal: controller.signal }))
  await clock.advance(5)
  controller.abort()
  expect(await outcome).toMatchObject({ code: 'STEP_FAILED', step: 'FinishTrip' })
  await clock.advance(1e7)
  expect(log).toHaveLength(6)
})

test.each(['timeout', 'deadline'] as const)(
  'a %s ends the work and the wait for it, not the undoing',
  async (limit) => {
    const clock = new VirtualTime()
    const log: string[] = []
    const trips = tripOf(
      log,
      (_, signal) => clock.sleep(60_000, signal).then(() => 'trip'),
      () => clock.sleep(60_000),
    )
    const options = limit === 'timeout' ? { timeout: '1s' } : { deadline: clock.now() + 1_000 }
    const outcome = rejectionOf(execute(trips, Trip, { Order: 'o1' }, { clock, ...options }))
    await clock.advance(1_000)
    expect(await outcome).toBeInstanceOf(ExecutionTimeoutError)
    expect(log).toHaveLength(3)
    await clock.advance(1e7)
    expect(log).toHaveLength(7)
  },
)

test('a step that an optional input tolerates is undone with the rest, and a step that ends it all leads to the same', async () => {
  const log: string[] = []
  const steps = [
    step({ name: 'MakeA', output: A, run: () => 1, compensate: () => void log.push('a') }),
    step({ name: 'MakeB', inputs: { a: A }, output: B, run: fail('no'), compensate: () => void log.push('b') }),
    step({
      name: 'MakeC',
      inputs: { b: optional(B) },
      output: C,
      run: () => {
        throw new AbortExecutionError('stop')
      },
    }),
  ] as const
  const error = await rejectionOf(execute(graph({ name: 'aborted', steps }), C, {}))
  expect(error).toBeInstanceOf(StepError)
  expect(log).toEqual(['a'])
})

test('the compensation sees inputs, reason, headers and ids, runs in the async context of the call, and its timeout aborts its signal', async () => {
  const clock = new VirtualTime()
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const steps = [
    step({
      name: 'MakeB',
      inputs: { a: A },
      output: B,
      run: ({ a }) => a + 1,
      compensate: {
        run: async (output, { inputs, reason, headers, executionId, stepName, attempt, item, signal }) => {
          expectTypeOf(output).toEqualTypeOf<number | undefined>()
          expectTypeOf(inputs).toEqualTypeOf<{ readonly a: number }>()
          const { code } = reason as StepError
          seen.push([output, inputs, code, headers, executionId, stepName, attempt, item, storage.getStore()])
          await clock.sleep(1e6, signal).catch((thrown: unknown) => seen.push((thrown as Error).message))
        },
        timeout: '5s',
      },
    }),
    step({ name: 'MakeC', inputs: { b: B }, output: C, run: () => clock.sleep(10).then(fail('no')) }),
  ] as const
  const seeing = graph({ name: 'seeing', steps })
  const options = { clock, id: 'e1', headers: { tenant: 'acme' } }
  const outcome = rejectionOf(storage.run('caller', () => execute(seeing, C, { A: 1 }, options)))
  expect(((await clock.settle(outcome)) as StepError).undoErrors).toMatchObject([
    { step: 'MakeB', cause: { code: 'STEP_TIMEOUT', timeoutMs: 5_000 } },
  ])
  expect(seen).toEqual([
    [2, { a: 1 }, 'STEP_FAILED', { tenant: 'acme' }, 'e1', 'MakeB', 1, undefined, 'caller'],
    'the compensation of step "MakeB" did not answer within 5000 ms (attempt 1)',
  ])
})

test.each([
  ['compensate must be a function', { compensate: 5 }],
  ['compensate.run must be a function, not undefined', { compensate: {} }],
  ['unknown option "rety"', { compensate: { run: () => {}, rety: {} } }],
  ['compensate.timeout "soon" is not a duration', { compensate: { run: () => {}, timeout: 'soon' } }],
  ['compensate.wait -1 is not a duration', { compensate: { run: () => {}, wait: -1 } }],
  ['retry.maxAttempts must be', { compensate: { run: () => {}, retry: { maxAttempts: 0 } } }],
  ["but persist 'global' hands its result to others", { compensate: () => {}, persist: 'global' }],
  ["but persist 'global' hands its result to others", { compensate: () => {}, persist: { scope: 'global' } }],
])('graph refuses: %s', (message, options) => {
  const bad = { ...step({ name: 'MakeA', output: A, run: () => 1 }), ...options } as AnyStep
  expect(() => untypedGraph({ name: 'bad', steps: [bad] })).toThrow(GraphError)
  expect(() => untypedGraph({ name: 'bad', steps: [bad] })).toThrow(message)
})

test('a graph whose steps share results with all by default keeps those of steps with compensate to their execution', async () => {
  let runs = 0
  const makeA = step({ name: 'MakeA', output: A, run: () => ++runs, compensate: () => {} })
  const own = graph({ name: 'own', steps: [makeA], defaults: { persist: 'global' } })
  expect([await execute(own, A, {}), await execute(own, A, {})]).toEqual([1, 2])
})
