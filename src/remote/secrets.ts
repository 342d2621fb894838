import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { describe } from '../core/check-options.ts'
import { isRecord } from '../core/is-record.ts'

/**
 * What two services have in common and nobody else knows: 32 characters at least, like `openssl rand -base64 32`. Of several, what is made is made with the
 * first, and what comes may be made with any: to change it, give both services the new one after the old one, then before it, then alone.
 */
export type Secret = string | readonly string[]

const leastLength = 32

/** What is wrong with a secret; undefined where it can be used. */
export function problemOfSecret(what: string, given: unknown): string | undefined {
  const all: readonly unknown[] = Array.isArray(given) ? given : [given]
  const isGood = all.length > 0 && all.every((one) => typeof one === 'string' && one.length >= leastLength)
  return isGood
    ? undefined
    : `${what} must be a string of ${leastLength} characters at least (openssl rand -base64 32), or an array of such, not ${
        typeof given === 'string' ? `one of ${given.length}` : describe(given)
      }`
}

function secretsOf(secret: Secret): readonly string[] {
  return typeof secret === 'string' ? [secret] : secret
}

/** One secret, one use: each has a key of its own. */
function keyFor(use: string, secret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `docket/remote/${use}`, 32))
}

const cipherName = 'aes-256-gcm'
const nonceLength = 12
const tagLength = 16

/** Data that whoever has the secret alone can read or make: random, and of one place. */
export function seal(secret: Secret, use: string, place: string, data: object): string {
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv(cipherName, keyFor(use, secretsOf(secret)[0]!), nonce, { authTagLength: tagLength })
  cipher.setAAD(Buffer.from(place))
  const encrypted = Buffer.concat([cipher.update(JSON.stringify(data)), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url')
}

/** What was sealed for a place, and the secret that it was sealed with; undefined for anything else, whoever has made it. */
export function unseal(
  secret: Secret,
  use: string,
  place: string,
  sealed: string,
): { readonly data: Readonly<Record<string, unknown>>; readonly secret: string } | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length <= nonceLength + tagLength) return undefined
  for (const one of secretsOf(secret))
    try {
      const nonce = bytes.subarray(0, nonceLength)
      const decipher = createDecipheriv(cipherName, keyFor(use, one), nonce, { authTagLength: tagLength })
      decipher.setAAD(Buffer.from(place))
      decipher.setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength))
      const text = Buffer.concat([decipher.update(bytes.subarray(nonceLength + tagLength)), decipher.final()])
      const data: unknown = JSON.parse(text.toString())
      return isRecord(data) ? { data, secret: one } : undefined
    } catch {
      // It was sealed with another one, or by nobody.
    }
  return undefined
}

/** A text that whoever has the secret alone can make of parts: no two lists of parts have the same one. */
function macOf(use: string, secret: string, parts: readonly string[]): Buffer {
  return createHmac('sha256', keyFor(use, secret)).update(JSON.stringify(parts)).digest()
}

/** The signature of parts. */
export function signatureOf(secret: Secret, use: string, parts: readonly string[]): string {
  return `v1,${macOf(use, secretsOf(secret)[0]!, parts).toString('base64')}`
}

/** Whether a signature is one of these parts; what it takes does not depend on how much of it is right. */
export function isSignatureOf(secret: Secret, use: string, parts: readonly string[], signature: unknown): boolean {
  if (typeof signature !== 'string' || !signature.startsWith('v1,')) return false
  const given = Buffer.from(signature.slice(3), 'base64')
  let isGood = false
  for (const one of secretsOf(secret)) {
    const expected = macOf(use, one, parts)
    if (given.length === expected.length && timingSafeEqual(given, expected)) isGood = true
  }
  return isGood
}
