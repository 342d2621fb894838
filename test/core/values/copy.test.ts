import { create } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import * as fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { copyOf } from '../../../src/core/values/copy.ts'
import { SerializationError } from '../../../src/core/errors.ts'
import { canonicalize } from '../../../src/core/values/keys.ts'
import { samples, seed } from './plain-values.ts'

describe('copyOf', () => {
  test('a change to the copy does not reach the original, nor the other way round', () => {
    const original = { list: [{ n: 1 }], map: new Map([['a', { n: 1 }]]), bytes: Buffer.of(1), at: new Date(1) }
    const copy = copyOf(original)
    copy.list[0]!.n = 2
    copy.map.get('a')!.n = 2
    copy.bytes[0] = 2
    original.at.setTime(2)
    expect(original.list).toEqual([{ n: 1 }])
    expect(original.map).toEqual(new Map([['a', { n: 1 }]]))
    expect(original.bytes).toEqual(Buffer.of(1))
    expect(copy.at).toEqual(new Date(1))
  })

  test.each<readonly [string, unknown]>([
    ['text', 'a'],
    ['a bigint', 10n],
    ['undefined', undefined],
    ['null', null],
    ['a property that is undefined', { a: undefined }],
    ['an array with holes', [, 1, , { a: 1 }]], // oxlint-disable-line no-sparse-arrays
    ['an object without a prototype', Object.assign(Object.create(null), { a: { b: 1 } })],
    ['an own __proto__', JSON.parse('{"__proto__":{"a":{"b":1}}}')],
    ['an own __proto__ without a prototype', Object.assign(Object.create(null), JSON.parse('{"__proto__":{"a":1}}'))],
    ['an own __proto__ in another realm', runInNewContext(`JSON.parse('{"__proto__":{"a":1}}')`)],
    ['a DataView in the middle of a buffer', new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2)],
    ['a typed array in the middle of a buffer', new Uint16Array(Uint16Array.of(1, 2, 3).buffer, 2, 1)],
    ['a big number in bytes', BigInt64Array.of(-1n)],
    ['an ArrayBuffer', Uint8Array.of(1, 2).buffer],
    ['a URL', { url: new URL('https://docket.dev/?a=b') }],
    ['a Map with objects as keys', new Map([[{ a: 1 }, new Set([[1]])]])],
    ['an AggregateError', new AggregateError([new TypeError('a')], 'all', { cause: new Error('b') })],
  ])('%s stays what it is', (_, value) => {
    expect(isDeepStrictEqual(copyOf(value), value)).toBe(true)
    expect(copyOf(value)).toStrictEqual(value)
  })

  test('a pattern keeps where its next match starts', () => {
    const pattern = /a/g
    pattern.lastIndex = 3
    expect(copyOf(pattern)).toMatchObject({ source: 'a', flags: 'g', lastIndex: 3 })
  })

  test('an Error keeps its kind, stack, cause and own properties, and what is not enumerable stays so', () => {
    const error = Object.assign(new RangeError('too far', { cause: { limit: 3 } }), { code: 'E_RANGE' })
    const copy = copyOf(error)
    expect(copy).toBeInstanceOf(RangeError)
    expect(copy.stack).toBe(error.stack)
    expect(copy.cause).toEqual({ limit: 3 })
    expect(copy.cause).not.toBe(error.cause)
    expect(Object.keys(copy)).toEqual(['code'])
  })

  test('a message keeps its type, its unknown fields, and which of its fields are set', () => {
    const message = create(FileDescriptorProtoSchema, { dependency: ['a'] })
    message.$unknown = [{ no: 9_999, wireType: 2, data: Uint8Array.of(1) }]
    const copy = copyOf(message)
    expect(copy.$typeName).toBe(message.$typeName)
    expect(Object.getPrototypeOf(copy)).toBe(Object.getPrototypeOf(message))
    expect(copy.$unknown).toEqual(message.$unknown)
    expect(copy.$unknown?.[0]?.data).not.toBe(message.$unknown[0]!.data)
    expect(Object.hasOwn(copy, 'name')).toBe(false)
    expect(copy.name).toBe('')
  })

  test('a getter becomes a plain value', () => {
    let calls = 0
    const copy = copyOf({
      get n() {
        return ++calls
      },
    })
    expect([copy.n, copy.n]).toEqual([1, 1])
  })

  test('a copy of something frozen can be changed', () => {
    const copy: { list: readonly number[] } = copyOf(Object.freeze({ list: Object.freeze([1]) }))
    expect(Object.isFrozen(copy) || Object.isFrozen(copy.list)).toBe(false)
  })

  test('an object met in two places becomes two', () => {
    const shared = { n: 1 }
    const copy = copyOf([shared, shared])
    expect(copy).toEqual([{ n: 1 }, { n: 1 }])
    expect(copy[0]).not.toBe(copy[1])
  })

  test('a value nested 900 levels deep is copied', () => {
    let value: object = { end: true }
    for (let i = 0; i < 900; i++) value = { next: value }
    expect(isDeepStrictEqual(copyOf(value), value)).toBe(true)
  })

  class User {
    readonly name = 'Ada'
  }
  const loop: { self?: object; rest: number[] } = { rest: Array.from({ length: 1_000 }, (_, i) => i) }
  loop.self = loop

  test.each<readonly [string, unknown, RegExp]>([
    ['a function', { profile: { load: () => 1 } }, /"profile\.load": it is a function/],
    ['a function itself', () => 1, /the value: it is a function/],
    ['a symbol', [Symbol('x')], /"\[0\]": it is a symbol/],
    ['a symbol as a key', { [Symbol('x')]: 1 }, /an object with a symbol as a key/],
    ['an instance of a class', { user: new User() }, /"user": it is an instance of User/],
    ['a WeakMap', new WeakMap(), /an instance of WeakMap/],
    ['a Promise', [Promise.resolve()], /"\[0\]": it is a Promise/],
    ['a stream', new WritableStream(), /an instance of WritableStream/],
    ['an array with a property of its own', Object.assign([1], { note: 'x' }), /an array with properties of its own/],
    ['a cycle', loop, /"self": it is a cycle back to the value itself/],
  ])('%s is refused, and the path is named', (_, value, message) => {
    expect(() => copyOf(value)).toThrow(SerializationError)
    expect(() => copyOf(value)).toThrow(message)
  })

  test(`a copy of any plain data is equal and shares no mutable object with it (seed ${seed})`, () => {
    const check = fc.property(samples, ({ build }) => {
      const value = build(false)
      const copy = copyOf(value)
      expect(isDeepStrictEqual(copy, value)).toBe(true)
      expect(canonicalize(copy)).toBe(canonicalize(value))
      const originals = objectsIn(value)
      expect([...objectsIn(copy)].filter((object) => originals.has(object))).toEqual([])
    })
    fc.assert(check, { seed, numRuns: 3_000 })
  })
})

/** All objects that can be reached from a value. */
function objectsIn(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null || found.has(value)) return found
  found.add(value)
  if (ArrayBuffer.isView(value)) return objectsIn(value.buffer, found)
  if (value instanceof Map) for (const part of value.entries()) objectsIn(part, found)
  if (value instanceof Set) for (const part of value) objectsIn(part, found)
  for (const key of Object.getOwnPropertyNames(value)) objectsIn(Reflect.get(value, key), found)
  return found
}
