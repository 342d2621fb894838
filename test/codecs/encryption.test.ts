import * as fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import type { EncryptionOptions } from '../../src/codecs/index.ts'
import { checkpointIdentity } from '../../src/core/contracts/checkpoint-record.ts'
import { OptionError, SerializationError } from '../../src/core/errors.ts'
import { createValueEncoding } from '../../src/core/values/value-encoding.ts'
import type { ValueEncoding } from '../../src/core/values/value-encoding.ts'
import { seed } from '../core/values/plain-values.ts'

const here = ['execution', 'e1', 'output']
const keyA = Buffer.alloc(32, 1)
const keyB = Buffer.alloc(32, 2)

function encrypting(options: Partial<EncryptionOptions> = {}): ValueEncoding {
  return createValueEncoding({ codecs: [encryption({ keys: { a: keyA }, current: 'a', ...options })] })
}

function bytesOf(encoding: ValueEncoding, value: unknown, identity = here): Uint8Array {
  const stored = encoding.encode(value, identity)
  expect(stored).toBeInstanceOf(Uint8Array)
  return stored as Uint8Array
}

describe('an encrypted value', () => {
  test('comes back, and can’t be read without the key', () => {
    const value = { secret: 'the launch code is 1234', at: new Date(0) }
    const stored = bytesOf(encrypting(), value)
    expect(Buffer.from(stored).toString('latin1')).not.toContain('launch')
    expect(encrypting().decode(stored, here)).toEqual(value)
  })

  test(`of any length comes back (seed ${seed})`, () => {
    const codec = encryption({ keys: { a: keyA }, current: 'a' })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' }), (bytes, identity) => {
        const decoded = codec.decode(codec.encode(bytes, identity) as Uint8Array, identity) as Uint8Array
        expect([...decoded]).toEqual([...bytes])
      }),
      { seed },
    )
  })

  test('is another one each time', () => {
    const stored = new Set(Array.from({ length: 100 }, () => Buffer.from(bytesOf(encrypting(), 1)).toString('hex')))
    expect(stored.size).toBe(100)
  })

  test('is refused when any of its bits is changed', () => {
    const encoding = encrypting()
    const stored = bytesOf(encoding, { a: 'secret' })
    for (let at = 0; at < stored.length; at++)
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const changed = stored.slice()
        changed[at] = changed[at]! ^ bit
        expect(() => encoding.decode(changed, here), `bit ${bit} of byte ${at}`).toThrow(SerializationError)
      }
  })

  test('is refused when it is cut off or made longer', () => {
    const encoding = encrypting()
    const stored = bytesOf(encoding, 12345)
    for (let length = 0; length < stored.length; length++)
      expect(() => encoding.decode(stored.subarray(0, length), here)).toThrow(SerializationError)
    expect(() => encoding.decode(Buffer.concat([stored, Buffer.of(0)]), here)).toThrow(SerializationError)
  })

  test('is refused in any other place', () => {
    const encoding = encrypting()
    const stored = bytesOf(encoding, { role: 'admin' })
    for (const place of [['execution', 'e2', 'output'], ['execution', 'e1', 'inputs'], ['execution', 'e1'], []]) {
      expect(() => encoding.decode(stored, place)).toThrow(SerializationError)
      expect(() => encoding.decode(stored, place)).toThrow(/changed or moved here from another place/)
    }
    expect(() => encoding.decode(stored, ['result', 'k'])).toThrow(/can’t|could not decode .*"result" "k"/)
  })

  test('hides errors too', () => {
    const encoding = encrypting()
    const stored = encoding.encodeError(new Error('card 4111 declined'), here) as Uint8Array
    expect(Buffer.from(stored).toString('latin1')).not.toContain('4111')
    expect(encoding.decodeError(stored, here)).toMatchObject({ message: 'card 4111 declined' })
  })

  test('has to be one, where that is required', () => {
    expect(encrypting().decode('{"role":"user"}', here)).toEqual({ role: 'user' })
    expect(() => encrypting({ isRequired: true }).decode('{"role":"admin"}', here)).toThrow(
      /stored without "encryption"/,
    )
  })
})

describe('keys', () => {
  test('rotate: what an older key encrypted is read as long as the key is there', () => {
    const before = encrypting()
    const rotated = encrypting({ keys: { a: keyA, b: keyB }, current: 'b', hashKey: keyA })
    const after = encrypting({ keys: { b: keyB }, current: 'b', hashKey: keyA })
    const old = bytesOf(before, 'old')
    const young = bytesOf(rotated, 'young')
    expect(rotated.decode(old, here)).toBe('old')
    expect(after.decode(young, here)).toBe('young')
    expect(() => after.decode(old, here)).toThrow(/with the key "a", which is not among the keys/)
    expect(() => before.decode(young, here)).toThrow(/with the key "b"/)
  })

  test('with other bytes under the same id are refused', () => {
    expect(() => encrypting({ keys: { a: keyB } }).decode(bytesOf(encrypting(), 1), here)).toThrow(
      /can’t be decrypted with the key "a": .* or the key has other bytes/,
    )
  })

  test('may be base64 text', () => {
    const key = randomBytes(32)
    const stored = bytesOf(encrypting({ keys: { a: key } }), 1)
    for (const text of [key.toString('base64'), key.toString('base64url')])
      expect(encrypting({ keys: { a: text } }).decode(stored, here)).toBe(1)
  })

  test('are not shown when a codec is printed', () => {
    const codec = encryption({ keys: { a: Buffer.from('0123456789abcdef0123456789abcdef') }, current: 'a' })
    expect(inspect(codec, { depth: 10, showHidden: true })).not.toContain('30 31 32')
    expect(JSON.stringify(codec)).not.toContain('0123')
  })

  test('given as bytes may be overwritten afterwards', () => {
    const key = Buffer.from(keyA)
    const encoding = encrypting({ keys: { a: key } })
    key.fill(0)
    expect(encrypting().decode(bytesOf(encoding, 1), here)).toBe(1)
  })
})

