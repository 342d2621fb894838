import * as fc from 'fast-check'
import { deserialize, serialize } from 'node:v8'
import { describe, expect, test } from 'vitest'
import type { Codec } from '../../../src/core/contracts/codec.ts'
import { OptionError, SerializationError } from '../../../src/core/errors.ts'
import { canonicalize } from '../../../src/core/values/keys.ts'
import type { StoredValue, ValueFormat } from '../../../src/core/contracts/stored-value.ts'
import { createValueEncoding } from '../../../src/core/values/value-encoding.ts'
import { samples, seed } from './plain-values.ts'

const here = ['step', 'execution-1', 'Fetch', '', 'output']

/** A format of bytes, as a store may have one. */
const binary: ValueFormat = {
  name: 'v8',
  encode: (tree) => serialize(tree),
  decode: (stored) => deserialize(stored as Uint8Array),
}

function turned(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0xff)
}

/** Turns every bit. */
function turning(name: string, more: Partial<Codec> = {}): Codec {
  return { name, encode: turned, decode: turned, ...more }
}

/** Puts a byte in front, so that an order can be seen. */
function prefixing(name: string, first: number): Codec {
  return {
    name,
    encode: (bytes) => Uint8Array.of(first, ...bytes),
    decode(bytes) {
      if (bytes[0] !== first) throw new Error(`expected ${first} first, not ${bytes[0]}`)
      return bytes.subarray(1)
    },
  }
}

function asynchronous(codec: Codec): Codec {
  return {
    ...codec,
    encode: async (bytes, identity) => {
      await Promise.resolve()
      return codec.encode(bytes, identity)
    },
    decode: async (bytes, identity) => {
      await Promise.resolve()
      return codec.decode(bytes, identity)
    },
  }
}

function textOf(stored: StoredValue | Promise<StoredValue>): string {
  expect(stored).toBeTypeOf('string')
  return stored as string
}

function bytesOf(stored: StoredValue | Promise<StoredValue>): Uint8Array {
  expect(stored).toBeInstanceOf(Uint8Array)
  return stored as Uint8Array
}

