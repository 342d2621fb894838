import { create } from '@bufbuild/protobuf'
import { TimestampSchema } from '@bufbuild/protobuf/wkt'
import * as fc from 'fast-check'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { SerializationError } from '../../../src/core/errors.ts'
import { canonicalize, digest, resultKey, resultKeyHead } from '../../../src/core/values/keys.ts'
import { samples, seed } from './plain-values.ts'

/** Values of which every two differ. */
const different: readonly (readonly [name: string, value: unknown])[] = [
  ['the string 1', '1'],
  ['the number 1', 1],
  ['the bigint 1', 1n],
  ['a list of 1', [1]],
  ['a record with 0', { 0: 1 }],
  ['zero', 0],
  ['minus zero', -0],
  ['NaN', NaN],
  ['the string NaN', 'NaN'],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['null', null],
  ['undefined', undefined],
  ['the string null', 'null'],
  ['an empty object', {}],
  ['an empty array', []],
  ['an empty Map', new Map()],
  ['an empty Set', new Set()],
  ['a property that is null', { a: null }],
  ['an array with undefined', [undefined]],
  ['an array with a hole', [,]], // oxlint-disable-line no-sparse-arrays
  ['an array with two holes', [, ,]], // oxlint-disable-line no-sparse-arrays
  ['a Map with undefined', new Map([['a', undefined]])],
  ['a Map like a record', new Map([['a', null]])],
  ['a Set', new Set(['a'])],
  ['an array like the Set', ['a']],
  ['a Date', new Date(1)],
  ['a text like the Date', new Date(1).toJSON()],
  ['an invalid Date', new Date(NaN)],
  ['bytes', Uint8Array.of(1, 2)],
  ['signed bytes', Int8Array.of(1, 2)],
  ['the bytes as words', Uint16Array.of(513)],
  ['a Buffer', Buffer.of(1, 2)],
  ['an ArrayBuffer', Uint8Array.of(1, 2).buffer],
  ['a DataView', new DataView(Uint8Array.of(1, 2).buffer)],
  ['a list of bytes', [1, 2]],
  ['a pattern', /a/],
  ['a pattern with a flag', /a/g],
  ['a text like the pattern', '/a/'],
  ['a URL', new URL('https://docket.dev/')],
  ['a text like the URL', 'https://docket.dev/'],
  ['an Error', new Error('a')],
  ['a TypeError', new TypeError('a')],
  ['an Error with a cause', new Error('a', { cause: 'b' })],
  ['an Error with a code', Object.assign(new Error('a'), { code: 1 })],
  ['a record like the Error', { name: 'Error', message: 'a' }],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate', '\udc00'],
  ['the replacement character', '\ufffd'],
  ['two keys', { a: 'x', b: 'y' }],
  ['one key that looks like two if keys had no length', { 'a:"1:xb': 'y' }],
  ['one key that looks like two, lengths and all', { 'a"1:x1:b': 'y' }],
  ['an own __proto__', JSON.parse('{"__proto__":{"a":1}}')],
  ['sixteen zeros', Array.from({ length: 16 }, () => 0)],
  ['fifteen zeros and a minus zero', Array.from({ length: 16 }, (_, i) => (i === 7 ? -0 : 0))],
  ['sixteen numbers, one NaN', Array.from({ length: 16 }, (_, i) => (i === 7 ? NaN : 0))],
  ['a message', create(TimestampSchema, { seconds: 1n })],
  ['a record like the message', { seconds: 1n, nanos: 0 }],
]

