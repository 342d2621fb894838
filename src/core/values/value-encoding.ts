import { describe, refuse } from '../check-options.ts'
import type { Problem } from '../check-options.ts'
import type { Codec } from '../contracts/codec.ts'
import { briefErrorTreeOf, errorTreeOf, shortErrorTreesOf } from './error-tree.ts'
import { SerializationError } from '../errors.ts'
import { withoutSensitiveParts } from './plain-data.ts'
import { describeThrown } from '../thrown.ts'
import type { StoredValue, ValueFormat } from '../contracts/stored-value.ts'
import { isSealed, maxNameLength, opened, sealed } from './value-envelope.ts'
import { valueOfTree } from './value-of-tree.ts'
import { treeOf } from './value-tree.ts'
import { isBytes } from '../is-builtin.ts'

/**
 * Names the place that a value is stored in, the same when it is written and when it is read: `['execution', id, 'output']`,
 * `['step', execution, step, item, 'output']`, `['result', key]`. No two places have the same one.
 */
export type ValueIdentity = readonly string[]

/** Options of `createValueEncoding`. */
export interface ValueEncodingOptions {
  /** How the store wants its values. @default JSON text */
  readonly format?: ValueFormat | undefined
  /** Applied in this order when values are written: compress first, then encrypt. @default none */
  readonly codecs?: readonly Codec[] | undefined
  /** Size of a value, as the format makes it, from which on it is refused. @default 16 MiB */
  readonly maxBytes?: number | undefined
}

/**
 * How values become what a store keeps, and values again. What it gives is a promise only where a codec's is.
 *
 * Values are read by what they are, not by how they would be written today: text is JSON, bytes of the codecs say which those
 * were, other bytes are the format's. So codecs may be added to a store that has values already.
 */
export interface ValueEncoding {
  /** @throws SerializationError (or rejects with it) when the value is not plain data, or too big */
  encode(value: unknown, identity: ValueIdentity): StoredValue | Promise<StoredValue>
  /**
   * The value that was encoded, deeply equal to it and shared with nothing.
   * @throws SerializationError (or rejects with it) when the stored value is damaged, was encoded for another identity, or needs a
   * codec or format that is not there
   */
  decode(stored: StoredValue, identity: ValueIdentity): unknown
  /** As `encode`, for anything thrown: what can't be stored becomes a text, and what takes more than 64 KiB is cut. Fails only where a codec does. */
  encodeError(thrown: unknown, identity: ValueIdentity): StoredValue | Promise<StoredValue>
  /** As `decode`: errors are Errors again, of the built-in class that their own class extends. */
  decodeError(stored: StoredValue, identity: ValueIdentity): unknown
  /**
   * The digest that a store may see in the place of a digest of values: the hash of a codec that has a secret, or the digest
   * itself. For keys of global results, and for all other digests that are stored or compared.
   */
  resultKey(digest: string): string
}

/** What strings are, whatever the format. */
const textFormat = 'json'
const defaultMaxBytes = 16 * 1024 * 1024
// An error is there to be read: what hangs on it may be a response of megabytes, and many executions may fail of the same.
const maxErrorBytes = 64 * 1024

