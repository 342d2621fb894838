import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, execute, graph, step, type, value } from '../../../src/index.ts'
import { rejectionOf } from '../../loose-api.ts'
import { VirtualTime } from '../virtual-time.ts'

const A = dataType('A', type<number>())
const B = dataType('B', type<number>())
const C = dataType('C', type<number>())
const D = dataType('D', type<number>())
const fail = (message: string) => (): never => {
  throw new Error(message)
}

test('an attempt in flight is waited for, and what it brings is undone with its value', async () => {
  const clock = new VirtualTime()
  const log: string[] = []
  const steps = [
    step({
      name: 'MakeA',
      output: A,
      run: async () => {
        await clock.sleep(3_000)
        return 7
      },
      compensate: (one, { isUncertain }) => void log.push(`undone ${one} ${isUncertain} at ${clock.now() - began}`),
    }),
    step({
      name: 'MakeB',
      output: B,
      run: async () => {
        await clock.sleep(1_000)
        throw new Error('no')
      },
    }),
    step({ name: 'MakeC', inputs: { a: A, b: B }, output: C, run: () => 1 }),
  ] as const
  const began = clock.now()
  const outcome = rejectionOf(execute(graph({ name: 'in-flight', steps }), C, {}, { clock }))
  expect(await clock.settle(outcome)).toMatchObject({ step: 'MakeB' })
  expect(log).toEqual(['undone 7 false at 3000'])
})

test.each([undefined, '2s'])(
  'an attempt in flight that does not answer within compensate.wait (%s) is uncertain',
  async (wait) => {
    const clock = new VirtualTime()
    const log: string[] = []
    const steps = [
      step({
        name: 'MakeA',
        output: A,
        run: () => clock.sleep(1e9).then(() => 7),
        compensate: {
          run: (one, { isUncertain, inputs }) =>
            void log.push(`${one} ${isUncertain} ${JSON.stringify(inputs)} ${clock.now() - began}`),
          wait,
        },
      }),
      step({ name: 'MakeB', output: B, run: fail('no') }),
      step({ name: 'MakeC', inputs: { a: A, b: B }, output: C, run: () => 1 }),
    ] as const
    const began = clock.now()
    const outcome = rejectionOf(execute(graph({ name: 'uncertain', steps }), C, {}, { clock }))
    await clock.advance(20_000)
    expect(await outcome).toMatchObject({ step: 'MakeB' })
    expect(log).toEqual([`undefined true {} ${wait === undefined ? 10_000 : 2_000}`])
  },
)

test('an attempt in flight that fails by itself, and knows of no signal, has nothing to undo', async () => {
  const clock = new VirtualTime()
  const log: string[] = []
  const steps = [
    step({
      name: 'MakeA',
      output: A,
      run: async (): Promise<number> => {
        await clock.sleep(100)
        throw new Error('refused')
      },
      compensate: () => void log.push('undone'),
    }),
    step({ name: 'MakeB', output: B, run: fail('no') }),
    step({ name: 'MakeC', inputs: { a: A, b: B }, output: C, run: () => 1 }),
  ] as const
  const outcome = rejectionOf(execute(graph({ name: 'refused', steps }), C, {}, { clock }))
  await clock.settle(outcome)
  expect(log).toEqual([])
})

test('an attempt that timed out is uncertain, also behind a fallback, and one that succeeds after it is undone once with its value', async () => {
  const clock = new VirtualTime()
  const log: string[] = []
  const keys = new Set<string>()
  let tries = 0
  const steps = [
    step({
      name: 'MakeA',
      output: A,
      run: (_, { signal }) => clock.sleep(1e6, signal).then(() => 1),
      timeout: '1s',
      fallback: 5,
      compensate: (one, { isUncertain }) => void log.push(`a ${one} ${isUncertain}`),
    }),
    step({
      name: 'MakeB',
      output: B,
      run: (_, context) => {
        keys.add(context.idempotencyKey)
        return ++tries === 1 ? clock.sleep(1e6, context.signal).then(() => 1) : 2
      },
      timeout: '1s',
      retry: { maxAttempts: 2 },
      compensate: (one, { isUncertain, idempotencyKey, stepIdempotencyKey }) => {
        expect([...keys]).toEqual([stepIdempotencyKey])
        expect(idempotencyKey).not.toBe(stepIdempotencyKey)
        log.push(`b ${one} ${isUncertain}`)
      },
    }),
    step({ name: 'MakeC', inputs: { a: A, b: B }, output: C, run: fail('no') }),
  ] as const
  const outcome = rejectionOf(execute(graph({ name: 'timed-out', steps }), C, {}, { clock }))
  await clock.settle(outcome)
  expect(log.toSorted()).toEqual(['a undefined true', 'b 2 false'])
})

