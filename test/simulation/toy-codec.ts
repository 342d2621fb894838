import type { Codec } from '../../src/core/contracts/codec.ts'
import type { StoredValue } from '../../src/core/contracts/stored-value.ts'
import { isSealed, opened } from '../../src/core/values/value-envelope.ts'
import type { Features } from './features.ts'
import type { RandomSource } from './random-source.ts'
import type { SimulatedProcess } from './simulated-process.ts'

const mask = 0x5a
const identityBytes = 4

/** Hides bytes and remembers where they belong: at once, or (as a key server would) after a while. */
export function toyCodec(kind: Features['codec'], process: SimulatedProcess, random: RandomSource): readonly Codec[] {
  if (kind === 'none') return []
  const given = (make: () => Uint8Array): Uint8Array | Promise<Uint8Array> =>
    kind === 'prompt' || random.chance(0.3) ? make() : later(process, random, make)
  return [
    {
      name: 'toy',
      isRequired: true,
      encode: (bytes, identity) =>
        given(() => Uint8Array.from([...hashOf(identity), ...bytes.map((byte) => byte ^ mask)])),
      decode: (bytes, identity) =>
        given(() => {
          if (hashOf(identity).some((byte, index) => byte !== bytes[index]))
            throw new Error(`it was written elsewhere than ${identity}`)
          return shown(bytes)
        }),
      keyedHash: (text) => `toy${text}`,
    },
  ]
}

/** A stored value as plain JSON data, whether a codec made it or not. */
export function plainOf(stored: StoredValue | undefined): unknown {
  if (stored === undefined) return undefined
  if (typeof stored === 'string') return JSON.parse(stored)
  return isSealed(stored) ? JSON.parse(Buffer.from(shown(opened(stored).payload)).toString()) : undefined
}

async function later(process: SimulatedProcess, random: RandomSource, make: () => Uint8Array): Promise<Uint8Array> {
  if (random.chance(0.5))
    await new Promise<void>((resolve) => {
      process.post(random.between(0.1, 6), resolve)
    })
  return make()
}

function shown(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(identityBytes).map((byte) => byte ^ mask)
}

function hashOf(identity: string): readonly number[] {
  let hash = 0
  for (let index = 0; index < identity.length; index++) hash = Math.imul(hash ^ identity.charCodeAt(index), 0x0100_0193)
  return [hash & 0xff, (hash >>> 8) & 0xff, (hash >>> 16) & 0xff, hash >>> 24]
}

/** A stored value that is easy to compare. */
export function textOf(stored: StoredValue | undefined): unknown {
  const made = plainOf(stored)
  return typeof made === 'object' ? JSON.stringify(made) : made
}
