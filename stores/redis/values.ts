import type { StoredValue } from '../../src/core/contracts/stored-value.ts'
import { isBytes } from '../../src/core/is-builtin.ts'

/** A stored value with one byte before it that says what it was: `s` text, `w` text that UTF-8 would not keep, `b` bytes. */
export function valueBytes(value: StoredValue): Buffer {
  if (typeof value === 'string')
    return value.isWellFormed()
      ? Buffer.from(`s${value}`)
      : Buffer.concat([Buffer.from('w'), Buffer.from(value, 'utf16le')])
  const bytes = Buffer.allocUnsafe(value.byteLength + 1)
  bytes[0] = 0x62
  bytes.set(value, 1)
  return bytes
}

/** What `valueBytes` was given. @throws when it was something else */
export function valueOf(bytes: Buffer): StoredValue {
  switch (bytes[0]) {
    case 0x73:
      return bytes.toString('utf8', 1)
    case 0x77:
      return bytes.toString('utf16le', 1)
    case 0x62:
      return new Uint8Array(bytes.subarray(1)) // A copy: the reply's buffer is much larger.
    default:
      throw new Error('a value begins with an unknown byte')
  }
}

/** Text for msgpack, whose UTF-8 has no lone surrogates: such a text becomes a list of one byte string. */
export function packedText(text: string): string | [Buffer] {
  return text.isWellFormed() ? text : [Buffer.from(text, 'utf16le')]
}

/** What `packedText` was given; undefined stays. @throws when it was something else */
export function unpackedText(packed: unknown): string | undefined {
  if (packed === undefined || typeof packed === 'string') return packed
  if (Array.isArray(packed) && isBytes(packed[0]))
    return Buffer.from(packed[0].buffer, packed[0].byteOffset, packed[0].byteLength).toString('utf16le')
  throw new Error('a field is not a string')
}

/** A stored value as msgpack keeps it: it distinguishes texts from byte strings. */
export function packedValue(value: StoredValue | undefined): string | [Buffer] | Uint8Array | undefined {
  return typeof value === 'string' ? packedText(value) : value
}

/** What `packedValue` was given. @throws when it was something else */
export function unpackedValue(packed: unknown): StoredValue | undefined {
  return isBytes(packed) ? new Uint8Array(packed) : unpackedText(packed)
}

/** @throws when it is not a number */
export function unpackedNumber(packed: unknown): number {
  if (typeof packed === 'number') return packed
  throw new Error('a field is not a number')
}

/** @throws when it is neither a number nor undefined */
export function unpackedTime(packed: unknown): number | undefined {
  return packed === undefined ? undefined : unpackedNumber(packed)
}
