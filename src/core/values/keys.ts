import { hash } from 'node:crypto'
import { areIndices, hasSymbolKeys, maxDepth, plainKindOf, serializationError, unguardedDepth } from './plain-data.ts'

/**
 * The canonical text of a value: equal values give the same text whatever their property order, and no two different values do.
 *
 * Every part is framed: strings by their length, everything else by a first character that says what it is and an end that can't
 * occur inside. So nothing needs escaping, and any character may occur, lone surrogates too.
 *
 * - A property that is `undefined` equals a missing one, as an optional property does for the type checker. A hole in an array does
 *   not equal `undefined` (`forEach` skips it), nor does a Map's key with the value `undefined` equal a missing key.
 * - `-0` and `0` differ (`1 / x` distinguishes them, and a miss costs less than a wrong hit); `NaN` equals itself.
 * - Map and Set are read without their order, like objects. Bytes count with their kind: a Buffer is not a Uint8Array.
 * - An Error counts with its kind, name, message, cause and own properties; not with its stack, which no two equal errors share.
 * - Refused with a SerializationError that names the path: functions, symbols, cycles, boxed primitives, subclasses and instances of
 *   classes, even those with a `toJSON`: a key must not depend on state that it can't see.
 */
export function canonicalize(value: unknown): string {
  try {
    return textOf(value, 0, undefined)
  } catch (thrown) {
    throw serializationError('key', value, thrown)
  }
}

/** SHA-256 of a text, in 43 characters (base64url). */
export function digest(text: string): string {
  if (text.isWellFormed()) return hash('sha256', text, 'base64url')
  // As UTF-8 all lone surrogates would become the same character. 0xff never occurs in UTF-8: no such text shares its bytes with another.
  return hash('sha256', Buffer.concat([Buffer.of(0xff), Buffer.from(text, 'utf16le')]), 'base64url')
}

/** What a global result depends on besides its inputs: the same for all calls of a step. */
export interface ResultKeyHead {
  readonly scope: 'execution' | 'global'
  /** `persist.namespace`, or the graph's name. */
  readonly namespace: string
  readonly step: string
  /** The step's version. */
  readonly version: string | number | undefined
  /** Name of the output type. */
  readonly output: string
  readonly outputVersion: string | undefined
}

/** The canonical text of all but the inputs: computed once a step, put before the text of each call's inputs. */
export function resultKeyHead({ scope, namespace, step, version, output, outputVersion }: ResultKeyHead): string {
  return canonicalize([scope, namespace, step, version, output, outputVersion])
}

/**
 * The key under which a result is kept: of the step's head, and what distinguishes its results (for a global one, the values by
 * port). The head is framed, so no head and inputs give the text of another head and other inputs.
 * @throws SerializationError if the inputs are not plain data
 */
export function resultKey(head: string, inputs: unknown): string {
  return digest(head + canonicalize(inputs))
}

const notPlain = new Error('a value that is not plain data')

/** `open` holds the objects around this one, once it is so deep that there may be a cycle. */
function textOf(value: unknown, depth: number, open: Set<object> | undefined): string {
  switch (typeof value) {
    case 'string':
      return `"${value.length}:${value}`
    case 'number':
      return value === 0 && Object.is(value, -0) ? '-0,' : value + ','
    case 'boolean':
      return value ? 't' : 'f'
    case 'object':
      if (value === null) return 'z'
      return depth < unguardedDepth ? objectText(value, depth, open) : guardedText(value, depth, open ?? new Set())
    case 'undefined':
      return 'u'
    case 'bigint':
      return `b${value},`
    default:
      throw notPlain
  }
}

function guardedText(value: object, depth: number, open: Set<object>): string {
  if (depth > maxDepth || open.has(value)) throw notPlain
  open.add(value)
  const text = objectText(value, depth, open)
  open.delete(value)
  return text
}

function objectText(value: object, depth: number, open: Set<object> | undefined): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null)
    return recordText(value as Readonly<Record<string, unknown>>, depth, open)
  if (prototype === Array.prototype && Array.isArray(value)) return arrayText(value, depth, open)
  return rareText(value, depth, open)
}

