import { create, equals } from '@bufbuild/protobuf'
import { FieldDescriptorProto_Label, FieldDescriptorProtoSchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import * as fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { copyOf } from '../../../src/core/values/copy.ts'
import { SerializationError } from '../../../src/core/errors.ts'
import { canonicalize } from '../../../src/core/values/keys.ts'
import { valueOfTree } from '../../../src/core/values/value-of-tree.ts'
import { treeOf } from '../../../src/core/values/value-tree.ts'
import { samples, seed } from './plain-values.ts'

function throughJson(value: unknown): unknown {
  return valueOfTree(JSON.parse(JSON.stringify(treeOf(value))))
}

function pattern(lastIndex: number): RegExp {
  return Object.assign(/a\/[/]\n/giu, { lastIndex })
}

function hiddenField(): Error {
  return Object.defineProperty(new Error('a'), 'secret', { value: new Date(1), configurable: true, writable: true })
}

const kinds: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['text with NUL', 'a\0b'],
  ['text with a lone surrogate', { '\ud800': '\udc00' }],
  ['a text that looks like a tag', '{"$date":null}'],
  ['numbers that JSON has no word for', [NaN, Infinity, -Infinity, -0, 0]],
  ['the widest numbers', [Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53 + 2, 0.1]],
  ['bigints', [0n, -1n, 10n ** 40n]],
  ['dates', [new Date(0), new Date(NaN), new Date(8.64e15), new Date(-8.64e15)]],
  ['a property that is undefined', { a: undefined, b: 1 }],
  ['holes', [, 1, , undefined, { a: 1 }, ,]], // oxlint-disable-line no-sparse-arrays
  ['many holes', Object.assign([], { 70_000: { at: new Date(1) }, length: 4_000_000_000 })],
  ['an object without a prototype', Object.assign(Object.create(null), { a: { $date: 1 } })],
  ['an own __proto__', JSON.parse('{"a":1,"__proto__":{"a":{"__proto__":null}},"b":2}')],
  ['an own __proto__ without a prototype', Object.assign(Object.create(null), JSON.parse('{"__proto__":{"a":1}}'))],
  ['maps', new Map<unknown, unknown>([[{ a: NaN }, new Map([[undefined, 1n]])]])],
  ['sets', new Set([[1], new Set([undefined]), 'a'])],
  ['patterns', [pattern(0), pattern(3), pattern(NaN), new RegExp('')]],
  ['URLs', [new URL('https://docket.dev/?a=b#c')]],
  ['ArrayBuffer', Uint8Array.of(1, 2, 3).buffer],
  ['DataView in the middle of a buffer', new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2)],
  ['typed array in the middle of a buffer', new Uint16Array(Uint16Array.of(1, 2, 3).buffer, 2, 1)],
  ['small integers', [Int8Array.of(-1), Uint8Array.of(255), Uint8ClampedArray.of(300), Int16Array.of(-2)]],
  ['larger integers', [Int32Array.of(-3), Uint32Array.of(2 ** 31), BigInt64Array.of(-1n), BigUint64Array.of(1n)]],
  ['floats', [Float32Array.of(NaN, -0, 0.1), Float64Array.of(-Infinity, 0.1)]],
  ['no bytes', [new Uint8Array(0), Buffer.alloc(0), new ArrayBuffer(0)]],
  ['a Buffer', Buffer.from('some bytes from the pool')],
  ['errors', [new Error('a'), new Error(), new RangeError('b', { cause: new Date(1) }), new TypeError('')]],
  ['an AggregateError', new AggregateError([new TypeError('a'), 1n], 'all', { cause: undefined })],
  [
    'an error with fields',
    Object.assign(new Error('a'), { code: 'E', name: 'Mine', $date: new Date(2), n: undefined }),
  ],
  ['an error with one field that looks like a tag', Object.assign(new Error('a'), { $date: 1 })],
  ['an error with a hidden field', hiddenField()],
  ['an error with another name', Object.defineProperty(new Error('a'), 'name', { value: 'Mine', configurable: true })],
  ['records that look like tags', [{ $date: 'x' }, { $$date: 'x' }, { $: 1 }, { $hole: true }, { $made: { $up: 1n } }]],
  ['records with a tag among others', { $date: 'x', $map: [] }],
  ['a message', create(TimestampSchema, { seconds: 5n, nanos: 1 })],
]

