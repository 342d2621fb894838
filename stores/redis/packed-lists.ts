import type { Argument } from './link.ts'

const array = 0xdd
const raw = 0xdb
const headBytes = 5
const scratchBytes = 16 * 1024

/**
 * Lists of texts, numbers (as texts) and bytes as one argument, in the msgpack that `cmsgpack.unpack` of Redis's Lua reads: it
 * does not know byte strings, so bytes go as texts: to Lua both are strings.
 */
export function packedLists(lists: readonly (readonly Argument[])[]): Buffer {
  const writer = new Writer()
  writer.list(lists.length)
  for (const items of lists) {
    writer.list(items.length)
    for (const item of items) {
      if (typeof item === 'object') writer.bytes(item)
      else writer.text(typeof item === 'string' ? item : String(item))
    }
  }
  return writer.written()
}

/** Most lists fit: nothing is allocated for them but what they come to. */
const scratch = Buffer.allocUnsafeSlow(scratchBytes)

class Writer {
  #buffer = scratch
  #at = 0

  list(length: number): void {
    this.#head(array, length, 0)
  }

  text(text: string): void {
    // UTF-8 has up to three bytes for each unit.
    this.#reserve(text.length * 3)
    const length = this.#buffer.write(text, this.#at + headBytes)
    this.#head(raw, length, length)
    this.#at += length
  }

  bytes(bytes: Buffer): void {
    this.#head(raw, bytes.length, bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  written(): Buffer {
    const written = this.#buffer.subarray(0, this.#at)
    return this.#buffer === scratch ? Buffer.from(written) : written
  }

  #head(kind: number, length: number, following: number): void {
    this.#reserve(following)
    this.#buffer[this.#at] = kind
    this.#buffer.writeUInt32BE(length, this.#at + 1)
    this.#at += headBytes
  }

  #reserve(bytes: number): void {
    const needed = this.#at + headBytes + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

/** What a script packed: texts as bytes, nothing, or lists of them. */
export type Packed = Buffer | null | readonly Packed[]

/** Reads what `cmsgpack.pack` of Redis's Lua made of lists, of texts and of `false`. @throws for anything else */
export function unpackedLists(bytes: Buffer): Packed {
  let at = 0
  const text = (length: number, headLength: number): Buffer => {
    const from = at + headLength
    at = from + length
    return bytes.subarray(from, at)
  }
  const list = (length: number, headLength: number): Packed[] => {
    at += headLength
    return Array.from({ length }, next)
  }
  const next = (): Packed => {
    const kind = bytes[at]!
    if (kind >= 0xa0 && kind < 0xc0) return text(kind & 0x1f, 1)
    if (kind >= 0x90 && kind < 0xa0) return list(kind & 0x0f, 1)
    switch (kind) {
      case 0xc2:
        at++
        return null
      case 0xd9:
        return text(bytes[at + 1]!, 2)
      case 0xda:
        return text(bytes.readUInt16BE(at + 1), 3)
      case 0xdb:
        return text(bytes.readUInt32BE(at + 1), 5)
      case 0xdc:
        return list(bytes.readUInt16BE(at + 1), 3)
      case 0xdd:
        return list(bytes.readUInt32BE(at + 1), 5)
      // An empty table is taken for a map.
      case 0x80:
        return list(0, 1)
      default:
        throw new Error(`a script's reply has the unknown byte ${kind}`)
    }
  }
  return next()
}
