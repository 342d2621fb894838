import { expect, test } from 'vitest'
import { createDocket, step } from '../../src/index.ts'
import { compression, encryption } from '../../src/codecs/index.ts'
import { checkOptions } from '../../src/core/check-options.ts'
import { OptionError } from '../../src/core/errors.ts'
import { executeBatch } from '../../src/runtime/execute-batch.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { errorOf, graphOf, number, run } from '../loose-api.ts'

/** What a call is refused with. */
function refusalOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof OptionError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

test('every problem of options is reported at once, unknown ones with what was meant', () => {
  const message = refusalOf(() =>
    checkOptions('call', { sise: 1, level: 'high' }, ['size', 'level'], ({ level }) => [
      typeof level !== 'number' && 'level must be a number',
      undefined,
      'size must be given',
    ]),
  )
  expect(message).toBe(
    'call: unknown option "sise"; did you mean "size"? known are size, level; level must be a number; size must be given',
  )
})

test('options that are right are not refused', () => {
  expect(() => checkOptions('call', { level: 1 }, ['level'], () => [false, undefined])).not.toThrow()
})

test.each([undefined, null, 'fast', 3, ['level']])('options that are %o are no object', (options) => {
  expect(() => checkOptions('call', options, ['level'], () => [])).toThrow('call: options must be an object, not ')
})

test('a codec whose first option is wrong reports the others as well', () => {
  const packed = refusalOf(() => compression({ algorithm: 'brotli', above: -1, levle: 3, maxBytes: 0 } as never))
  for (const part of ['algorithm must be', 'above must be', 'unknown option "levle"', 'maxBytes must be'])
    expect(packed).toContain(part)
  const sealed = refusalOf(() => encryption({ keys: {}, current: 'a', hashKey: 'short', isRequired: 1 } as never))
  for (const part of ['keys must be', 'hashKey must', 'isRequired must be']) expect(sealed).toContain(part)
})

test('a store reports all that is wrong with its options', () => {
  const sqlite = refusalOf(() => sqliteStore({ pth: 'docket.db', migrate: 'yes' } as never))
  for (const part of ['unknown option "pth"', 'migrate must be']) expect(sqlite).toContain(part)
  const mysql = refusalOf(() => mysqlStore({ url: 'mysql://host', max: 0, prefix: 'a b' } as never))
  for (const part of ['url must be', 'max must be', 'prefix must be']) expect(mysql).toContain(part)
})

test('a batch reports all that is wrong with its options', async () => {
  const options = { concurency: 3, onError: 'ignore', headers: { trace: 1 }, observers: [1] }
  const message = await executeBatch({} as never, {} as never, [], options as never).then(
    () => '',
    (error: Error) => error.message,
  )
  for (const part of ['unknown option "concurency"', 'onError must be', 'header "trace"', 'observer'])
    expect(message).toContain(part)
})

test.each([
  ['a Map', new Map([['trace', 'abc']])],
  ['Headers', new Headers({ trace: 'abc' })],
  ['URLSearchParams', new URLSearchParams('trace=abc')],
  ['what it inherits', Object.create({ trace: 'abc' }) as object],
])('a record whose entries nobody would see is refused: %s', async (_, record) => {
  const Out = number('Out')
  const graph = graphOf([step({ name: 's', output: Out, run: () => 1 })])
  const error = await errorOf(run(graph, Out, {}, { headers: record }))
  expect(error).toBeInstanceOf(OptionError)
  expect(error.message).toContain('headers must be a plain object of strings')
  const made = refusalOf(() => createDocket({ graphs: [], store: memoryStore(), queues: record as never }))
  expect(made).toContain('queues must be settings by queue')
})