/** @throws OptionError for options that can't work */
export function createValueEncoding(options: ValueEncodingOptions = {}): ValueEncoding {
  const { format, codecs = [], maxBytes = defaultMaxBytes } = options
  checkOptions(format, codecs, maxBytes)
  const hashing = codecs.find((codec) => codec.keyedHash !== undefined)

  const formatted = (tree: unknown): StoredValue => (format === undefined ? JSON.stringify(tree) : format.encode(tree))

  const encoded = (body: StoredValue, identity: ValueIdentity): StoredValue | Promise<StoredValue> => {
    // Without codecs, the format's own bytes get an envelope only where they would be taken for one.
    if (codecs.length === 0 && (typeof body === 'string' || !isSealed(body))) return body
    const head = {
      format: typeof body === 'string' ? textFormat : format!.name,
      codecs: codecs.map(({ name }) => name),
    }
    const context = contextOf(identity, head)
    const payload = throughAll(codecs, typeof body === 'string' ? Buffer.from(body) : body, (codec, bytes) =>
      attempt(
        () => bytesOf(codec.encode(bytes, context)),
        (thrown) => failure(`codec "${codec.name}" could not encode`, identity, thrown),
      ),
    )
    const seal = (bytes: Uint8Array): StoredValue => sealed({ ...head, payload: bytes })
    return isPromise(payload) ? payload.then(seal) : seal(payload)
  }

  const decode = (stored: StoredValue, identity: ValueIdentity): unknown => {
    if (typeof stored !== 'string' && isSealed(stored)) return decodeSealed(stored, identity)
    refuseUncoded([], identity)
    return valueOf(stored, format?.name, identity)
  }

  const decodeSealed = (stored: Uint8Array, identity: ValueIdentity): unknown => {
    const envelope = attempt(
      () => opened(stored),
      (thrown) => failure('can’t read', identity, thrown),
    )
    refuseUncoded(envelope.codecs, identity)
    const needed = envelope.codecs.map((name) => {
      const codec = codecs.find((one) => one.name === name)
      if (codec !== undefined) return codec
      throw failure(
        'can’t read',
        identity,
        undefined,
        `it was written by a codec "${name}", which is not among the codecs`,
      )
    })
    const context = contextOf(identity, envelope)
    const bytes = throughAll(needed.toReversed(), envelope.payload, (codec, payload) =>
      attempt(
        () => bytesOf(codec.decode(payload, context)),
        (thrown) => failure(`codec "${codec.name}" could not decode`, identity, thrown),
      ),
    )
    const read = (body: Uint8Array): unknown =>
      valueOf(
        envelope.format === textFormat ? Buffer.from(body.buffer, body.byteOffset, body.length).toString() : body,
        envelope.format,
        identity,
      )
    return isPromise(bytes) ? bytes.then(read) : read(bytes)
  }

  /** Writers to the store must not get past the encryption by storing plain text. */
  const refuseUncoded = (names: readonly string[], identity: ValueIdentity): void => {
    const missing = codecs.find((codec) => codec.isRequired === true && !names.includes(codec.name))
    if (missing === undefined) return
    const what = `it was stored without "${missing.name}", which is required`
    throw failure('can’t read', identity, undefined, what)
  }

  const valueOf = (body: StoredValue, madeBy: string | undefined, identity: ValueIdentity): unknown => {
    const failed = (thrown: unknown): SerializationError => failure('can’t read', identity, thrown)
    if (typeof body === 'string') return attempt(() => valueOfText(body), failed)
    if (format !== undefined && format.name === madeBy) return attempt(() => valueOfTree(format.decode(body)), failed)
    const what =
      madeBy === undefined
        ? 'its bytes are not what this version of the codecs writes, and the store has no format of its own'
        : `it was written in the format "${madeBy}", which the store does not have`
    throw failure('can’t read', identity, undefined, what)
  }

  return {
    encode: (value, identity) => {
      const tree = treeOf(value)
      const body = attempt(
        () => formatted(tree),
        (thrown) => failure('can’t store', identity, thrown),
      )
      const size = sizeAbove(body, maxBytes)
      if (size !== undefined) throw failure('can’t store', identity, undefined, tooBig(size, maxBytes))
      return encoded(body, identity)
    },
    decode,
    encodeError: (thrown, identity) => encoded(errorBody(thrown, formatted, maxBytes), identity),
    decodeError: decode,
    resultKey: (digest) => hashing?.keyedHash?.(digest) ?? digest,
  }
}

/**
 * As `encode`, for a value of which parts may be sensitive: an error says nothing of them.
 * @param isSensitive whether the whole value is, or what has a name in it
 * @throws (as rejection) SerializationError
 */
export async function encodedValue(
  encoding: Pick<ValueEncoding, 'encode'>,
  value: unknown,
  identity: ValueIdentity,
  isSensitive: boolean | ((name: string) => boolean),
): Promise<StoredValue> {
  try {
    return await encoding.encode(value, identity)
  } catch (error) {
    throw withoutSensitiveParts(error, isSensitive)
  }
}

function errorBody(thrown: unknown, formatted: (tree: unknown) => StoredValue, maxBytes: number): StoredValue {
  let why: string
  try {
    const limit = Math.min(maxBytes, maxErrorBytes)
    const body = formatted(errorTreeOf(thrown))
    const size = sizeAbove(body, limit)
    if (size === undefined) return body
    for (const shortTree of shortErrorTreesOf(thrown)) {
      const short = formatted(shortTree())
      if (sizeAbove(short, limit) === undefined) return short
    }
    why = `the error itself has ${size} bytes and can’t be stored: the limit is ${limit}`
  } catch (failure) {
    why = `the error itself can’t be stored: ${describeThrown(failure)}`
  }
  return formatted(briefErrorTreeOf(thrown, why))
}

