import { describe, expect, test } from 'vitest'
import {
  dataType,
  durableStep,
  executeBatch,
  fixed,
  graph,
  NonRetryableError,
  OptionError,
  RetryAfterError,
  step,
  StepError,
  type,
} from '../../../src/index.ts'
import type { ExecutionEvent, RetryPolicy } from '../../../src/index.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { graphOf, number, run, stepErrorOf } from '../../loose-api.ts'

const Target = number('Target')
const minute = 60_000

/** The times of all attempts, from the first one, of a step that fails once in each of these ways. */
async function timesOf(failures: readonly ((now: number) => unknown)[], retry: RetryPolicy): Promise<number[]> {
  const clock = new VirtualClock()
  const start = clock.now()
  const times: number[] = []
  const flaky = step({
    name: 'flaky',
    output: Target,
    retry,
    run: () => {
      times.push(clock.now() - start)
      const failure = failures[times.length - 1]
      if (failure !== undefined) throw failure(clock.now())
      return 1
    },
  })
  await clock.settle(run(graphOf([flaky]), Target, {}, { clock }))
  return times
}

describe('RetryAfterError', () => {
  test('says when the next attempt begins, whatever the backoff says', async () => {
    const retry = { maxAttempts: 9, backoff: fixed('5m') }
    const times = await timesOf(
      [
        () => new RetryAfterError('1m'),
        () => new RetryAfterError(0),
        () => new RetryAfterError('10m'),
        (now) => new RetryAfterError(new Date(now + 2 * minute)),
        (now) => new RetryAfterError(new Date(now - minute)),
        () => new Error('busy', { cause: new RetryAfterError('1m') }),
        () => Object.assign(new Error('of another copy'), { code: 'RETRY_AFTER', retryAfterMs: minute }),
        () => new Error('any other'),
      ],
      retry,
    )
    expect(times.map((time) => time / minute)).toEqual([0, 1, 1, 11, 13, 13, 14, 15, 20])
  })

  test('counts as an attempt, and is the cause when there is none left', async () => {
    const cause = new Error('429')
    const thrown = new RetryAfterError('1m', { cause })
    let attempts = 0
    const limited = (retry?: RetryPolicy) =>
      graphOf([
        step({ name: 's', output: Target, ...(retry && { retry }), run: () => (attempts++, Promise.reject(thrown)) }),
      ])
    const clock = new VirtualClock()
    const error = await clock.settle(stepErrorOf(run(limited({ maxAttempts: 3 }), Target, {}, { clock })))
    expect([error.cause, error.attempt, attempts]).toEqual([thrown, 3, 3])
    expect(thrown).toMatchObject({ code: 'RETRY_AFTER', retryAfterMs: minute, retryAt: undefined, cause })
    const only = await stepErrorOf(run(limited(), Target))
    expect([only.cause, only.attempt, attempts]).toEqual([thrown, 1, 4])
  })

  test('does not stand above retryIf, nor above an error that ends the attempts', async () => {
    const refusing = { maxAttempts: 3, retryIf: () => false }
    const final = new RetryAfterError('1m', { cause: new NonRetryableError() })
    await expect(timesOf([() => new RetryAfterError('1m')], refusing)).rejects.toThrow(StepError)
    await expect(timesOf([() => final], { maxAttempts: 3 })).rejects.toThrow(StepError)
  })

  test.each([[NaN], [-1], ['soon'], [new Date(NaN)], [undefined], [null], [{}]])('refuses %s', (after) => {
    expect(() => new RetryAfterError(after as never)).toThrow(OptionError)
    expect(() => new RetryAfterError(after as never)).toThrow(/neither a duration nor a valid Date; use milliseconds/)
  })

  test('cannot be stretched by whatever it carries: what is not a time is no time', async () => {
    const broken = [NaN, -1, '5', Infinity - Infinity].map(
      (retryAfterMs) => () =>
        Object.assign(new Error('odd'), { code: 'RETRY_AFTER', retryAfterMs, retryAt: 'tomorrow' }),
    )
    const times = await timesOf(broken, { maxAttempts: 9, backoff: '1m' })
    expect(times.map((time) => time / minute)).toEqual([0, 1, 2, 3, 4])
  })

  test('holds for the items of a batch, each by itself', async () => {
    const clock = new VirtualClock()
    const Item = dataType('Item', type<number>())
    const tried = new Map<number, number>()
    const work = step({
      name: 'work',
      inputs: { item: Item },
      output: Target,
      retry: { maxAttempts: 2 },
      run: ({ item }, { attempt }) => {
        if (attempt === 1) throw new RetryAfterError(item * minute)
        tried.set(item, clock.elapsed())
        return item
      },
    })
    const batch = executeBatch(graph({ name: 'g', steps: [work] }), Target, [{ Item: 2 }, { Item: 1 }], { clock })
    expect(await clock.settle(batch)).toEqual([2, 1])
    expect(tried.get(2)! - tried.get(1)!).toBe(minute)
  })
})