describe('values', () => {
  test('are JSON text, unless the store wants something else', () => {
    const value = { a: [1, 'b'], at: new Date(0) }
    const text = textOf(createValueEncoding().encode(value, here))
    expect(text).toBe('{"a":[1,"b"],"at":{"$date":"1970-01-01T00:00:00.000Z"}}')
    const encoding = createValueEncoding({ format: binary })
    expect(deserialize(bytesOf(encoding.encode(value, here)))).toEqual(JSON.parse(text))
    expect(encoding.decode(encoding.encode(value, here) as StoredValue, here)).toEqual(value)
    expect(encoding.decode(text, here)).toEqual(value)
  })

  test.each([
    ['no codecs', [], undefined],
    ['a format', [], binary],
    ['codecs', [turning('a'), prefixing('b', 7)], undefined],
    ['codecs and a format', [prefixing('b', 7), turning('a')], binary],
    ['asynchronous codecs', [turning('a'), asynchronous(prefixing('b', 7)), asynchronous(turning('c'))], binary],
  ])(`come back, with %s (seed ${seed})`, async (_, codecs, format) => {
    const encoding = createValueEncoding({ codecs, format })
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const stored = await encoding.encode(sample.build(false), here)
        expect(canonicalize(await encoding.decode(stored, here))).toBe(canonicalize(sample.build(false)))
      }),
      { seed },
    )
  })

  test('a promise is only given where a codec gives one', async () => {
    const sync = createValueEncoding({ codecs: [turning('a')] })
    expect(sync.encode(1, here)).toBeInstanceOf(Uint8Array)
    expect(sync.decode(sync.encode(1, here) as StoredValue, here)).toBe(1)
    const async = createValueEncoding({ codecs: [turning('b'), asynchronous(turning('a'))] })
    const stored = async.encode(1, here)
    expect(stored).toBeInstanceOf(Promise)
    expect(async.decode(await stored, here)).toBeInstanceOf(Promise)
  })

  test('that are not plain data are refused with the path', () => {
    expect(() => createValueEncoding().encode({ a: [new TextEncoder()] }, here)).toThrow(
      /^a store can’t keep "a\[0\]": it is an instance of TextEncoder/,
    )
  })

  test('that are too big are refused with size, limit, place and advice', () => {
    const encoding = createValueEncoding({ maxBytes: 10, codecs: [turning('a')] })
    expect(encoding.encode('12345678', here)).toBeInstanceOf(Uint8Array)
    expect(() => encoding.encode('123456789', here)).toThrow(SerializationError)
    expect(() => encoding.encode('123456789', here)).toThrow(
      /can’t store the output of step "Fetch" of execution "execution-1": it has 11 bytes, and the limit is 10; .*maxValueBytes/,
    )
    const places = [
      [['step', 'e', 'Fetch', '7', 'error'], 'the error of step "Fetch" for item "7" of execution "e"'],
      [['execution', 'e', 'inputs'], 'the inputs of execution "e"'],
      [['result', 'key'], 'the value of "result" "key"'],
    ] as const
    for (const [place, text] of places)
      expect(() => encoding.encode('123456789', place)).toThrow(`can’t store ${text}: it has 11 bytes`)
    expect(() => encoding.encode('ééééé', here)).toThrow(/it has 12 bytes/)
    expect(() => createValueEncoding({ maxBytes: 10, format: binary }).encode('12345678901', here)).toThrow(
      /limit is 10/,
    )
  })

  test('of a store that had no codecs are read with codecs, and those of a codec that is gone are not', () => {
    const before = createValueEncoding()
    const after = createValueEncoding({ codecs: [turning('first'), turning('second')] })
    expect(after.decode(textOf(before.encode({ a: 1n }, here)), here)).toEqual({ a: 1n })
    const inBytes = createValueEncoding({ format: binary })
    const then = createValueEncoding({ format: binary, codecs: [turning('first')] })
    expect(then.decode(bytesOf(inBytes.encode({ a: 1n }, here)), here)).toEqual({ a: 1n })
    const stored = bytesOf(after.encode({ a: 1n }, here))
    const less = createValueEncoding({ codecs: [turning('first')] })
    expect(() => less.decode(stored, here)).toThrow(SerializationError)
    expect(() => less.decode(stored, here)).toThrow(/"Fetch".*by a codec "second", which is not among the codecs/)
    expect(() => before.decode(stored, here)).toThrow(/by a codec "first"/)
    // The order they are given in today does not matter.
    const turnedRound = createValueEncoding({ codecs: [turning('second'), turning('first'), turning('third')] })
    expect(turnedRound.decode(stored, here)).toEqual({ a: 1n })
  })

  test('of another format are read by what they are, or refused by the format’s name', () => {
    const json = createValueEncoding({ codecs: [turning('a')] })
    const bytes = createValueEncoding({ format: binary, codecs: [turning('a')] })
    expect(bytes.decode(bytesOf(json.encode({ a: 1n }, here)), here)).toEqual({ a: 1n })
    expect(() => json.decode(bytesOf(bytes.encode(1, here)), here)).toThrow(/in the format "v8", which the store/)
    expect(() => json.decode(serialize(1), here)).toThrow(/the store has no format of its own/)
  })

  test('of a required codec must have gone through it', () => {
    const plain = createValueEncoding({ codecs: [turning('zip')] })
    const required = createValueEncoding({ codecs: [turning('zip'), turning('lock', { isRequired: true })] })
    expect(() => required.decode('{"a":1}', here)).toThrow(/it was stored without "lock", which is required/)
    expect(() => required.decode(bytesOf(plain.encode(1, here)), here)).toThrow(/without "lock"/)
    expect(() => required.decode(serialize(1), here)).toThrow(/without "lock"/)
    expect(required.decode(required.encode(1, here) as StoredValue, here)).toBe(1)
  })

  test('whose bytes look like an envelope get one', () => {
    const looksSealed = bytesOf(createValueEncoding({ codecs: [turning('a')] }).encode(1, here))
    const format: ValueFormat = { name: 'odd', encode: () => looksSealed, decode: () => ['odd'] }
    const encoding = createValueEncoding({ format })
    expect(encoding.decode(bytesOf(encoding.encode(1, here)), here)).toEqual(['odd'])
  })
})

