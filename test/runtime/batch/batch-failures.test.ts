import { describe, expect, test } from 'vitest'
import {
  AbortExecutionError,
  dataType,
  executeBatch,
  ExecutionCancelledError,
  ExecutionTimeoutError,
  fixed,
  graph,
  NonRetryableError,
  step,
  StepError,
  type,
} from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/core/contracts/events.ts'
import { recorder } from '../../loose-api.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'
import { VirtualTime } from '../virtual-time.ts'

const Id = dataType('Id', type<number>())
const Made = dataType('Made', type<number>())
const Done = dataType('Done', type<number>())

const range = (length: number) => Array.from({ length }, (_, Id) => ({ Id }))

/** A graph whose one step fails for the given ids with the given errors, after as many milliseconds as the id says. */
function failingAt(
  clock: VirtualTime,
  errors: Readonly<Record<number, unknown>>,
  begun: number[] = [],
  aborted: number[] = [],
) {
  const make = step({
    name: 'Make',
    inputs: { id: Id },
    output: Made,
    run: async ({ id }, { signal }) => {
      begun.push(id)
      signal.addEventListener('abort', () => aborted.push(id))
      await clock.sleep(id + 1)
      if (id in errors) throw errors[id]
      return id
    },
  })
  return graph({ name: 'failing', steps: [make] })
}

describe("onError: 'fail'", () => {
  test('the first failure rejects the batch, names its item, and keeps its cause', async () => {
    const clock = new VirtualTime()
    const cause = new Error('broken')
    const failing = failingAt(clock, { 3: cause, 5: new Error('later') })
    const error = await clock.settle(
      executeBatch(failing, Made, range(10), { clock, id: 'b' }).catch((thrown: unknown) => thrown),
    )
    expect(error).toBeInstanceOf(StepError)
    expect(error).toMatchObject({
      item: 3,
      step: 'Make',
      attempt: 1,
      executionId: 'b',
      graph: 'failing',
      path: ['Made'],
    })
    expect((error as Error).cause).toBe(cause)
    expect((error as Error).message).toContain('for item 3')
  })

  test('the cause is kept in batches larger than the limit', async () => {
    const clock = new VirtualTime()
    const cause = new Error('broken')
    const failing = failingAt(clock, { 700: cause })
    const batch = executeBatch(failing, Made, range(1_000), { clock, concurrency: 10 })
    await expect(clock.settle(batch)).rejects.toMatchObject({ item: 700, cause })
  })

  test('after the first failure no item starts, running ones are aborted, and the batch settles without waiting for them', async () => {
    const clock = new VirtualTime()
    const begun: number[] = []
    const aborted: number[] = []
    const cause = new Error('broken')
    const failing = failingAt(clock, { 1: cause }, begun, aborted)
    const batch = executeBatch(failing, Made, range(10), { clock, concurrency: 3 })
    await expect(clock.settle(batch)).rejects.toMatchObject({ item: 1, cause })
    expect(begun).toEqual([0, 1, 2, 3])
    expect(aborted).toEqual([2, 3])
    await clock.advance(1_000)
    expect(begun).toEqual([0, 1, 2, 3])
  })

  test.each([
    ['for a place in the batch', {}, { concurrency: 2 }],
    ["for a slot of the step's own", { concurrency: 2 }, {}],
    ['for an equal call that is in its backoff', { persist: 'global' }, {}],
    ['for a backoff', {}, {}],
  ] as const)('after the first failure nothing starts that waits %s', async (waiting, policy, options) => {
    const clock = new VirtualTime()
    const { events, observer } = recorder()
    const Key = dataType('Key', type<string>())
    const make = step({
      name: 'Make',
      inputs: { key: Key },
      output: Made,
      retry: { maxAttempts: 2, backoff: fixed('1s') },
      ...policy,
      run: async ({ key }, { attempt }) => {
        await clock.sleep(10)
        if (key === 'bad' && attempt === 2) throw new NonRetryableError('broken')
        if (attempt === 1) throw new Error('again')
        await clock.sleep(500)
        return 1
      },
    })
    const waits = graph({ name: `waits ${waiting}`, steps: [make] })
    const items = ['bad', 'same', 'same', 'same', 'other'].map((Key) => ({ Key }))
    const batch = executeBatch(waits, Made, items, { clock, observers: [observer], ...options })
    await expect(clock.settle(batch)).rejects.toMatchObject({ item: 0 })
    const failedAt = events.findIndex((event) => event.type === 'step.ended' && event.status === 'failed')
    expect(events.slice(failedAt + 1).filter(({ type }) => type.endsWith('.started'))).toEqual([])
    expect(events.at(-1)!.type).toBe('execution.ended')
    await clock.advance(10_000)
    expect(events.at(-1)!.type).toBe('execution.ended')
    expect(clock.pending).toBe(0)
  })

  test('ten items that fail in the same turn reject with one of their causes', async () => {
    const causes = range(10).map(({ Id }) => new Error(`broken ${Id}`))
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      run: async ({ id }) => {
        await flush()
        throw causes[id]!
      },
    })
    const error = await executeBatch(graph({ name: 'ten', steps: [make] }), Made, range(10)).catch(
      (thrown: unknown) => thrown,
    )
    expect(causes).toContain((error as Error).cause)
    expect((error as Error).cause).toBe(causes[(error as StepError).item!])
  })
})