describe('RetryAfterError that does not count', () => {
  test('gives the number of its attempt back, as often as it is thrown', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    const events: string[] = []
    const flaky = step({
      name: 'flaky',
      output: Target,
      retry: { maxAttempts: 2 },
      run: (_, { attempt }) => {
        seen.push(attempt)
        if (seen.length <= 5) throw new RetryAfterError('1m', { countsAsAttempt: false })
        if (seen.length === 6) throw new Error('this one counts')
        if (seen.length <= 9) throw new RetryAfterError(0, { countsAsAttempt: false })
        return 1
      },
    })
    const observers = [
      (event: ExecutionEvent) => {
        if (event.type === 'retry.scheduled') events.push(`${event.attempt} in ${event.delayMs}`)
      },
    ]
    expect(await clock.settle(run(graphOf([flaky]), Target, {}, { clock, observers }))).toBe(1)
    expect(seen).toEqual([1, 1, 1, 1, 1, 1, 2, 2, 2, 2])
    expect(events).toEqual([...Array<string>(5).fill('1 in 60000'), '1 in 0', '2 in 0', '2 in 0', '2 in 0'])
  })

  test('counts all the same in a step without retry, where retryIf says no, and in an undo', async () => {
    const thrown = new RetryAfterError('1m', { countsAsAttempt: false })
    const once = (retry?: RetryPolicy) =>
      graphOf([step({ name: 's', output: Target, ...(retry && { retry }), run: () => Promise.reject(thrown) })])
    const clock = new VirtualClock()
    expect((await clock.settle(stepErrorOf(run(once(), Target, {}, { clock })))).attempt).toBe(1)
    const refused = once({ maxAttempts: 5, retryIf: () => false })
    expect((await clock.settle(stepErrorOf(run(refused, Target, {}, { clock })))).attempt).toBe(1)
    let undos = 0
    const End = number('End')
    const undone = graphOf([
      step({
        name: 'done',
        output: Target,
        run: () => 1,
        compensate: { retry: { maxAttempts: 3 }, run: () => (undos++, Promise.reject(thrown)) },
      }),
      step({ name: 'end', inputs: { t: Target }, output: End, run: () => Promise.reject(new Error('no')) }),
    ])
    await clock.settle(stepErrorOf(run(undone, End, {}, { clock })))
    expect(undos).toBe(3)
  })
})

