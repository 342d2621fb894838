import { SerializationError } from '../../core/errors.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'

/** Reads what it can, for people: of what was written by a codec, or with a key, that is not here there is no value, and why is noted. */
export function lenientEncoding(encoding: ValueEncoding, unreadable: Set<string>): ValueEncoding {
  const read = async (decode: () => unknown): Promise<unknown> => {
    try {
      return await decode()
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      unreadable.add(error.message)
      return undefined
    }
  }
  return {
    encode: (value, identity) => encoding.encode(value, identity),
    encodeError: (thrown, identity) => encoding.encodeError(thrown, identity),
    resultKey: (digest) => encoding.resultKey(digest),
    decode: (stored, identity) => read(() => encoding.decode(stored, identity)),
    decodeError: (stored, identity) => read(() => encoding.decodeError(stored, identity)),
  }
}