describe('the tree of a value', () => {
  test.each(kinds)('%s: comes back', (_, value) => {
    expect(throughJson(value)).toStrictEqual(value)
    expect(canonicalize(throughJson(value))).toBe(canonicalize(value))
  })

  test.each(kinds)('%s: comes back from inside, and can be used again', (_, value) => {
    const whole = { list: [value], map: new Map([[1, { value }]]), last: 'x' }
    expect(throughJson(throughJson(whole))).toStrictEqual(whole)
  })

  test(`whatever is plain data comes back, in the same order and of the same kinds (seed ${seed})`, () => {
    fc.assert(
      fc.property(samples, fc.boolean(), (sample, otherwise) => {
        const value = sample.build(otherwise)
        const back = throughJson(value)
        expect(canonicalize(back)).toBe(canonicalize(value))
        expect(JSON.stringify(treeOf(back))).toBe(JSON.stringify(treeOf(value)))
        // What was made once is not changed by making it again.
        expect(canonicalize(value)).toBe(canonicalize(sample.build(otherwise)))
      }),
      { seed, numRuns: 500 },
    )
  })

  test(`is what JSON keeps, and has no key that other formats refuse (seed ${seed})`, () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const tree = treeOf(sample.build(false))
        expect(isDeepStrictEqual(JSON.parse(JSON.stringify(tree)), tree)).toBe(true)
        expect(JSON.stringify(tree)).not.toContain('"__proto__":')
      }),
      { seed },
    )
  })

  test.each(kinds)('%s: has no prototypes in its tree but those of JSON', (_, value) => {
    const check = (tree: unknown): void => {
      if (typeof tree !== 'object' || tree === null) return
      expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(tree))
      Object.values(tree).forEach(check)
    }
    check(treeOf([value, create(FieldDescriptorProtoSchema), runInNewContext('({})')]))
  })

  test('ordinary data is its own tree, and so is what is ordinary in a value that is not', () => {
    const ordinary = { a: [1, 'b', null, true, { c: [[]] }], $d: { e: {} }, f: 0 }
    expect(treeOf(ordinary)).toBe(ordinary)
    const value = { ordinary, at: new Date(0) }
    expect((treeOf(value) as { ordinary: unknown }).ordinary).toBe(ordinary)
    expect(value.at).toBeInstanceOf(Date)
  })

  test('can be read by people', () => {
    const at = new Date(Date.UTC(2026, 0, 31, 12))
    expect(treeOf({ at, n: 12n, seen: new Map([['a', at]]), gone: undefined, bytes: Uint8Array.of(1) })).toEqual({
      at: { $date: '2026-01-31T12:00:00.000Z' },
      n: { $bigint: '12' },
      seen: { $map: [['a', { $date: '2026-01-31T12:00:00.000Z' }]] },
      gone: { $undefined: true },
      bytes: { $bytes: ['Uint8Array', 'AQ=='] },
    })
    const tree = treeOf(Object.assign(new RangeError('far', { cause: 1 }), { code: 'E' }))
    expect(tree).toMatchObject({ $error: { name: 'RangeError', message: 'far', cause: 1, fields: { code: 'E' } } })
  })

  test('an error keeps its class, stack, and what is enumerable', () => {
    const error = Object.assign(new RangeError('too far', { cause: 1 }), { code: 'E' })
    const back = throughJson(error) as RangeError
    expect(back).toBeInstanceOf(RangeError)
    expect(back.stack).toBe(error.stack)
    expect(Object.keys(back)).toEqual(['code'])
  })

  test('a message with optional scalars knows its defaults, and which fields are set', () => {
    const message = create(FieldDescriptorProtoSchema, { name: '', label: FieldDescriptorProto_Label.REQUIRED })
    message.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }]
    const [back, again] = throughJson([message, message]) as [typeof message, typeof message]
    expect(equals(FieldDescriptorProtoSchema, back, message)).toBe(true)
    expect(back.$unknown).toEqual(message.$unknown)
    expect(Object.keys(back)).toEqual(Object.keys(message))
    expect(back.number).toBe(0)
    expect(Object.getPrototypeOf(back)).toBe(Object.getPrototypeOf(again))
    expect(canonicalize(back)).toBe(canonicalize(message))
    expect(canonicalize(throughJson(copyOf(back)))).toBe(canonicalize(message))
  })

  test('what comes from another realm becomes one of this one', () => {
    const value = runInNewContext(`({ a: [new Date(5), new Map([[1, { b: new Set([2]) }]])], e: new TypeError('x') })`)
    expect(throughJson(value)).toStrictEqual({
      a: [new Date(5), new Map([[1, { b: new Set([2]) }]])],
      e: expect.any(TypeError),
    })
  })

  test('what somebody puts on Object.prototype does not get in', () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>
    prototype['polluted'] = new Date(0)
    try {
      expect(JSON.stringify(treeOf({ a: 1, $date: 2 }))).toBe('{"a":1,"$date":2}')
      expect(JSON.stringify(treeOf({ $date: 2 }))).toBe('{"$$date":2}')
    } finally {
      delete prototype['polluted']
    }
  })

  test('as deep as copies go, and no deeper', () => {
    expect(throughJson(nested(490))).toStrictEqual(nested(490))
    expect(() => treeOf(nested(600))).toThrow(/nested deeper than 1000 levels/)
  })
})