describe('codecs', () => {
  test('are applied in order, and undone in reverse', () => {
    const stored = bytesOf(createValueEncoding({ codecs: [prefixing('one', 1), prefixing('two', 2)] }).encode(5, here))
    expect([...stored.subarray(-3)]).toEqual([2, 1, '5'.charCodeAt(0)])
  })

  test('see the identity and how the bytes were made, framed, the same both ways', () => {
    const seen: string[] = []
    const codec: Codec = {
      name: 'spy',
      encode: (bytes, identity) => (seen.push(identity), bytes),
      decode: (bytes, identity) => (seen.push(identity), bytes),
    }
    const encoding = createValueEncoding({ codecs: [codec, turning('other')] })
    encoding.decode(bytesOf(encoding.encode(1, ['a"', 'b'])), ['a"', 'b'])
    expect(seen).toEqual(['[["a\\"","b"],"json",["spy","other"]]', '[["a\\"","b"],"json",["spy","other"]]'])
    encoding.encode(1, ['a', '","b'])
    encoding.encode(1, ['a","', 'b'])
    expect(new Set(seen).size).toBe(3)
  })

  test.each(['at once', 'later'])('that fail %s are named, with the place and the cause', async (when) => {
    const cause = new Error('no key today')
    const failing: Codec = {
      name: 'vault',
      encode: () => raised(cause),
      decode: () => raised(cause),
    }
    const codec = when === 'later' ? asynchronous(failing) : failing
    const encoding = createValueEncoding({ codecs: [codec] })
    const encoded = new Promise((resolve) => resolve(encoding.encode(1, here)))
    await expect(encoded).rejects.toThrow(refused('encode'))
    await expect(encoded).rejects.toMatchObject({ code: 'SERIALIZATION_FAILED', cause })
    const stored = bytesOf(createValueEncoding({ codecs: [turning('vault')] }).encode(1, here))
    const decoded = new Promise((resolve) => resolve(encoding.decode(stored, here)))
    await expect(decoded).rejects.toThrow(refused('decode'))
    await expect(decoded).rejects.toBeInstanceOf(SerializationError)
  })

  test('that return no bytes are refused by name', () => {
    const codec = turning('mine', { encode: () => 'text' as unknown as Uint8Array })
    expect(() => createValueEncoding({ codecs: [codec] }).encode(1, here)).toThrow(
      /codec "mine" could not encode .*: it returned a string, not a Uint8Array/,
    )
  })

  test('with a secret hash result keys; else they stay what they are', () => {
    expect(createValueEncoding({ codecs: [turning('a')] }).resultKey('key')).toBe('key')
    const keyed = turning('b', { keyedHash: (text) => `hash of ${text}` })
    expect(createValueEncoding({ codecs: [turning('a'), keyed] }).resultKey('key')).toBe('hash of key')
  })

  test.each([
    [{ codecs: [turning('a'), turning('a')] }, /two codecs called "a"/],
    [{ codecs: [turning('')] }, /1 to 64 characters, not ""/],
    [{ codecs: [turning('x'.repeat(65))] }, /1 to 64 characters/],
    [{ codecs: Array.from({ length: 17 }, (_, i) => turning(`c${i}`)) }, /17 codecs; 16 are the limit/],
    [{ format: { ...binary, name: 'json' } }, /can't be named "json"/],
    [{ format: { ...binary, name: 'x'.repeat(65) } }, /at most 64/],
    [{ maxBytes: 0 }, /maxBytes must be a number of bytes above 0, not 0/],
    [{ maxBytes: NaN }, /maxBytes/],
  ])('and options that can’t work are refused: %#', (options, message) => {
    expect(() => createValueEncoding(options)).toThrow(OptionError)
    expect(() => createValueEncoding(options)).toThrow(message)
  })
})

function refused(what: string): RegExp {
  return new RegExp(`codec "vault" could not ${what} .*"Fetch".*: no key today`)
}

function raised(error: Error): never {
  throw error
}

describe('damaged values', () => {
  test('of text are refused with the place', () => {
    const encoding = createValueEncoding()
    expect(() => encoding.decode('{"a":', here)).toThrow(
      /can’t read the output of step "Fetch" of execution "execution-1": .*JSON/,
    )
    expect(() => encoding.decode('', here)).toThrow(SerializationError)
    expect(() => encoding.decode('{"$what":1}', here)).toThrow(/\$what: no tag/)
  })

  test.each(['{"a":[1,2,3]}', '12345'])('cut off anywhere, %s is refused', (text) => {
    for (const codecs of [[turning('a')], [prefixing('b', 3), turning('a')]]) {
      const encoding = createValueEncoding({ codecs })
      const whole = bytesOf(encoding.encode(JSON.parse(text), here))
      for (let length = 0; length < whole.length; length++)
        expect(() => encoding.decode(whole.subarray(0, length), here)).toThrow(SerializationError)
      expect(() => encoding.decode(Buffer.concat([whole, Buffer.of(0)]), here)).toThrow(SerializationError)
    }
  })

  test(`of any bytes are refused (seed ${seed})`, () => {
    const encoding = createValueEncoding({ codecs: [turning('a')] })
    const head = bytesOf(encoding.encode(1, here)).subarray(0, 5)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, isHeaded) => {
        const stored = isHeaded ? Buffer.concat([head, bytes]) : bytes
        expect(() => encoding.decode(stored, here)).toThrow(SerializationError)
      }),
      { seed, numRuns: 1_000 },
    )
  })
})
