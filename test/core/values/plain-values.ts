import { create } from '@bufbuild/protobuf'
import {
  DurationSchema,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt'
import * as fc from 'fast-check'

/** A generated value that can be built twice, and what it means, told apart from how it is written. */
export interface Sample {
  /** Equal for equal values: JSON of the parts in a fixed order, made without the code under test. */
  readonly meaning: string
  /** Builds the value anew. `otherwise` writes the same value another way: other property order, no prototype, `undefined` added. */
  readonly build: (otherwise: boolean) => unknown
}

/** Prints with every failure; `SEED=… vitest run` repeats one. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

function leaf(meaning: unknown, build: () => unknown): Sample {
  return { meaning: JSON.stringify(meaning), build }
}

const trickyTexts = [
  [
    '',
    'a',
    'ab',
    'a:b',
    '1:a',
    '"1:a',
    '1',
    '1,',
    'n1,',
    'null',
    'undefined',
    'true',
    'NaN',
    '{}',
    '}',
    '[',
    ']',
    '\0',
  ],
  ['\ud800', '\udc00', '\udc00\ud800', '\ud83d\ude00', '\ufffd', '\u00e9', 'e\u0301', 'toString', 'constructor'],
].flat()
const trickyKeys = [...trickyTexts, '__proto__', 'toJSON', 'then', '$typeName', '0', '10', '9', 'b', 'c']

const numbers = [0, -0, 1, -1, 0.1, 1e21, 1e-7, 2 ** 53, 2 ** 53 + 2, NaN, Infinity, -Infinity, Number.MIN_VALUE]
const byteKinds = [Uint8Array, Int8Array, Uint8ClampedArray, Uint16Array, Float32Array, BigInt64Array] as const

const traps: readonly Sample[] = [
  ...trickyTexts.map((text) => leaf(['string', text], () => text)),
  ...numbers.map((number) => leaf(['number', Object.is(number, -0) ? '-0' : String(number)], () => number)),
  ...[0n, 1n, -1n, 10n ** 30n].map((big) => leaf(['bigint', String(big)], () => big)),
  ...[true, false, null].map((value) => leaf(['constant', String(value)], () => value)),
  ...[0, 1, NaN, 1e12].map((time) => leaf(['date', String(time)], () => new Date(time))),
  ...byteKinds.map((Kind) => leaf(['bytes', Kind.name, 8], () => new Kind(8 / Kind.BYTES_PER_ELEMENT))),
  ...[[], [1], [1, 2], [200]].flatMap((bytes) => [
    leaf(['bytes', 'Uint8Array', bytes], () => Uint8Array.of(...bytes)),
    leaf(['bytes', 'Buffer', bytes], () => Buffer.from(bytes)),
    leaf(['bytes', 'ArrayBuffer', bytes], () => Uint8Array.of(...bytes).buffer),
    leaf(['bytes', 'DataView', bytes], () => new DataView(Uint8Array.of(0, ...bytes).buffer, 1)),
  ]),
  ...['a', 'a:b', 'a,'].flatMap((source) => [
    leaf(['regexp', source, ''], () => new RegExp(source)),
    leaf(['regexp', source, 'gi'], () => new RegExp(source, 'gi')),
  ]),
  ...['https://a/', 'https://a/?b=c#d'].map((href) => leaf(['url', href], () => new URL(href))),
  ...['', 'a', 'a:b'].flatMap((message) => [
    leaf(['error', 'Error', message], () => new Error(message)),
    leaf(['error', 'TypeError', message], () => new TypeError(message)),
    leaf(['error', 'Error', message, 'cause'], () => new Error(message, { cause: { message } })),
    leaf(['error', 'Error', message, 'code'], () => Object.assign(new Error(message), { code: 'E1' })),
    leaf(['error', 'AggregateError', message, 1], () => new AggregateError([new Error('one')], message)),
    leaf(['error', 'AggregateError', message, 2], () => new AggregateError(['one', 'two'], message)),
  ]),
  leaf(['message', 'timestamp', 1], () => create(TimestampSchema, { seconds: 1n })),
  leaf(['message', 'timestamp', 2], () => create(TimestampSchema, { seconds: 2n })),
  leaf(['message', 'duration', 1], () => create(DurationSchema, { seconds: 1n })),
  leaf(['message', 'file'], () => create(FileDescriptorProtoSchema, { dependency: ['a'] })),
  leaf(['message', 'file', 'name'], () => create(FileDescriptorProtoSchema, { name: '', dependency: ['a'] })),
  leaf(['message', 'field'], () => create(FieldDescriptorProtoSchema)),
  leaf(['message', 'field', 'number'], () => create(FieldDescriptorProtoSchema, { number: 0 })),
]

function record(entries: readonly (readonly [string, Sample | undefined])[]): Sample {
  const present = entries.filter((entry): entry is readonly [string, Sample] => entry[1] !== undefined)
  const told = present.map(([key, { meaning }]) => JSON.stringify([key, meaning])).sort()
  return {
    meaning: JSON.stringify(['object', told]),
    build: (otherwise) => {
      if (!otherwise) return Object.fromEntries(present.map(([key, sample]) => [key, sample.build(false)]))
      const built = entries.map(([key, sample]) => [key, sample?.build(true)] as const).toReversed()
      return entries.length % 2 === 0
        ? Object.fromEntries(built)
        : Object.create(null, Object.fromEntries(built.map(([key, value]) => [key, { value, ...open }])))
    },
  }
}
const open = { enumerable: true, writable: true, configurable: true }

function list(items: readonly (Sample | undefined)[]): Sample {
  return {
    meaning: JSON.stringify(['array', items.map((item) => item?.meaning ?? 'hole')]),
    build: (otherwise) => {
      const built: unknown[] = []
      built.length = items.length
      for (const [index, item] of items.entries()) if (item !== undefined) built[index] = item.build(otherwise)
      return built
    },
  }
}

function map(entries: readonly (readonly [Sample, Sample])[]): Sample {
  // Keys that are objects never coincide, -0 becomes 0: both as in a real Map, so only distinct primitives are used as keys.
  const told = entries.map(([key, item]) => JSON.stringify([key.meaning, item.meaning])).sort()
  return {
    meaning: JSON.stringify(['map', told]),
    build: (otherwise) =>
      new Map(
        (otherwise ? entries.toReversed() : entries).map(([key, item]) => [
          key.build(otherwise),
          item.build(otherwise),
        ]),
      ),
  }
}

function set(members: readonly Sample[]): Sample {
  return {
    meaning: JSON.stringify(['set', members.map(({ meaning }) => meaning).sort()]),
    build: (otherwise) =>
      new Set((otherwise ? members.toReversed() : members).map((member) => member.build(otherwise))),
  }
}

const trap = fc.constantFrom(...traps)
const nothing = leaf(['undefined'], () => undefined)
const key = fc.oneof(fc.constantFrom(...trickyKeys), fc.string({ unit: 'binary', maxLength: 3 }))
const text = fc.string({ unit: 'binary', maxLength: 30 }).map((value) => leaf(['string', value], () => value))
const number = fc.double().map((value) => leaf(['number', Object.is(value, -0) ? '-0' : String(value)], () => value))
const mapKeys = fc.uniqueArray(
  trap.filter(({ meaning }) => /^\["(string|bigint)/.test(meaning)),
  { maxLength: 4, selector: ({ meaning }) => meaning },
)
const uniqueKeys = fc.uniqueArray(key, { maxLength: 5 })

/** Plain data of every kind, traps before all, nested at most a few levels. */
export const samples: fc.Arbitrary<Sample> = fc.letrec<{ value: Sample }>((tie) => {
  const value = tie('value')
  const undefinable = fc.option(value, { nil: undefined, freq: 5 })
  return {
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      { arbitrary: trap, weight: 4 },
      { arbitrary: fc.oneof(text, number), weight: 2 },
      {
        arbitrary: uniqueKeys.chain((keys) =>
          fc
            .array(undefinable, { minLength: keys.length, maxLength: keys.length })
            .map((items) => record(keys.map((name, index) => [name, items[index]]))),
        ),
        weight: 4,
      },
      { arbitrary: fc.array(fc.oneof(undefinable, fc.constant(nothing)), { maxLength: 5 }).map(list), weight: 3 },
      { arbitrary: fc.array(number, { minLength: 14, maxLength: 20 }).map(list), weight: 1 },
      {
        arbitrary: mapKeys.chain((keys) =>
          fc
            .array(value, { minLength: keys.length, maxLength: keys.length })
            .map((items) => map(keys.map((name, index) => [name, items[index]!]))),
        ),
        weight: 1,
      },
      {
        arbitrary: fc
          .uniqueArray(value, { maxLength: 4, selector: ({ meaning }) => meaning })
          .filter((members) => !members.some(({ meaning }) => meaning === '["number","-0"]'))
          .map(set),
        weight: 1,
      },
    ),
  }
}).value