test('a fallback after a failure is nothing that the step did, and a value that does not fit its type is uncertain', async () => {
  const log: string[] = []
  const Small = dataType('Small', z.number().max(5))
  const steps = [
    step({ name: 'MakeA', output: A, run: fail('no'), fallback: 1, compensate: () => void log.push('a') }),
    step({
      name: 'MakeSmall',
      inputs: { a: A },
      output: Small,
      run: () => 6,
      compensate: (one) => void log.push(`small ${one}`),
    }),
  ] as const
  await rejectionOf(execute(graph({ name: 'unfit', steps }), Small, {}))
  expect(log).toEqual(['small undefined'])
})

test('an override, a declared value and a remembered result are somebody else’s, and stay', async () => {
  const log: string[] = []
  const makeA = step({
    name: 'MakeA',
    output: A,
    run: () => 1,
    persist: 'execution',
    compensate: () => void log.push('a'),
  })
  const makeB = step({ name: 'MakeB', output: B, run: () => 1, compensate: () => void log.push('b') })
  const makeD = step({
    name: 'MakeD',
    inputs: { a: A, b: B, c: C },
    output: D,
    run: ({ c }) => (c > 1 ? fail('no')() : c),
  })
  const others = graph({ name: 'others', steps: [makeA, makeB, value(C, 2), makeD] })
  const makeE = step({ name: 'MakeE', inputs: { a: A }, output: D, run: ({ a }) => a })
  // The same name and step: what this one has made is remembered for that id.
  await execute(graph({ name: 'others', steps: [makeA, makeE] }), D, {}, { id: 'cached-elsewhere' })
  await rejectionOf(execute(others, D, {}, { overrides: { B: 5 } }))
  expect(log).toEqual(['a'])
})

test('what was undone is not found again: the same id runs it anew, with another idempotency key', async () => {
  const keys: string[] = []
  let fails = true
  const makeA = step({
    name: 'MakeA',
    output: A,
    run: (_, { idempotencyKey }) => keys.push(idempotencyKey),
    persist: 'execution',
    compensate: () => {},
  })
  const makeB = step({
    name: 'MakeB',
    inputs: { a: A },
    output: B,
    run: ({ a }) => (fails ? fail('no')() : a),
  })
  const again = graph({ name: 'again', steps: [makeA, makeB] })
  await rejectionOf(execute(again, B, {}, { id: 'same' }))
  await rejectionOf(execute(again, B, {}, { id: 'same' }))
  fails = false
  expect(await execute(again, B, {}, { id: 'same' })).toBe(3)
  expect(new Set(keys).size).toBe(3)
  expect(await execute(again, B, {}, { id: 'same' })).toBe(3)
  expect(keys).toHaveLength(3)
})

test.each(['0.5s', '4s'])(
  'what an attempt that timed out brings late does not take the place of the value that others were given (after %s)',
  async (late) => {
    const clock = new VirtualTime()
    const log: string[] = []
    let tries = 0
    const makeA = step({
      name: 'MakeA',
      output: A,
      run: async () => {
        if (++tries > 1) return (await clock.sleep(900), 2)
        await clock.sleep(1_000 + Number.parseFloat(late) * 1_000)
        return 1
      },
      timeout: '1s',
      retry: { maxAttempts: 2 },
      compensate: (one, { isUncertain }) => void log.push(`undone ${one} ${isUncertain}`),
    })
    const makeB = step({
      name: 'MakeB',
      inputs: { a: A },
      output: B,
      run: async ({ a }) => {
        log.push(`given ${a}`)
        await clock.sleep(10_000)
        return fail('no')()
      },
    })
    const outcome = rejectionOf(execute(graph({ name: 'late', steps: [makeA, makeB] }), B, {}, { clock }))
    await clock.settle(outcome)
    expect(log).toEqual(['given 2', 'undone 2 false'])
  },
)