describe('RetryAfterError in a docket', () => {
  const Order = dataType('Order', type<string>())
  const Receipt = dataType('Receipt', type<number>())

  test('waits parked, and over the death of its process', async () => {
    const attempts: number[] = []
    const charge = step({
      name: 'Charge',
      inputs: { order: Order },
      output: Receipt,
      persist: 'execution',
      retry: { maxAttempts: 3, backoff: '1s' },
      run: (_, { attempt }) => {
        attempts.push(docket.now().getTime())
        if (attempt === 1) throw new RetryAfterError('6h', { cause: new Error('429') })
        if (attempt === 2) throw new RetryAfterError(new Date(docket.now().getTime() + 60 * minute))
        return attempt
      },
    })
    const orders = graph({ name: 'orders', steps: [charge] })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, { Order: 'o' })
    await docket.advance('1h')
    const [retrying] = (await handle.details()).steps
    expect(retrying).toMatchObject({ status: 'retrying', waitsFor: { kind: 'retry' } })
    await docket.restart()
    expect(await handle.result()).toBe(3)
    expect(attempts.map((at) => (at - attempts[0]!) / minute)).toEqual([0, 360, 420])
  })

  test('loses no attempt where it does not count, however often its process dies meanwhile', async () => {
    const seen: string[] = []
    const charge = step({
      name: 'Charge',
      inputs: { order: Order },
      output: Receipt,
      persist: 'execution',
      retry: { maxAttempts: 2 },
      run: (_, { attempt, idempotencyKey }) => {
        seen.push(`${attempt} ${idempotencyKey}`)
        if (seen.length <= 3) throw new RetryAfterError('1h', { countsAsAttempt: false })
        if (seen.length === 4) throw new RetryAfterError('1h')
        if (seen.length === 5) throw new RetryAfterError('1h', { countsAsAttempt: false })
        return attempt
      },
    })
    const orders = graph({ name: 'orders', steps: [charge] })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, { Order: 'o' })
    for (let deaths = 0; deaths < 5; deaths++) {
      await docket.advance('30m')
      await docket.restart()
      await docket.advance('30m')
    }
    expect(await handle.result()).toBe(2)
    expect(seen.map((one) => one.split(' ')[0])).toEqual(['1', '1', '1', '1', '2', '2'])
    expect(new Set(seen.map((one) => one.split(' ')[1])).size).toBe(1)
  })

  test('does not count in a call of a durable function either', async () => {
    const attempts: number[] = []
    const late = durableStep({
      name: 'Handle',
      inputs: { order: Order },
      output: Receipt,
      run: (_, ctx) =>
        ctx.step(
          'call',
          ({ attempt }) => {
            attempts.push(attempt)
            if (attempts.length < 4) throw new RetryAfterError('1h', { countsAsAttempt: false })
            if (attempts.length === 4) throw new Error('counts')
            return attempts.length
          },
          { retry: { maxAttempts: 2 } },
        ),
    })
    const orders = graph({ name: 'orders', steps: [late] })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, { Order: 'o' })
    await docket.advance('90m')
    await docket.restart()
    expect(await handle.result()).toBe(5)
    expect(attempts).toEqual([1, 1, 1, 1, 2])
  })

  test('is what the calls of a durable function, and an undo, go by too', async () => {
    const times: string[] = []
    const at = (what: string): void => void times.push(`${what} ${docket.now().getUTCHours()}`)
    const late = durableStep({
      name: 'Handle',
      inputs: { order: Order },
      output: Receipt,
      run: async (_, ctx) => {
        await ctx.step(
          'call',
          ({ attempt }) => {
            at('call')
            if (attempt === 1) throw new RetryAfterError('2h')
          },
          { retry: { maxAttempts: 2, backoff: '1s' } },
        )
        return 1
      },
      compensate: {
        retry: { maxAttempts: 2, backoff: '1s' },
        run: (_, { attempt }) => {
          at('undo')
          if (attempt === 1) throw new RetryAfterError('3h')
        },
      },
    })
    const Letter = dataType('Letter', type<string>())
    const send = step({
      name: 'Send',
      inputs: { receipt: Receipt },
      output: Letter,
      run: () => Promise.reject(new Error('no paper')),
    })
    const orders = graph({ name: 'orders', steps: [late, send] })
    await using docket = createTestDocket({ graphs: [orders] })
    const handle = await docket.start(orders, Letter, { Order: 'o' })
    await expect(handle.result()).rejects.toThrow('no paper')
    expect(times).toEqual(['call 0', 'call 2', 'undo 2', 'undo 5'])
  })
})
