/** Bytes that codecs made, with what a reader needs to know to undo it. */
export interface Envelope {
  /** Name of the format that made the bytes which the codecs were given. */
  readonly format: string
  /** Names of the codecs, in the order they were applied. */
  readonly codecs: readonly string[]
  readonly payload: Uint8Array
}

// No text in UTF-8 and no msgpack document begins with 0xc1. The last byte is the layout's version.
const magic = Uint8Array.of(0xc1, 0x44, 0x6b, 0x74, 1)

/** Longest name of a format or codec, in characters. */
export const maxNameLength = 64

/**
 * The bytes of an envelope: magic, then length of the payload, names of format and codecs as one text of JSON with its length in two
 * bytes, then the payload.
 */
export function sealed({ format, codecs, payload }: Envelope): Uint8Array {
  const names = Buffer.from(JSON.stringify([payload.length, format, ...codecs]))
  const head = magic.length + 2
  const bytes = new Uint8Array(head + names.length + payload.length)
  bytes.set(magic)
  bytes[magic.length] = names.length >> 8
  bytes[magic.length + 1] = names.length & 0xff
  bytes.set(names, head)
  bytes.set(payload, head + names.length)
  return bytes
}

/** Whether bytes begin as an envelope does. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte)
}

/** @throws when the envelope is cut off or damaged */
export function opened(bytes: Uint8Array): Envelope {
  const head = magic.length + 2
  const payloadStart = head + ((bytes[magic.length] ?? 0) << 8) + (bytes[magic.length + 1] ?? 0)
  if (bytes.length < head || bytes.length < payloadStart) throw new Error('the bytes end too early')
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + head, payloadStart - head).toString()
  const [length, ...names] = JSON.parse(text) as readonly unknown[]
  const [format, ...codecs] = names.map(String)
  if (format === undefined) throw new Error('the name of its format is missing')
  // Cut off, a short text of JSON may still be one.
  if (length !== bytes.length - payloadStart) throw new Error('the bytes end too early, or too late')
  return { format, codecs, payload: bytes.subarray(payloadStart) }
}
