import { runInNewContext } from 'node:vm'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  createDocket,
  dataType,
  execute,
  NonRetryableError,
  resultsLike,
  step,
  type,
  workflow,
} from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { expectNoUnhandledErrors, graphOf, number, run, stepErrorOf, uniqueName } from '../loose-api.ts'
import { createTestDocket, VirtualClock } from '../../src/testing/index.ts'

expectNoUnhandledErrors()

const Out = number('Out')

/** What code evaluates to in a realm of its own, like a jest environment: its classes are not ours. */
const foreign = (code: string): unknown => runInNewContext(code, { URL, AbortController, Buffer }) as unknown

const promise = (code: string): Promise<never> => foreign(`Promise.resolve(${code})`) as Promise<never>

/** Not an instance of AbortSignal, as those that a test environment brings along. */
function foreignSignal({ signal }: AbortController): AbortSignal {
  return new Proxy(signal, {
    getPrototypeOf: () => ({}),
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

describe('of another realm', () => {
  test('an error keeps its message in the error of its step', async () => {
    const graph = graphOf([
      step({ name: 's', output: Out, run: () => Promise.reject(foreign('new TypeError("far")') as Error) }),
    ])
    const error = await stepErrorOf(run(graph, Out))
    expect(error.message).toBe('step "s" failed after 1 attempt: far')
    expect(error.toJSON()).toMatchObject({ cause: { name: 'TypeError', message: 'far' } })
  })

  test('an error that is caused by a NonRetryableError ends the retries', async () => {
    let attempts = 0
    const fail = (): never => {
      attempts++
      throw Object.assign(foreign('new Error("far")') as Error, { cause: new NonRetryableError('no') })
    }
    await stepErrorOf(run(graphOf([step({ name: 's', output: Out, retry: { maxAttempts: 3 }, run: fail })]), Out))
    expect(attempts).toBe(1)
  })

  test('a promise is awaited: of run, of a schema, of a fallback', async () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: (value: number) => promise(`{ value: ${value} + 1 }`) },
    } as never
    const Checked = dataType('Checked', schema)
    const graph = graphOf([
      step({ name: 'run', output: Checked, run: () => promise('1') }),
      step({
        name: 'fallback',
        output: Out,
        fallback: () => promise('5'),
        run: () => Promise.reject(new Error('no')),
      }),
    ])
    expect(await run(graph, Checked)).toBe(2)
    expect(await run(graph, Out)).toBe(5)
  })

  test('a rejected promise of an observer is a warning', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
    onTestFinished(() => warned.mockRestore())
    await run(
      graphOf([step({ name: 's', output: Out, run: () => 1 })], {
        observers: [() => foreign('Promise.reject(new Error("far"))')],
      }),
      Out,
    )
    await new Promise((resolve) => setTimeout(resolve))
    expect(warned.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringMatching(/observer threw.*far/),
    ])
  })

  test('a signal cancels, a Date is a deadline', async () => {
    const graph = graphOf([step({ name: 's', output: Out, run: () => new Promise<number>(() => {}) })])
    const controller = new AbortController()
    const signal = foreignSignal(controller)
    const cancelled = run(graph, Out, {}, { signal }).catch((error: Error) => error)
    controller.abort(foreign('new Error("far")'))
    expect(await cancelled).toMatchObject({ code: 'EXECUTION_CANCELLED', message: expect.stringMatching(/far$/) })
    const clock = new VirtualClock()
    const deadline = foreign(`new Date(${clock.now() + 10})`)
    const late = run(graph, Out, {}, { deadline, clock }).catch((error: Error) => error)
    await clock.advance(10)
    expect(await late).toMatchObject({ code: 'EXECUTION_TIMEOUT' })
  })

  test('a signal ends a watch, and a Date says when something may start, and at which time a test begins', async () => {
    const graph = graphOf([step({ name: 's', output: Out, persist: 'execution', run: () => 1 })])
    const now = foreign('new Date(5)') as Date
    await using docket = createTestDocket({ graphs: [graph], now } as never)
    expect(docket.now()).toEqual(new Date(5))
    const startAt = foreign('new Date(3_600_000)')
    const handle = await docket.start(graph as never, Out as never, {}, { id: 'later', startAt } as never)
    const controller = new AbortController()
    const watched = handle.watch(Out, { signal: foreignSignal(controller) }).next()
    controller.abort()
    await expect(watched).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  })

  test('a regular expression finds results by name', async () => {
    const Sum = number('Sum')
    const one = step({ name: 'one', output: Out, run: () => 1 })
    const sum = step({
      name: 'sum',
      output: Sum,
      results: {},
      run: (_, { results }) => Object.keys(resultsLike(results, foreign('/^a/') as RegExp, Out)).length,
    })
    const flow = workflow('sums')
      .add('a', one, {})
      .add('b', one, {})
      .add('sum', sum, {}, { dependsOn: ['a', 'b'] })
    expect(await execute(flow)).toMatchObject({ sum: 1 })
  })

  test('values are kept, as values of this one', async () => {
    const Value = dataType('Value', type<unknown>())
    const code =
      '({ error: new RangeError("far"), date: new Date(5), map: new Map([[1, new Set([2])]]), bytes: new Uint16Array([1, 2]), url: new URL("http://a/") })'
    const graph = graphOf([step({ name: 's', output: Value, persist: 'execution', run: () => foreign(code) })])
    await using docket = createDocket({ graphs: [graph], store: memoryStore() } as never)
    const id = uniqueName('id')
    await docket.execute(graph as never, Value as never, {}, { id })
    const found = (await docket.get(id)!.then((handle) => handle!.details())).output
    expect(found).toEqual({
      error: new RangeError('far'),
      date: new Date(5),
      map: new Map([[1, new Set([2])]]),
      bytes: new Uint16Array([1, 2]),
      url: new URL('http://a/'),
    })
  })
})

test('a Date of fake timers is kept as a Date', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000 })
  const faked = new Date()
  vi.useRealTimers()
  expect(Object.getPrototypeOf(faked)).not.toBe(Date.prototype)
  const When = dataType('When', type<Date>())
  const Again = dataType('Again', type<Date>())
  const graph = graphOf([
    step({ name: 's', inputs: { when: When }, output: Out, persist: 'global', run: () => 1 }),
    step({ name: 'again', output: Again, persist: 'execution', run: () => faked }),
  ])
  expect(await run(graph, Out, { When: faked })).toBe(1)
  expect(await run(graph, Again, {}, { id: uniqueName('id') })).toEqual(new Date(1_000))
})
