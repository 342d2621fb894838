import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { AbortExecutionError, NonRetryableError, SerializationError, StepError } from '../../../src/core/errors.ts'
import type { StoredValue } from '../../../src/core/contracts/stored-value.ts'
import { createValueEncoding } from '../../../src/core/values/value-encoding.ts'

const here = ['step', 'execution-1', 'Fetch', '', 'error']
const encoding = createValueEncoding()

function stored(thrown: unknown): unknown {
  return encoding.decodeError(encoding.encodeError(thrown, here) as StoredValue, here)
}

class PaymentError extends RangeError {
  override name = 'PaymentError'
  readonly cents: bigint
  readonly at = new Date(0)
  readonly retry = (): void => {}
  constructor(message: string, cents: bigint, options?: ErrorOptions) {
    super(message, options)
    this.cents = cents
  }
}

describe('an error', () => {
  test('keeps name, message, stack, fields and causes, of whatever class it is', () => {
    const root = Object.assign(new TypeError('socket closed'), { code: 'ECONNRESET' })
    const payment = new PaymentError('declined', 100n, { cause: root })
    const error = new StepError('step failed', { step: 'Pay', attempt: 2, executionId: 'e1' }, payment)
    const back = stored(error) as StepError & { readonly cause: PaymentError }
    expect(back).toBeInstanceOf(Error)
    expect(back).toMatchObject({
      name: 'StepError',
      message: 'step failed',
      code: 'STEP_FAILED',
      step: 'Pay',
      attempt: 2,
    })
    expect(back.stack).toBe(error.stack)
    expect(Object.keys(back)).not.toContain('name')
    expect(back.cause).toBeInstanceOf(RangeError)
    expect(back.cause).toMatchObject({ name: 'PaymentError', message: 'declined', cents: 100n, at: new Date(0) })
    expect(back.cause.stack).toBe(payment.stack)
    expect(back.cause.cause).toBeInstanceOf(TypeError)
    expect(back.cause.cause).toMatchObject({ message: 'socket closed', code: 'ECONNRESET' })
    expect(String(back)).toBe('StepError: step failed')
  })

  test('can be found with SQL', () => {
    const text = encoding.encodeError(new NonRetryableError('no'), here) as string
    expect(JSON.parse(text)).toMatchObject({
      $error: { name: 'NonRetryableError', message: 'no', fields: { code: 'NON_RETRYABLE' } },
    })
  })

  test('that was stored is stored the same again', () => {
    const error = new PaymentError('declined', 100n, { cause: new AggregateError([new Error('a'), 'b'], 'all') })
    const once = encoding.encodeError(error, here) as string
    expect(encoding.encodeError(encoding.decodeError(once, here), here)).toBe(once)
  })

  test('of many keeps them all', () => {
    const back = stored(new AggregateError([new AbortExecutionError('a'), 'b', { c: 1 }], 'all')) as AggregateError
    expect(back).toBeInstanceOf(AggregateError)
    expect(back.errors).toHaveLength(3)
    expect(back.errors[0]).toMatchObject({ name: 'AbortExecutionError', code: 'EXECUTION_ABORTED' })
    expect(back.errors.slice(1)).toEqual(['b', { c: 1 }])
  })

  test('keeps errors and data in its fields, and keeps the rest as text', () => {
    const server = createServer()
    const error = Object.assign(new Error('a'), {
      issues: [{ at: new Date(1), error: new NonRetryableError('inner') }],
      request: server,
      response: { status: 500, body: server, retry: () => 1, size: 1n },
      map: new Map([[1, Symbol('x')]]),
      id: Symbol('s'),
    })
    const back = stored(error) as unknown as Record<string, never>
    expect(back['issues']).toMatchObject([{ at: new Date(1), error: { name: 'NonRetryableError', message: 'inner' } }])
    expect(back['request']).toMatch(/^Server/)
    expect(back['response']).toMatchObject({ status: 500, body: expect.stringMatching(/^Server/), size: 1n })
    expect(back['map']).toMatch(/^Map.*Symbol\(x\)/)
    expect(back['id']).toBe('Symbol(s)')
  })

  test('that leads back to itself ends there', () => {
    const error: Error & { self?: unknown; list?: unknown } = new Error('a')
    error.cause = new Error('b', { cause: error })
    error.self = error
    error.list = [{ error }]
    expect(stored(error)).toMatchObject({
      message: 'a',
      self: '[circular]',
      list: [{ error: '[circular]' }],
      cause: { message: 'b', cause: '[circular]' },
    })
    const record: { self?: unknown } = {}
    record.self = record
    expect(stored(Object.assign(new Error('a'), { record }))).toMatchObject({ record: { self: '[circular]' } })
  })

  test('whose causes never end is stored all the same', () => {
    class Endless extends Error {
      override get cause(): unknown {
        return new Endless('again')
      }
    }
    let back = stored(new Endless('first')) as Error
    let causes = 0
    while (back.cause instanceof Error) {
      back = back.cause
      causes++
    }
    expect(causes).toBeGreaterThan(10)
    expect(causes).toBeLessThan(100)
  })

  test('that is wide and deep does not take for ever', () => {
    const tree = (depth: number): Error =>
      Object.assign(new Error(`level ${depth}`), depth === 0 ? {} : { parts: [1, 2, 3].map(() => tree(depth - 1)) })
    expect(stored(tree(3))).toMatchObject({ message: 'level 3', parts: [{ message: 'level 2' }, {}, {}] })
    expect(stored(tree(9))).toMatchObject({ message: 'level 9' })
  })

  test('that resists reading is stored with what can be read', () => {
    const error = Object.defineProperties(new Error('a'), {
      stack: { get: () => raised(new Error('no stack')) },
      secret: { get: () => raised(new Error('no secret')), enumerable: true },
    })
    expect(stored(error)).toMatchObject({ message: 'a', secret: '[reading it threw no secret]' })
    const proxy = new Proxy(new Error('a'), {
      ownKeys: () => raised(new Error('no keys')),
      getPrototypeOf: () => raised(new Error('no prototype')),
    })
    expect(() => stored(proxy)).not.toThrow()
    const { proxy: revoked, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(() => stored(revoked)).not.toThrow()
  })

  test('without a stack of its own does not get one', () => {
    const error = new Error('a')
    delete error.stack
    expect((stored(error) as Error).stack).toBeUndefined()
  })

  test('of the platform keeps its name', () => {
    const back = stored(AbortSignal.abort().reason) as Error
    expect(back).toMatchObject({ name: 'AbortError', message: 'This operation was aborted' })
    expect(back).toBeInstanceOf(Error)
  })

  test('that is too big is stored without what makes it so', () => {
    const small = createValueEncoding({ maxBytes: 8_000 })
    const error = Object.assign(new TypeError('m'.repeat(5_000), { cause: new Error('c') }), {
      body: 'x'.repeat(9_000),
    })
    const text = small.encodeError(error, here) as string
    const back = small.decodeError(text, here) as Error
    expect(back.name).toBe('TypeError')
    expect(back.message).toMatch(/^m{1000}… \(4000 more characters were cut\)$/)
    expect(back).toMatchObject({ cause: { message: 'c' } })
    const tiny = createValueEncoding({ maxBytes: 1_000 })
    const rest = tiny.decodeError(tiny.encodeError(error, here) as string, here) as Error
    expect(rest.message).toMatch(/the error itself has \d+ bytes and can’t be stored: the limit is 1000\)$/)
    expect(rest.cause).toBeUndefined()
  })

  test('takes 64 KiB at most, whatever hangs on it', () => {
    const encoding = createValueEncoding()
    const causes = Array.from({ length: 200 }, (_, i) => new Error(`cause ${i} ${'c'.repeat(500)}`))
    for (const error of [
      Object.assign(new Error('a response'), { body: 'x'.repeat(5_000_000) }),
      Object.assign(new Error('rows'), { rows: Array.from({ length: 50_000 }, (_, id) => ({ id })) }),
      new AggregateError(causes, 'many'),
      new Error('m'.repeat(1_000_000)),
      'a text '.repeat(100_000),
    ]) {
      const text = encoding.encodeError(error, here) as string
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_536)
      const back = encoding.decodeError(text, here)
      if (back instanceof Error && error instanceof Error)
        expect(back.message.slice(0, 8)).toBe(error.message.slice(0, 8))
    }
  })

  test('is not stored when a codec fails', () => {
    const failing = createValueEncoding({
      codecs: [{ name: 'vault', encode: () => raised(new Error('no key')), decode: (bytes) => bytes }],
    })
    expect(() => failing.encodeError(new Error('secret'), here)).toThrow(SerializationError)
  })
})

describe('what was thrown and is no error', () => {
  test.each([['a text'], [undefined], [null], [5n], [{ code: 1, $date: 2 }], [[new Date(1)]], [{ $date: 2 }]])(
    '%o comes back',
    (thrown) => {
      expect(stored(thrown)).toStrictEqual(thrown)
    },
  )

  test('is kept as text where it is not data', () => {
    expect(stored(() => 1)).toMatch(/Function/)
    expect(stored(Symbol('a'))).toBe('Symbol(a)')
    expect(stored({ a: 1, f: Symbol('b') })).toEqual({ a: 1, f: 'Symbol(b)' })
  })
})

function raised(error: Error): never {
  throw error
}
