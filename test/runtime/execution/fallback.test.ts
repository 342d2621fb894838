import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AbortExecutionError, dataType, NonRetryableError, step } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, number, recorder, run, stepErrorOf } from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Target = number('Target')
const boom = new Error('boom')

const falls = (fallback: unknown, more: object = {}) =>
  graphOf([
    step({
      name: 's',
      inputs: { leaf: number('Leaf') },
      output: Target,
      run: () => Promise.reject(boom),
      fallback: fallback as number,
      ...more,
    }),
  ])

describe('fallback', () => {
  test('a value takes the place of the result, after all attempts', async () => {
    const clock = new VirtualClock()
    let attempts = 0
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 2 },
        fallback: 8,
        run: () => (attempts++, Promise.reject(boom)),
      }),
    ])
    expect(await clock.settle(run(graph, Target, {}, { clock }))).toBe(8)
    expect(attempts).toBe(2)
  })

  test.each([
    ['zero', 0],
    ['null', null],
    ['false', false],
    ['an empty text', ''],
  ])('%s is a value like any', async (_, value) => {
    expect(await run(falls(value), Target, { Leaf: 1 })).toBe(value)
  })

  test('a function gets the error and the inputs', async () => {
    let seen: readonly unknown[] = []
    const graph = falls((...given: unknown[]) => ((seen = given), 6))
    expect(await run(graph, Target, { Leaf: 3 })).toBe(6)
    expect(seen[0]).toBe(boom)
    expect(seen[1]).toEqual({ leaf: 3 })
  })

  test('an async function is awaited', async () => {
    expect(
      await run(
        falls(async () => 9),
        Target,
        { Leaf: 1 },
      ),
    ).toBe(9)
  })

  test('stands in after a timeout', async () => {
    const clock = new VirtualClock()
    const graph = graphOf([
      step({ name: 's', output: Target, timeout: 10, fallback: 2, run: () => new Promise<number>(() => {}) }),
    ])
    expect(await clock.settle(run(graph, Target, {}, { clock }))).toBe(2)
  })

  test('that does not fit the type leaves the step failed with its own cause', async () => {
    const Checked = dataType('Checked', z.number())
    const graph = graphOf([
      step({ name: 's', output: Checked, run: () => Promise.reject(boom), fallback: () => 'no' as never }),
    ])
    const error = await stepErrorOf(run(graph, Checked))
    expect(error.cause).toBe(boom)
    expect(String(error.policyError)).toContain('fallback')
  })

  test('is reported in the step’s end, with the error', async () => {
    const { events, observer } = recorder()
    await run(falls(1), Target, { Leaf: 1 }, { observers: [observer] })
    expect(events.find((event) => event.type === 'step.ended')).toMatchObject({
      status: 'completed',
      fellBack: true,
      error: boom,
    })
  })

  test('that comes after the end changes nothing', async () => {
    const controller = new AbortController()
    const slow = Promise.withResolvers<number>()
    const { events, observer } = recorder()
    const failing = run(
      falls(() => slow.promise),
      Target,
      { Leaf: 1 },
      { signal: controller.signal, observers: [observer] },
    )
    await flush()
    controller.abort()
    await expect(failing).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
    const told = events.length
    slow.resolve(1)
    await flush()
    expect(events.length).toBe(told)
  })

  test('a NonRetryableError falls back; an AbortExecutionError does not', async () => {
    const of = (thrown: Error) =>
      graphOf([step({ name: 's', output: Target, fallback: 5, run: () => Promise.reject(thrown) })])
    expect(await run(of(new NonRetryableError()), Target)).toBe(5)
    const abort = new Error('outer', { cause: new AbortExecutionError() })
    expect((await stepErrorOf(run(of(abort), Target))).cause).toBe(abort)
  })
})
