import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Codec } from '../core/contracts/codec.ts'
import { SerializationError } from '../core/errors.ts'
import { isRecord } from '../core/is-record.ts'
import { checkOptions, describe } from '../core/check-options.ts'
import { isBytes } from '../core/is-builtin.ts'

/** 32 bytes, or the same in base64 (44 characters; base64url will do): `openssl rand -base64 32`. */
export type SecretKey = Uint8Array | string

/** Options of `encryption`. */
export interface EncryptionOptions {
  /**
   * Keys by id. An id is 1 to 32 letters, digits, `.`, `_` or `-`; it is stored in the clear with every value. To rotate: give all
   * processes the new key, then make it `current`, and keep the old one as long as values that it encrypted are to be read.
   */
  readonly keys: Readonly<Record<string, SecretKey>>
  /** Id of the key that new values are encrypted with. */
  readonly current: string
  /**
   * The secret behind the hashes that take the place of digests of inputs, such as the keys of global results. It must stay the
   * same over rotations: with another one, no result is found any more, and executions underway lose their idempotency. So it
   * must be given once there are several keys; give it the first key's bytes, from which it is derived while there is one.
   * @default derived from the only key
   */
  readonly hashKey?: SecretKey
  /**
   * Refuses to read values that are not encrypted. Without it, values from before the encryption stay readable, but whoever can
   * write to the store can put plain values there.
   * @default false
   */
  readonly isRequired?: boolean
}

const cipherName = 'aes-256-gcm'
const keyLength = 32
const nonceLength = 12
const tagLength = 16
const idForm = /^[\w.-]{1,32}$/

/**
 * Encrypts stored values, inputs, outputs and errors alike, with AES-256-GCM and a random nonce of 96 bits. A value is bound to its
 * place: moved to another execution, step or result, it is refused. Names, ids, statuses and times stay readable. Random nonces
 * ask for a new key before some four billion values (NIST SP 800-38D, 8.3).
 *
 * @throws OptionError for keys that can't be used
 * @example
 * encryption({ keys: { '2026-01': process.env.VALUE_KEY }, current: '2026-01' })
 */
export function encryption(options: EncryptionOptions): Codec {
  checkEncryption(options)
  const { current, isRequired = false } = options
  const keys = new Map(Object.entries(options.keys).map(([id, key]) => [id, createSecretKey(keyBytes(key)!)]))
  const hashKey = derivedHashKey(options.hashKey ?? Object.values(options.keys)[0]!)
  const currentKey = keys.get(current)!
  const head = Buffer.from(`${String.fromCharCode(current.length)}${current}`)

  return {
    name: 'encryption',
    isRequired,
    encode(bytes, identity) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv(cipherName, currentKey, nonce, { authTagLength: tagLength })
      cipher.setAAD(Buffer.concat([head, Buffer.from(identity)]))
      const encrypted = cipher.update(bytes)
      cipher.final() // a stream cipher keeps nothing back
      return Buffer.concat([head, nonce, cipher.getAuthTag(), encrypted])
    },
    decode(bytes, identity) {
      const { id, nonce, tag, encrypted } = partsOf(bytes)
      const key = keys.get(id)
      if (key === undefined)
        throw new SerializationError(`it is encrypted with the key ${shown(id)}, which is not among the keys`)
      return decrypted({ key, id, nonce, tag, encrypted, identity })
    },
    keyedHash: (text) => createHmac('sha256', hashKey).update(text, 'utf8').digest('base64url'),
  }
}

interface Encrypted {
  readonly id: string
  readonly nonce: Uint8Array
  readonly tag: Uint8Array
  readonly encrypted: Uint8Array
}

/** Length of the key's id, the id, the nonce, the tag, and what is encrypted. */
function partsOf(bytes: Uint8Array): Encrypted {
  const nonceStart = 1 + (bytes[0] ?? 0)
  const tagStart = nonceStart + nonceLength
  const start = tagStart + tagLength
  if (bytes.length < start) throw new SerializationError('the encrypted bytes end too early')
  return {
    id: Buffer.from(bytes.subarray(1, nonceStart)).toString('latin1'),
    nonce: bytes.subarray(nonceStart, tagStart),
    tag: bytes.subarray(tagStart, start),
    encrypted: bytes.subarray(start),
  }
}

function decrypted(value: Encrypted & { readonly key: KeyObject; readonly identity: string }): Uint8Array {
  const { key, id, nonce, tag, encrypted, identity } = value
  const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagLength })
  decipher.setAAD(Buffer.concat([Buffer.of(id.length), Buffer.from(id, 'latin1'), Buffer.from(identity)]))
  decipher.setAuthTag(tag)
  const bytes = decipher.update(encrypted)
  try {
    decipher.final()
  } catch (thrown) {
    throw new SerializationError(
      `it can’t be decrypted with the key ${shown(id)}: it was changed or moved here from another place, or the key has other bytes than when it was written`,
      {},
      { cause: thrown },
    )
  }
  return bytes
}

/** Never a key that encrypts: one secret, one use. */
function derivedHashKey(secret: SecretKey): KeyObject {
  const bytes = hkdfSync('sha256', keyBytes(secret)!, '', 'docket: hashes of digests', keyLength)
  return createSecretKey(Buffer.from(bytes))
}

/** The bytes of a key; undefined for what is not one. */
function keyBytes(key: unknown): Uint8Array | undefined {
  if (isBytes(key)) return key
  if (typeof key !== 'string' || !/^[\w+/-]*={0,2}$/.test(key)) return undefined
  return Buffer.from(key, 'base64')
}

function checkEncryption(options: EncryptionOptions): void {
  checkOptions('encryption', options, ['keys', 'current', 'hashKey', 'isRequired'], (given) => {
    const { current, hashKey, isRequired } = given
    const keys = isRecord(given['keys']) ? given['keys'] : {}
    const ids = Object.keys(keys)
    return [
      ids.length === 0 && 'keys must be an object with at least one key by its id',
      ...ids.map((id, index) => !idForm.test(id) && problemOfId(index)),
      ...ids.map((id, index) => problemOfKey(idForm.test(id) ? `keys[${shown(id)}]` : `key ${index + 1}`, keys[id])),
      ids.length > 0 &&
        !(typeof current === 'string' && Object.hasOwn(keys, current)) &&
        `current must be the id of one of the keys (${ids.filter((id) => idForm.test(id)).join(', ')}); what was given is none of them`,
      hashKey !== undefined && problemOfKey('hashKey', hashKey),
      hashKey === undefined &&
        ids.length > 1 &&
        'with several keys, hashKey must be given: the secret that digests are hashed with, which must not change when keys do; ' +
          'give it the bytes of the key that was the only one',
      isRequired !== undefined &&
        typeof isRequired !== 'boolean' &&
        `isRequired must be true or false, not ${describe(isRequired)}`,
    ]
  })
}

/** An id, for messages: it may come from a stored value, and be of any length. */
function shown(id: string): string {
  return JSON.stringify(id.slice(0, 40))
}

// No message shows what was given for a key, for `current`, or as an id that is no id: keys and ids are easily exchanged.
function problemOfId(index: number): string {
  return `the id of key ${index + 1} must be 1 to 32 letters, digits, ".", "_" or "-"; is it a key that stands in the place of its id?`
}

function problemOfKey(place: string, key: unknown): string | false {
  const bytes = keyBytes(key)
  if (bytes === undefined) return `${place} must be ${keyLength} bytes, as a Uint8Array or in base64`
  return bytes.length !== keyLength && `${place} must have ${keyLength} bytes, not ${bytes.length}`
}