function nested(levels: number): unknown {
  let value: unknown = new Error('deep')
  for (let i = 0; i < levels; i++) value = new Map([[1, { value }]])
  return value
}

class Money {
  readonly cents = 1
}
const cyclic: { self?: unknown } = {}
cyclic.self = { again: [cyclic] }

describe('refused, with the path', () => {
  test.each<readonly [string, unknown, RegExp]>([
    ['a function', { a: [{ b: () => 1 }] }, /^a store can’t keep "a\[0\]\.b": it is a function/],
    ['a symbol', Symbol('a'), /the value: it is a symbol/],
    ['an instance of a class', new Map([['a', new Money()]]), /get\("a"\)": it is an instance of Money/],
    ['a cycle', cyclic, /"self\.again\[0\]": it is a cycle back to the value itself/],
    ['a promise', { a: Promise.resolve(1) }, /"a": it is a Promise/],
    ['a symbol as a key', { a: { [Symbol('b')]: 1 } }, /"a": it is an object with a symbol as a key/],
    ['an array with properties', Object.assign([1], { a: 1 }), /array with properties of its own/],
    ['a date with properties', { at: Object.assign(new Date(), { a: 1 }) }, /"at": it is a Date with properties/],
    ['a boxed number', [new Number(1)], /"\[0\]": it is an instance of Number|it is/], // oxlint-disable-line no-new-wrappers
    ['a getter that throws', Object.defineProperty({}, 'a', { get: () => thrown(), enumerable: true }), /threw no!/],
  ])('%s', (_, value, message) => {
    expect(() => treeOf(value)).toThrow(SerializationError)
    expect(() => treeOf(value)).toThrow(message)
    expect(() => copyOf(value)).toThrow(SerializationError)
  })
})

function thrown(): never {
  throw new Error('no!')
}

describe('a tree that nobody made', () => {
  test.each([
    ['{"$nothing":1}', /\$nothing: no tag by this name/],
    ['[{"$date":"yesterday"}]', /\$date/],
    ['{"$date":5}', /\$date: expected a string/],
    ['{"$bigint":""}', /\$bigint/],
    ['{"$bigint":"0x10"}', /\$bigint/],
    ['{"$number":"1"}', /\$number/],
    ['{"$number":"toString"}', /\$number/],
    ['{"$url":"nowhere"}', /URL/],
    ['{"$regexp":["(",""]}', /\(/],
    ['{"$regexp":"a"}', /\$regexp: expected a list/],
    ['{"$map":[[1]]}', /\$map: expected pairs/],
    ['{"$set":{}}', /\$set: expected a list/],
    ['{"$bytes":["Uint8Array","A?=="]}', /\$bytes: expected base64/],
    ['{"$bytes":["Uint16Array","AQ=="]}', /multiple of 2/],
    ['{"$bytes":["Function","AQ=="]}', /no kind of bytes/],
    ['{"$error":{"name":"Object"}}', /no kind of error/],
    ['{"$error":[]}', /\$error: expected a record/],
    ['{"$error":{"name":"Error","fields":[]}}', /\$error: expected a record/],
    ['{"$sparse":[-1,[]]}', /length/],
    ['{"$sparse":[1,[[1,2]]]}', /out of range/],
    ['{"$null":1}', /\$null: expected a record/],
    ['{"$object":[[1,2]]}', /\$object: expected a string/],
    ['{"$message":[{},1]}', /\$message: expected defaults/],
  ])('%s is refused', (text, message) => {
    expect(() => valueOfTree(JSON.parse(text))).toThrow(message)
  })
})