describe("onError: 'collect'", () => {
  test('each item has its value or its error, and a failure stops no other item', async () => {
    const clock = new VirtualTime()
    const errors = { 1: new Error('one'), 3: 'three' }
    const outcomes = await clock.settle(
      executeBatch(failingAt(clock, errors), Made, range(5), { clock, onError: 'collect', concurrency: 2 }),
    )
    expect(outcomes.map(({ value }) => value)).toEqual([0, undefined, 2, undefined, 4])
    expect(outcomes.map(({ error }) => (error as StepError | undefined)?.cause)).toEqual([
      undefined,
      errors[1],
      undefined,
      errors[3],
      undefined,
    ])
    expect(outcomes.map((outcome) => Object.keys(outcome))).toEqual([
      ['value'],
      ['error'],
      ['value'],
      ['error'],
      ['value'],
    ])
  })

  test('a step that throws AbortExecutionError ends the whole batch all the same', async () => {
    const clock = new VirtualTime()
    const begun: number[] = []
    const abort = new AbortExecutionError('stop it all')
    const failing = failingAt(clock, { 1: abort }, begun)
    const batch = executeBatch(failing, Made, range(10), { clock, onError: 'collect', concurrency: 2 })
    await expect(clock.settle(batch)).rejects.toMatchObject({ item: 1, cause: abort })
    expect(begun.length).toBeLessThan(5)
  })
})

describe('ending a batch from outside', () => {
  test.each(['fail', 'collect'] as const)(
    'an abort rejects the batch with its reason as cause (onError: %s)',
    async (onError) => {
      const clock = new VirtualTime()
      const [begun, aborted, reason] = [[] as number[], [] as number[], new Error('enough')]
      const controller = new AbortController()
      const batch = executeBatch(failingAt(clock, {}, begun, aborted), Made, range(10), {
        clock,
        onError,
        concurrency: 3,
        signal: controller.signal,
      })
      const caught = batch.catch((thrown: unknown) => thrown)
      await clock.advance(0)
      controller.abort(reason)
      const error = await caught
      expect(error).toBeInstanceOf(ExecutionCancelledError)
      expect((error as Error).cause).toBe(reason)
      expect(begun).toEqual([0, 1, 2])
      expect(aborted).toEqual([0, 1, 2])
      await clock.advance(100)
      expect(begun).toEqual([0, 1, 2])
    },
  )

  test('a signal that is aborted already starts nothing', async () => {
    const clock = new VirtualTime()
    const begun: number[] = []
    const batch = executeBatch(failingAt(clock, {}, begun), Made, range(3), {
      clock,
      signal: AbortSignal.abort(new Error('no')),
    })
    await expect(batch).rejects.toBeInstanceOf(ExecutionCancelledError)
    await clock.advance(100)
    expect(begun).toEqual([])
  })

  test('a timeout counts for the batch as a whole, and leaves no timer behind', async () => {
    const clock = new VirtualTime()
    const aborted: number[] = []
    const start = clock.now()
    const batch = executeBatch(failingAt(clock, {}, [], aborted), Made, range(100), {
      clock,
      concurrency: 1,
      timeout: '1s',
    })
    await expect(clock.settle(batch)).rejects.toBeInstanceOf(ExecutionTimeoutError)
    expect(clock.now() - start).toBe(1_000)
    expect(aborted.length).toBe(1)
    await clock.advance(1_000)
    expect(clock.pending).toBe(0)
  })

  test('a deadline holds for the batch as a whole; one that has passed lets nothing begin', async () => {
    const clock = new VirtualTime()
    const deadline = clock.now() + 1_000
    const options = { clock, concurrency: 1, deadline }
    const begun: number[] = []
    await expect(clock.settle(executeBatch(failingAt(clock, {}), Made, range(100), options))).rejects.toMatchObject({
      name: 'ExecutionTimeoutError',
      deadline: new Date(deadline),
    })
    expect(clock.now()).toBe(deadline)
    const late = executeBatch(failingAt(clock, {}, begun), Made, range(100), options)
    await expect(clock.settle(late)).rejects.toBeInstanceOf(ExecutionTimeoutError)
    expect(begun).toEqual([])
    await clock.advance(1_000)
    expect(clock.pending).toBe(0)
  })

  test('a batch that ends in time disarms its timeout', async () => {
    const clock = new VirtualTime()
    await clock.settle(executeBatch(failingAt(clock, {}), Made, range(3), { clock, timeout: '1h' }))
    expect(clock.pending).toBe(0)
  })
})