function valueOfText(text: string): unknown {
  const tree: unknown = JSON.parse(text)
  // Most texts have no `$`, and to look for one character costs next to nothing. (The escape is somebody else's.)
  const mayHaveTags = (text.includes('$') && text.includes('"$')) || text.includes('\\u0024')
  return mayHaveTags ? valueOfTree(tree) : tree
}

/** The size in bytes, if it is above a limit. */
function sizeAbove(body: StoredValue, limit: number): number | undefined {
  // A UTF-16 code unit takes three bytes of UTF-8 at most: mostly, there is nothing to count.
  if (typeof body === 'string' && body.length * 3 <= limit) return undefined
  const size = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  return size > limit ? size : undefined
}

function tooBig(size: number, maxBytes: number): string {
  return (
    `it has ${size} bytes, and the limit is ${maxBytes}; keep it elsewhere (a file, an object store) and hand on where it is, ` +
    'or raise the limit (`maxValueBytes` of createDocket)'
  )
}

/** What a codec can authenticate: the place, and how the bytes were made. JSON of texts is the same for no two lists of them. */
function contextOf(
  identity: ValueIdentity,
  made: { readonly format: string; readonly codecs: readonly string[] },
): string {
  return JSON.stringify([identity, made.format, made.codecs])
}

/** A place, in words. */
export function placeOf(identity: ValueIdentity): string {
  const [kind, id, step, item, field] = identity
  if (kind === 'execution' && identity.length === 3) return `the ${step} of execution ${JSON.stringify(id)}`
  if (kind !== 'step' || identity.length !== 5)
    return `the value of ${identity.map((part) => JSON.stringify(part)).join(' ')}`
  const ofItem = item === '' ? '' : ` for item ${JSON.stringify(item)}`
  return `the ${field} of step ${JSON.stringify(step)}${ofItem} of execution ${JSON.stringify(id)}`
}

function failure(
  what: string,
  identity: ValueIdentity,
  thrown: unknown,
  why = describeThrown(thrown),
): SerializationError {
  return new SerializationError(
    `${what} ${placeOf(identity)}: ${why}`,
    {},
    thrown === undefined ? {} : { cause: thrown },
  )
}

/** Runs something, and turns what it throws or rejects with into a failure. */
function attempt<Result>(run: () => Result, failed: (thrown: unknown) => SerializationError): Result {
  try {
    const result = run()
    if (!isPromise(result)) return result
    return result.then(undefined, (thrown: unknown) => {
      throw failed(thrown)
    }) as Result
  } catch (thrown) {
    throw failed(thrown)
  }
}

type Bytes = Uint8Array | Promise<Uint8Array>

/** Bytes through one codec after the other: at once, as long as none of them gives a promise. */
function throughAll(
  codecs: readonly Codec[],
  bytes: Uint8Array,
  apply: (codec: Codec, bytes: Uint8Array) => Bytes,
): Bytes {
  let current = bytes
  for (const [index, codec] of codecs.entries()) {
    const next = apply(codec, current)
    if (isPromise(next)) return next.then((made) => throughAll(codecs.slice(index + 1), made, apply))
    current = next
  }
  return current
}

/** Makes sure that a codec gave bytes: a user's own may not have heard of the type checker. */
function bytesOf(made: Bytes): Bytes {
  if (isPromise(made)) return made.then(bytesOf)
  if (isBytes(made)) return made
  throw new TypeError(`it returned ${typeof made === 'string' ? 'a string' : describe(made)}, not a Uint8Array`)
}

function isPromise<Result>(value: Result | Promise<Result>): value is Promise<Result> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function checkOptions(format: ValueFormat | undefined, codecs: readonly Codec[], maxBytes: number): void {
  const problems: Problem[] = []
  if (format?.name === textFormat)
    problems.push(`a format can't be named "${textFormat}": this name stands for values that are stored as text`)
  const seen = new Set<string>()
  if (format !== undefined && format.name.length > maxNameLength)
    problems.push(`a format's name must have at most ${maxNameLength} characters`)
  for (const { name } of codecs) {
    if (typeof name !== 'string' || name === '' || name.length > maxNameLength)
      problems.push(`a codec's name must be a string of 1 to ${maxNameLength} characters, not ${JSON.stringify(name)}`)
    if (seen.has(name)) problems.push(`there are two codecs called "${name}"; each needs a name of its own`)
    seen.add(name)
  }
  if (codecs.length > 16) problems.push(`there are ${codecs.length} codecs; 16 are the limit`)
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1)
    problems.push(`maxBytes must be a number of bytes above 0, not ${String(maxBytes)}`)
  refuse('value encoding', problems)
}
