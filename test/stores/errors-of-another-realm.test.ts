import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { mysqlError } from '../../stores/mysql/errors.ts'
import { postgresError } from '../../stores/postgres/errors.ts'
import { storeError } from '../../stores/redis/errors.ts'
import { sqliteError } from '../../stores/sqlite/errors.ts'

/** What Node throws into a jest environment: errors that are no instances of the `Error` there. */
function foreign(code: string): unknown {
  return runInNewContext(code) as unknown
}

const refused = `Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED', address: '127.0.0.1', port: 1 })`

describe.each([
  ['postgres', postgresError],
  ['mysql', mysqlError],
  ['redis', (thrown: unknown) => storeError(thrown)],
])('what the driver of %s throws in another realm', (name, errorOf) => {
  test.each([
    ['a refused connection', refused],
    ['a refused connection to each of several addresses', `new AggregateError([${refused}, ${refused}])`],
  ])('is read like one of this realm: %s', (_, code) => {
    const error = errorOf(foreign(code))
    expect(error).toMatchObject({ code: 'STORE_FAILED', isTransient: true })
    expect(error.message).toBe(
      `${name} store: can't reach ${name} at 127.0.0.1:1: ECONNREFUSED; is the server running?`,
    )
  })
})

test('a lock of SQLite passes, and what a server answered is judged by its number, in another realm too', () => {
  expect(sqliteError(foreign(`Object.assign(new Error('locked'), { errcode: 5 })`))).toMatchObject({
    isTransient: true,
  })
  expect(mysqlError(foreign(`Object.assign(new Error('deadlock'), { errno: 1213 })`))).toMatchObject({
    isTransient: true,
  })
  expect(postgresError(foreign(`Object.assign(new Error('too many'), { code: '53300' })`))).toMatchObject({
    isTransient: true,
  })
  const reply = `Object.assign(new Error('LOADING the dataset'), { name: 'ReplyError' })`
  expect(storeError(foreign(reply))).toMatchObject({ isTransient: true })
})