function recordText(record: Readonly<Record<string, unknown>>, depth: number, open: Set<object> | undefined): string {
  if (hasSymbolKeys(record)) throw notPlain
  const keys = sorted(Object.keys(record))
  let text = '{'
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    const item = record[key]
    if (item === undefined) continue
    text += `${key.length}:${key}${typeof item === 'string' ? `"${item.length}:${item}` : textOf(item, depth + 1, open)}`
  }
  return text + '}'
}

function arrayText(items: readonly unknown[], depth: number, open: Set<object> | undefined): string {
  const keys = Object.keys(items)
  if (!areIndices(keys, items.length) || hasSymbolKeys(items)) throw notPlain
  if (keys.length < items.length) return sparseText(items, keys, depth, open)
  if (items.length >= 16 && areNumbers(items)) return numbersText(items)
  let text = '['
  for (let i = 0; i < items.length; i++) text += textOf(items[i], depth + 1, open)
  return text + ']'
}

/** Whether there are numbers only; not NaN, which has more than one form in memory. */
function areNumbers(items: readonly unknown[]): items is readonly number[] {
  for (let i = 0; i < items.length; i++) if (typeof items[i] !== 'number' || Number.isNaN(items[i])) return false
  return true
}

/** Long rows of numbers (embeddings, time series) count by their bytes: writing the digits of each would take five times as long. */
function numbersText(numbers: readonly number[]): string {
  return `F${numbers.length},${Buffer.from(new Float64Array(numbers).buffer).toString('latin1')}`
}

function sparseText(
  items: readonly unknown[],
  keys: readonly string[],
  depth: number,
  open: Set<object> | undefined,
): string {
  let text = `<${items.length},`
  for (const key of keys) text += `${key},${textOf(items[Number(key)], depth + 1, open)}`
  return text + '>'
}

/** Built-ins, messages, and plain objects from another realm. */
function rareText(value: object, depth: number, open: Set<object> | undefined): string {
  const kind = plainKindOf(value)
  switch (kind) {
    case 'object':
      return recordText(value as Readonly<Record<string, unknown>>, depth, open)
    case 'array':
      return arrayText(value as readonly unknown[], depth, open)
    case 'bytes':
      return bytesText(value as ArrayBuffer | ArrayBufferView)
    case 'error':
      return errorText(value as Error, depth, open)
    case undefined:
      throw notPlain
    default:
      if (hasSymbolKeys(value)) throw notPlain
  }
  if (kind === 'date') return `D${(value as Date).getTime()},`
  if (kind === 'url') return `U${framed((value as URL).href)}`
  if (kind === 'regexp') {
    const { source, flags, lastIndex } = value as RegExp
    return `R${framed(source)}${flags},${lastIndex},`
  }
  const texts =
    kind === 'map'
      ? Array.from(
          value as Map<unknown, unknown>,
          ([key, item]) => textOf(key, depth + 1, open) + textOf(item, depth + 1, open),
        )
      : Array.from(value as Set<unknown>, (item) => textOf(item, depth + 1, open))
  return `${kind === 'map' ? 'M' : 'S'}${texts.sort().join('')})`
}

function bytesText(value: ArrayBuffer | ArrayBufferView): string {
  const kind = Buffer.isBuffer(value) ? 'Buffer' : Object.prototype.toString.call(value).slice(8, -1)
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
  return `A${kind},${framed(bytes.toString('latin1'))}`
}

function errorText(error: Error, depth: number, open: Set<object> | undefined): string {
  const inner = depth + 1
  const kind = (Object.getPrototypeOf(error) as Error).name
  const shown = textOf(error.name, inner, open) + textOf(error.message, inner, open) + textOf(error.cause, inner, open)
  const errors = 'errors' in error ? textOf(error.errors, inner, open) : 'u'
  return `E${framed(kind)}${shown}${errors}${recordText(error as unknown as Readonly<Record<string, unknown>>, inner, open)}`
}

function framed(text: string): string {
  return `${text.length}:${text}`
}

/** Sorts in place. Below some twenty keys, insertion beats the built-in sort; most objects are in order already. */
function sorted(keys: string[]): string[] {
  if (keys.length > 20) return keys.sort()
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i]!
    let hole = i
    while (hole > 0 && keys[hole - 1]! > key) {
      keys[hole] = keys[hole - 1]!
      hole--
    }
    keys[hole] = key
  }
  return keys
}