describe('canonicalize', () => {
  test('every two of the values that are easily confused have different texts and digests', () => {
    const texts = new Map<string, string>()
    const digests = new Map<string, string>()
    for (const [name, value] of different) {
      const text = canonicalize(value)
      expect(texts.get(text), `same text as ${name}`).toBeUndefined()
      expect(digests.get(digest(text)), `same digest as ${name}`).toBeUndefined()
      texts.set(text, name)
      digests.set(digest(text), name)
    }
  })

  test.each<readonly [string, unknown, unknown]>([
    ['objects in another property order', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    [
      'objects of many keys in another order',
      byNumber(50),
      Object.fromEntries(Object.entries(byNumber(50)).toReversed()),
    ],
    ['an undefined property and a missing one', { a: undefined, b: 1 }, { b: 1 }],
    ['objects with and without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['a Map filled in another order', new Map(Object.entries({ a: 1, b: 2 })), new Map(Object.entries({ b: 2, a: 1 }))],
    [
      'a Map with objects as keys in another order',
      new Map([
        [{ a: 1 }, 1],
        [{ a: 2 }, 2],
      ]),
      new Map([
        [{ a: 2 }, 2],
        [{ a: 1 }, 1],
      ]),
    ],
    ['a Set filled in another order', new Set([1, 'a', {}]), new Set([{}, 'a', 1])],
    ['frozen and unfrozen', Object.freeze({ a: Object.freeze([1]) }), { a: [1] }],
    [
      'a getter and a value',
      {
        get a() {
          return 1
        },
      },
      { a: 1 },
    ],
    ['an object met twice and two equal ones', twice({ a: 1 }), [{ a: 1 }, { a: 1 }]],
    ['NaN and NaN', [NaN], [0 / 0]],
    ['views of the same bytes in other buffers', Buffer.from('abc').subarray(1), Buffer.from('xbc').subarray(1)],
    ['Errors thrown in different places', new Error('a'), (() => new Error('a'))()],
    [
      'objects from another realm',
      runInContext('({ a: [1, new Date(5), new Map([[1, new Error("a")]])] })', createContext()),
      { a: [1, new Date(5), new Map([[1, new Error('a')]])] },
    ],
  ])('%s give the same text', (_, one, other) => {
    expect(canonicalize(one)).toBe(canonicalize(other))
  })

  test('a value nested 900 levels deep has a text', () => {
    expect(canonicalize(nested(900))).toContain('{4:next{4:next')
  })

  test('a huge array of holes costs nothing', () => {
    const sparse: number[] = []
    sparse[4_000_000_000] = 1
    expect(canonicalize(sparse)).toBe('<4000000001,4000000000,1,>')
  })

  class Point {
    readonly x = 1
    toJSON() {
      return { x: 1 }
    }
  }
  const loop: Record<string, unknown> = { list: [{ deeper: {} }] }
  ;(loop['list'] as { deeper: Record<string, unknown> }[])[0]!.deeper['back'] = loop

  test.each<readonly [string, unknown, RegExp]>([
    ['a function', { profile: { load: () => 1 } }, /"profile\.load": it is a function/],
    ['a toJSON that is a function', { toJSON: () => 1 }, /"toJSON": it is a function/],
    ['a symbol', [1, Symbol('x')], /"\[1\]": it is a symbol/],
    ['a symbol as a key', { a: { [Symbol('x')]: 1 } }, /"a": it is an object with a symbol as a key/],
    ['an instance of a class, in spite of its toJSON', { at: new Point() }, /"at": it is an instance of Point/],
    ['the instance itself', new Point(), /the value: it is an instance of Point/],
    [
      'an instance of a subclass of a built-in',
      [new (class Later extends Date {})()],
      /"\[0\]": it is an instance of Later/,
    ],
    [
      'an Error of a class of its own',
      { e: new SerializationError('x') },
      /"e": it is an instance of SerializationError/,
    ],
    ['a Promise', { user: Promise.resolve(1) }, /"user": it is a Promise \(is an `await` missing\?\)/],
    ['a WeakMap', new WeakMap(), /an instance of WeakMap/],
    ['a WeakSet', new WeakSet(), /an instance of WeakSet/],
    ['a boxed string', { s: Object('a') as object }, /"s": it is an instance of String/],
    ['a stream', { body: new ReadableStream() }, /"body": it is an instance of ReadableStream/],
    ['a shared buffer', new SharedArrayBuffer(1), /an instance of SharedArrayBuffer/],
    ['an array with a property of its own', { m: /a/.exec('a') }, /"m": it is an array with properties of its own/],
    [
      'a Date with a property of its own',
      [Object.assign(new Date(), { zone: 'UTC' })],
      /"\[0\]": it is a Date with properties of its own/,
    ],
    ['an object that only borrowed a prototype', Object.create(Date.prototype), /the value/],
    ['a cycle', loop, /"list\[0\]\.deeper\.back": it is a cycle back to the value itself/],
    ['a function in a Map', new Map([['key', () => 1]]), /"get\("key"\)": it is a function/],
    ['a function in a Set', { s: new Set([() => 1]) }, /"s\.values\(\)": it is a function/],
    ['a function in the cause of an Error', new Error('a', { cause: { f: () => 1 } }), /"cause\.f": it is a function/],
    ['too many levels', nested(5_000), /nested deeper than 1000 levels/],
    [
      'a getter that throws',
      {
        get a(): number {
          throw new Error('gone')
        },
      },
      /reading it threw gone/,
    ],
  ])('%s is refused, and the path is named', (_, value, message) => {
    expect(() => canonicalize(value)).toThrow(SerializationError)
    expect(() => canonicalize(value)).toThrow(message)
  })

  test(`generated values have the same text exactly if they are equal (seed ${seed})`, () => {
    const meanings = new Map<string, string>()
    const texts = new Map<string, string>()
    const check = fc.property(samples, ({ meaning, build }) => {
      const text = canonicalize(build(false))
      expect(canonicalize(build(true)), 'the same value, written otherwise').toBe(text)
      // Against every value generated before, not only against a second one.
      expect(meanings.get(text) ?? meaning, 'two values, one text').toBe(meaning)
      expect(texts.get(meaning) ?? text, 'one value, two texts').toBe(text)
      meanings.set(text, meaning)
      texts.set(meaning, text)
    })
    fc.assert(check, { seed, numRuns: 5_000 })
  })
})

describe('resultKey', () => {
  const head = {
    scope: 'global' as const,
    namespace: 'users',
    step: 'Fetch',
    version: undefined,
    output: 'User',
    outputVersion: undefined,
  }
  const key = ({ inputs = { id: 1 }, ...change }: { inputs?: unknown; [part: string]: unknown }) =>
    resultKey(resultKeyHead({ ...head, ...change }), inputs)

  test('a key has 43 characters and is the digest of its head and the inputs', () => {
    expect(key({})).toMatch(/^[\w-]{43}$/)
    expect(key({})).toBe(digest(resultKeyHead(head) + canonicalize({ id: 1 })))
  })

  test('names that would run together do not', () => {
    expect(key({ namespace: 'a:b', step: 'c' })).not.toBe(key({ namespace: 'a', step: 'b:c' }))
    expect(key({ namespace: 'ab', step: 'c' })).not.toBe(key({ namespace: 'a', step: 'bc' }))
    expect(key({ step: 'a', output: 'bc' })).not.toBe(key({ step: 'ab', output: 'c' }))
  })

  test.each([
    ['the scope', { scope: 'execution' }],
    ['the namespace', { namespace: 'other' }],
    ['the step', { step: 'Other' }],
    ['the version', { version: 2 }],
    ['the output type', { output: 'Other' }],
    ['the version of the output type', { outputVersion: '2' }],
    ['the inputs', { inputs: { id: 2 } }],
    ['the name of an input', { inputs: { key: 1 } }],
  ])('%s is part of the key', (_, change) => {
    expect(key(change)).not.toBe(key({}))
  })

  test('a missing optional input and an undefined one give the same key', () => {
    expect(key({ inputs: { id: 1, extra: undefined } })).toBe(key({}))
  })

  test('what can not be in a key is reported with the name of its port', () => {
    expect(() => key({ inputs: { profile: { load: () => 1 } } })).toThrow(/"profile\.load": it is a function/)
  })
})

function byNumber(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, i]))
}

function twice<T>(value: T): T[] {
  return [value, value]
}

function nested(levels: number): object {
  let value = {}
  for (let i = 0; i < levels; i++) value = { next: value }
  return value
}
