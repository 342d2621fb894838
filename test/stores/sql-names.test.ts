import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromName, storableJson, toName } from '../../stores/sql/names.ts'
import { fromSqlTime, toSqlTime } from '../../stores/sql/times.ts'

const anyText = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\0', '\ud800', '\udc00', '␛', '␛0000')))
  .map((parts) => parts.join(''))

test('every text comes back from its name, and the name can be stored', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const name = toName(text)
      expect(fromName(name)).toBe(text)
      expect(name.isWellFormed() && !name.includes('\0')).toBe(true)
    }),
  )
})

test('usual names stay as they are', () => {
  for (const name of ['FetchProfile', 'user:123', `o'"\\`, 'Größe 😀', '']) expect(toName(name)).toBe(name)
})

test('JSON with lone surrogates means the same', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const raw = `"${JSON.stringify(text)
        .slice(1, -1)
        .replaceAll(/\\u(d[89a-f]..)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))}"`
      expect(JSON.parse(storableJson(raw))).toBe(text)
      expect(storableJson(raw).isWellFormed()).toBe(true)
    }),
  )
})

test('times come back, and their texts are in their order', () => {
  const time = fc.integer({ min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) })
  fc.assert(
    fc.property(time, time, (one, other) => {
      expect(fromSqlTime(toSqlTime(one))).toBe(one)
      expect(toSqlTime(one) < toSqlTime(other)).toBe(one < other)
    }),
  )
  expect(toSqlTime(Number.POSITIVE_INFINITY)).toBe('9999-12-31 23:59:59.999')
})
