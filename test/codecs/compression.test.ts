import * as fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { compression, encryption } from '../../src/codecs/index.ts'
import type { Codec, CompressionOptions } from '../../src/codecs/index.ts'
import { OptionError, SerializationError } from '../../src/core/errors.ts'
import { canonicalize } from '../../src/core/values/keys.ts'
import { createValueEncoding } from '../../src/core/values/value-encoding.ts'
import { samples, seed } from '../core/values/plain-values.ts'

const here = ['result', 'k']
const long = { text: 'all work and no play '.repeat(500) }

function encoded(codec: Codec, bytes: Uint8Array): Uint8Array {
  return codec.encode(bytes, '') as Uint8Array
}

describe.each(['zstd', 'gzip'] as const)('%s', (algorithm) => {
  test('makes values smaller, and gives them back', () => {
    const encoding = createValueEncoding({ codecs: [compression({ algorithm })] })
    const stored = encoding.encode(long, here) as Uint8Array
    expect(stored.length).toBeLessThan(300)
    expect(encoding.decode(stored, here)).toEqual(long)
  })

  test('is read whichever algorithm new values are written with', () => {
    const stored = createValueEncoding({ codecs: [compression({ algorithm })] }).encode(long, here) as Uint8Array
    const other = compression({ algorithm: algorithm === 'zstd' ? 'gzip' : 'zstd', above: 0 })
    expect(createValueEncoding({ codecs: [other] }).decode(stored, here)).toEqual(long)
  })

  test('leaves small values and those that don’t get smaller as they are', () => {
    const codec = compression({ algorithm, above: 100 })
    for (const bytes of [Buffer.alloc(99), Buffer.alloc(0), randomBytes(5_000)]) {
      expect(encoded(codec, bytes)).toHaveLength(bytes.length + 1)
      expect(Buffer.from(codec.decode(encoded(codec, bytes), '') as Uint8Array)).toEqual(bytes)
    }
    expect(encoded(codec, Buffer.alloc(100)).length).toBeLessThan(60)
  })

  test(`gives any bytes back (seed ${seed})`, () => {
    const codec = compression({ algorithm, above: 0 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, times) => {
        const repeated = Buffer.concat(Array.from({ length: times }, () => bytes))
        expect(Buffer.from(codec.decode(encoded(codec, repeated), '') as Uint8Array)).toEqual(repeated)
      }),
      { seed },
    )
  })

  test('refuses what is damaged', () => {
    const encoding = createValueEncoding({ codecs: [compression({ algorithm })] })
    const stored = encoding.encode(long, here) as Uint8Array
    for (let length = 0; length < stored.length; length++)
      expect(() => encoding.decode(stored.subarray(0, length), here)).toThrow(SerializationError)
    for (let at = 0; at < stored.length; at++) {
      const changed = stored.slice()
      changed[at] = changed[at]! ^ 0x10
      // The header of gzip has bytes that mean nothing (the system that made it): what they hide is the value itself, or nothing.
      let value: unknown = long
      try {
        value = encoding.decode(changed, here)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(SerializationError)
      }
      expect(value).toEqual(long)
    }
  })

  test('does not unpack more than it may, whatever a value says of its size', () => {
    const bomb = Buffer.alloc(50_000_000)
    const packed = algorithm === 'gzip' ? gzipSync(bomb) : zstdCompressSync(bomb)
    const codec = compression({ algorithm, maxBytes: 1_000_000 })
    const claiming = (length: number): Uint8Array => {
      const head = Buffer.of(algorithm === 'gzip' ? 1 : 2, 0, 0, 0, 0)
      head.writeUInt32BE(length, 1)
      return Buffer.concat([head, packed])
    }
    expect(() => codec.decode(claiming(50_000_000), '')).toThrow(/50000000 bytes, more than .* 1000000/)
    for (const lie of [0, 1, 1_000_000]) expect(() => codec.decode(claiming(lie), '')).toThrow()
    expect(() => codec.encode(bomb, '')).toThrow(/50000000 bytes are more than the compression's maxBytes of 1000000/)
  })
})

describe('compression, encryption and a codec of the user’s own', () => {
  const own: Codec = {
    name: 'own',
    encode: async (bytes) => {
      await Promise.resolve()
      return bytes.toReversed()
    },
    decode: async (bytes) => {
      await Promise.resolve()
      return bytes.toReversed()
    },
  }
  const codecs = [
    compression({ above: 20 }),
    own,
    encryption({ keys: { k: Buffer.alloc(32, 7) }, current: 'k', isRequired: true }),
  ]

  test(`give any value back (seed ${seed})`, async () => {
    const encoding = createValueEncoding({ codecs })
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const stored = await encoding.encode(sample.build(false), here)
        expect(canonicalize(await encoding.decode(stored, here))).toBe(canonicalize(sample.build(false)))
      }),
      { seed },
    )
  })

  test('compress before they encrypt, and bind the value to its place', async () => {
    const encoding = createValueEncoding({ codecs })
    const stored = await encoding.encode(long, here)
    expect(stored.length).toBeLessThan(300)
    await expect(
      new Promise((resolve) => resolve(encoding.decode(stored, ['result', 'other']))),
    ).rejects.toBeInstanceOf(SerializationError)
  })
})

describe('options that can’t be used', () => {
  test.each<readonly [unknown, RegExp]>([
    [{ algorithm: 'brotli' }, /algorithm must be "zstd" or "gzip", not "brotli"/],
    [{ algorithm: 'toString' }, /algorithm must be/],
    [{ above: -1 }, /above must be a number of bytes, not -1/],
    [{ level: 23 }, /level must be a whole number from 1 to 22 for zstd, not 23/],
    [{ algorithm: 'gzip', level: 10 }, /from 1 to 9 for gzip, not 10/],
    [{ level: 1.5 }, /whole number/],
    [{ maxBytes: 0 }, /maxBytes must be a whole number of bytes/],
    [{ treshold: 1 }, /unknown option "treshold"/],
    [null, /options must be an object/],
  ])('%o are refused', (options, message) => {
    expect(() => compression(options as CompressionOptions)).toThrow(OptionError)
    expect(() => compression(options as CompressionOptions)).toThrow(message)
  })
})