describe('what a batch reports', () => {
  test('batch.progress follows each item, with the total known from the start', async () => {
    const clock = new VirtualTime()
    const events: ExecutionEvent[] = []
    const observers = [(event: ExecutionEvent) => void events.push(event)]
    await clock.settle(
      executeBatch(failingAt(clock, { 1: new Error('x') }), Made, range(3), { clock, observers, onError: 'collect' }),
    )
    const progress = events.filter((event) => event.type === 'batch.progress')
    expect(progress.map(({ item, total, succeeded, failed }) => [item, total, succeeded, failed])).toEqual([
      [0, 3, 1, 0],
      [1, 3, 1, 1],
      [2, 3, 2, 1],
    ])
  })

  test('events are numbered without gaps, begin with one execution.started and end with one execution.ended', async () => {
    const clock = new VirtualTime()
    const events: ExecutionEvent[] = []
    const observers = [(event: ExecutionEvent) => void events.push(event)]
    await clock.settle(executeBatch(failingAt(clock, {}), Made, range(4), { clock, observers, id: 'told' }))
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(new Set(events.map(({ executionId }) => executionId))).toEqual(new Set(['told']))
    const bounds = events.filter(({ type }) => type.startsWith('execution.'))
    expect(bounds.map(({ type, seq }) => [type, seq])).toEqual([
      ['execution.started', 1],
      ['execution.ended', events.length],
    ])
    expect(events.flatMap((event) => (event.type === 'step.started' ? [event.item] : []))).toEqual([0, 1, 2, 3])
  })

  test('all steps see one execution id; the idempotency key is the item’s own, and stays over retries', async () => {
    const clock = new VirtualTime()
    const seen: { id: string; item: number | undefined; key: string }[] = []
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Made,
      retry: { maxAttempts: 2, backoff: fixed(5) },
      run: ({ id }, { executionId, item, idempotencyKey, attempt }) => {
        seen.push({ id: executionId, item, key: idempotencyKey })
        if (attempt === 1) throw new Error('again')
        return id
      },
    })
    const done = step({
      name: 'Done',
      inputs: { made: Made },
      output: Done,
      run: ({ made }, { executionId, item, idempotencyKey }) => {
        seen.push({ id: executionId, item, key: idempotencyKey })
        return made
      },
    })
    await clock.settle(executeBatch(graph({ name: 'keys', steps: [make, done] }), Done, range(3), { clock }))
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1)
    expect(seen.map(({ item }) => item).sort()).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
    // Two steps of three items: six keys over nine attempts.
    expect(new Set(seen.map(({ key }) => key)).size).toBe(6)
  })
})
