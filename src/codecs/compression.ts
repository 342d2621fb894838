import zlib from 'node:zlib'
import type { Codec } from '../core/contracts/codec.ts'
import { SerializationError } from '../core/errors.ts'
import { checkOptions, describe } from '../core/check-options.ts'

/** Options of `compression`. */
export interface CompressionOptions {
  /** @default 'zstd' */
  readonly algorithm?: 'zstd' | 'gzip'
  /** Values of fewer bytes are left as they are. @default 1024 */
  readonly above?: number
  /** How hard to try: 1 to 22 for zstd, 1 to 9 for gzip. @default 3 for zstd, 6 for gzip */
  readonly level?: number
  /** Size of a value above which it is neither written nor read: a few bytes can unpack to gigabytes. @default 64 MiB */
  readonly maxBytes?: number
}

interface Algorithm {
  /** First byte of what it made. */
  readonly marker: number
  readonly maxLevel: number
  readonly defaultLevel: number
  compress(bytes: Uint8Array, level: number): Uint8Array
  decompress(bytes: Uint8Array, maxOutputLength: number): Uint8Array
}

const raw = 0
const algorithms: Readonly<Record<'zstd' | 'gzip', Algorithm>> = {
  gzip: {
    marker: 1,
    maxLevel: 9,
    defaultLevel: 6,
    compress: (bytes, level) => zlib.gzipSync(bytes, { level }),
    decompress: (bytes, maxOutputLength) => zlib.gunzipSync(bytes, { maxOutputLength }),
  },
  zstd: {
    marker: 2,
    maxLevel: 22,
    defaultLevel: 3,
    compress: (bytes, level) =>
      zlib.zstdCompressSync(bytes, {
        // Without its checksum, damaged bytes may unpack to something else.
        params: { [zlib.constants.ZSTD_c_compressionLevel]: level, [zlib.constants.ZSTD_c_checksumFlag]: 1 },
      }),
    decompress: (bytes, maxOutputLength) => zlib.zstdDecompressSync(bytes, { maxOutputLength }),
  },
}

/**
 * Compresses stored values. Values of all algorithms can be read, whichever new ones are written with. Put it before encryption:
 * encrypted bytes don't compress. It works at once, in the calling thread: for a megabyte of JSON some 1 ms (zstd) or 4 ms (gzip).
 *
 * @throws OptionError for options that can't be used
 * @example
 * codecs: [compression(), encryption({ keys, current })]
 */
export function compression(options: CompressionOptions = {}): Codec {
  checkCompression(options)
  const { algorithm = 'zstd', above = 1024, maxBytes = 64 * 1024 * 1024 } = options
  const { marker, defaultLevel, compress } = algorithms[algorithm]
  const level = options.level ?? defaultLevel

  return {
    name: 'compression',
    encode(bytes) {
      // Said now, when it can be helped: a value that was written must be readable.
      if (bytes.length > maxBytes)
        throw new SerializationError(`${bytes.length} bytes are more than the compression's maxBytes of ${maxBytes}`)
      const packed = bytes.length < above ? bytes : compress(bytes, level)
      return packed.length + headLength < bytes.length
        ? marked(marker, bytes.length, packed)
        : Buffer.concat([Buffer.of(raw), bytes])
    },
    decode(bytes) {
      if (bytes[0] === raw) return bytes.subarray(1)
      const packer = Object.values(algorithms).find((one) => one.marker === bytes[0])
      if (packer === undefined || bytes.length < headLength)
        throw new SerializationError('the bytes are not what the compression writes')
      const length = Buffer.from(bytes.buffer, bytes.byteOffset).readUInt32BE(1)
      if (length > maxBytes)
        throw new SerializationError(
          `unpacked, it would have ${length} bytes, more than the compression's maxBytes of ${maxBytes}`,
        )
      const unpacked = packer.decompress(bytes.subarray(headLength), Math.max(length, 1))
      if (unpacked.length !== length)
        throw new SerializationError(`unpacked, it has ${unpacked.length} bytes instead of ${length}`)
      return unpacked
    },
  }
}

/** The marker, and the length of the original in four bytes. */
const headLength = 5

function marked(marker: number, length: number, packed: Uint8Array): Uint8Array {
  const head = Buffer.alloc(headLength, marker)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, packed])
}

function checkCompression(options: CompressionOptions): void {
  checkOptions('compression', options, ['algorithm', 'above', 'level', 'maxBytes'], (given) => {
    const { algorithm = 'zstd', above = 1024, level, maxBytes = 1 } = given
    const known = isAlgorithm(algorithm) ? algorithm : undefined
    // Where the algorithm is wrong, a level that any of them has is right.
    const fitting = known === undefined ? Object.values(algorithms) : [algorithms[known]]
    const maxLevel = fitting.reduce((most, one) => Math.max(most, one.maxLevel), 0)
    return [
      known === undefined && `algorithm must be "zstd" or "gzip", not ${describe(algorithm)}`,
      !isInRange(above, 0, Infinity) && `above must be a number of bytes, not ${describe(above)}`,
      level !== undefined &&
        !(isInRange(level, 1, maxLevel) && Number.isInteger(level)) &&
        `level must be a whole number from 1 to ${maxLevel}${known === undefined ? '' : ` for ${known}`}, not ${describe(level)}`,
      !(isInRange(maxBytes, 1, 2 ** 32 - 1) && Number.isInteger(maxBytes)) &&
        `maxBytes must be a whole number of bytes from 1 to ${2 ** 32 - 1}, not ${describe(maxBytes)}`,
    ]
  })
}

function isAlgorithm(value: unknown): value is keyof typeof algorithms {
  return typeof value === 'string' && Object.hasOwn(algorithms, value)
}

function isInRange(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}