describe('hashes of result keys', () => {
  test('hang on the secret, and stay the same over a rotation with the first key as hashKey', () => {
    const first = encrypting().resultKey('digest')
    expect(first).toMatch(/^[\w-]{43}$/)
    expect(encrypting().resultKey('digest')).toBe(first)
    expect(encrypting().resultKey('digest 2')).not.toBe(first)
    expect(encrypting({ keys: { a: keyB } }).resultKey('digest')).not.toBe(first)
    expect(encrypting({ keys: { b: keyB, a: keyA }, current: 'b', hashKey: keyA }).resultKey('digest')).toBe(first)
    expect(encrypting({ keys: { b: keyB }, current: 'b', hashKey: keyA }).resultKey('digest')).toBe(first)
  })
})

describe('options that can’t be used', () => {
  test.each<readonly [unknown, RegExp]>([
    [undefined, /options must be an object/],
    [{ current: 'a' }, /keys must be an object with at least one key/],
    [{ keys: {}, current: 'a' }, /at least one key/],
    [{ keys: { a: Buffer.alloc(31) }, current: 'a' }, /keys\["a"\] must have 32 bytes, not 31/],
    [{ keys: { a: keyA.toString('hex') }, current: 'a' }, /keys\["a"\] must have 32 bytes, not 48/],
    [{ keys: { a: 'not base64!' }, current: 'a' }, /keys\["a"\] must be 32 bytes, as a Uint8Array or in base64/],
    [{ keys: { a: undefined }, current: 'a' }, /keys\["a"\] must be 32 bytes/],
    [
      { keys: { a: keyA }, current: 'b' },
      /current must be the id of one of the keys \(a\); what was given is none of them/,
    ],
    [{ keys: { a: keyA }, current: 'toString' }, /current must be/],
    [{ keys: { 'a b': keyA }, current: 'a b' }, /the id of key 1 must be 1 to 32/],
    [{ keys: { a: keyA, b: keyB }, current: 'b' }, /with several keys, hashKey must be given/],
    [{ keys: { a: keyA }, current: 'a', hashKey: 'x' }, /hashKey must have 32 bytes, not 0/],
    [{ keys: { a: keyA }, current: 'a', isRequired: 1 }, /isRequired must be true or false, not 1/],
    [{ keys: { a: keyA }, curent: 'a' }, /unknown option "curent"; did you mean "current"\?/],
  ])('%# are refused, and say why', (options, message) => {
    expect(() => encryption(options as EncryptionOptions)).toThrow(OptionError)
    expect(() => encryption(options as EncryptionOptions)).toThrow(message)
  })

  test.each([
    ['is too short', (key: string) => ({ keys: { a: key }, current: 'a' })],
    ['is given as current', (key: string) => ({ keys: { a: keyA }, current: key })],
    ['is exchanged with its id', (key: string) => ({ keys: { [`${key}=`]: 'a' }, current: 'a' })],
    ['is exchanged with its id, and given as current', (key: string) => ({ keys: { [`${key}=`]: 'a' }, current: key })],
  ])('show no part of a key that %s', (_, optionsWith) => {
    const options = optionsWith('c2VjcmV0IGtleSBvZiBhIHVzZXI')
    expect(() => encryption(options)).toThrow(OptionError)
    expect(() => encryption(options)).toThrow(/^(?!.*c2Vjc)/s)
  })
})

test('what one checkpoint holds can’t be put in the place of another one, nor of its error', () => {
  const encoding = encrypting()
  const place = { step: 'Onboarding', item: '', generation: 0, name: 'charge' }
  const own = checkpointIdentity('one', place)
  const stored = encoding.encode({ paid: true }, own) as Uint8Array
  expect(encoding.decode(stored, own)).toEqual({ paid: true })
  const others = [
    checkpointIdentity('two', place),
    ...[{ step: 'Other' }, { item: 'i' }, { generation: 1 }, { name: 'refund' }].map((other) =>
      checkpointIdentity('one', { ...place, ...other }),
    ),
    checkpointIdentity('one', place, 'error'),
  ]
  for (const other of others) expect(() => encoding.decode(stored, other)).toThrow(SerializationError)
})
