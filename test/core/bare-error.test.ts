import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bareErrorOf } from '../../src/core/bare-error.ts'
import { NonRetryableError, StoreError } from '../../src/core/errors.ts'

const secret = 'hunter2'

describe('what a driver threw', () => {
  test('keeps which error it is, and loses the request', () => {
    const thrown = Object.assign(new TypeError('refused'), {
      code: 'ER_X',
      errno: 1062,
      sqlState: '23000',
      fatal: true,
      sql: `insert ${secret}`,
      detail: `row (${secret})`,
      command: { name: 'auth', args: [secret] },
    })
    const error = new StoreError('mysql', 'refused', false, { cause: thrown })
    expect(error.cause).toMatchObject({ name: 'TypeError', message: 'refused', code: 'ER_X', errno: 1062, fatal: true })
    expect(error.cause).toMatchObject({ stack: thrown.stack, sqlState: '23000' })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret)
  })

  test('keeps causes and members, which lose theirs too', () => {
    const member = Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED', port: 1, request: secret })
    const cause = Object.assign(new Error('inner'), { command: secret })
    const bare = bareErrorOf(new AggregateError([member], 'all failed', { cause }))
    expect(bare).toMatchObject({ errors: [{ code: 'ECONNREFUSED', port: 1 }], cause: { message: 'inner' } })
    expect(inspect(bare, { depth: 10, showHidden: true })).not.toContain(secret)
  })

  test('is left alone where it is an error of Docket, or none at all', () => {
    const own = new NonRetryableError('no')
    expect(bareErrorOf(own)).toBe(own)
    expect(bareErrorOf('text')).toBe('text')
    expect(new StoreError('own', 'no', false).cause).toBeUndefined()
  })

  test('may resist reading, be endless, or a proxy that throws', () => {
    const endless = new Error('endless')
    endless.cause = endless
    expect(() => bareErrorOf(endless)).not.toThrow()
    const hostile = new Proxy(new Error('a'), {
      get: () => {
        throw new Error('no')
      },
    })
    expect(() => bareErrorOf(hostile)).not.toThrow()
    expect((bareErrorOf(new Error('x'.repeat(1_000_000))) as Error).message.length).toBeLessThan(3_000)
  })
})
