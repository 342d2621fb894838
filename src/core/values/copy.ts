import { types } from 'node:util'
import { areIndices, hasSymbolKeys, maxDepth, plainKindOf, serializationError, unguardedDepth } from './plain-data.ts'

/**
 * A deep copy of plain data that shares nothing mutable with the original: what the cache keeps, and what it hands out.
 *
 * Objects (also without a prototype), arrays (holes too), Date, Map, Set, RegExp, URL, all kinds of bytes, built-in Errors (name,
 * message, stack, cause, own properties) and protobuf-es messages (prototype, `$typeName`, `$unknown`) stay what they are. An object
 * that is met in two places becomes two objects, as in every store. Properties with a getter become plain values; what is frozen
 * is not frozen in the copy. Refused with a SerializationError that names the path: all that `canonicalize` refuses.
 */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return value
  try {
    return partOf(value, 0, undefined) as T
  } catch (thrown) {
    throw serializationError('copy', value, thrown)
  }
}

const notPlain = new Error('a value that is not plain data')

/** `open` holds the objects around this one, once it is so deep that there may be a cycle. */
function partOf(value: unknown, depth: number, open: Set<object> | undefined): unknown {
  if (typeof value !== 'object') {
    if (typeof value === 'function' || typeof value === 'symbol') throw notPlain
    return value
  }
  if (value === null) return null
  return depth < unguardedDepth ? objectOf(value, depth, open) : guardedOf(value, depth, open ?? new Set())
}

function guardedOf(value: object, depth: number, open: Set<object>): object {
  if (depth > maxDepth || open.has(value)) throw notPlain
  open.add(value)
  const copy = objectOf(value, depth, open)
  open.delete(value)
  return copy
}

function objectOf(value: object, depth: number, open: Set<object> | undefined): object {
  const prototype: unknown = Object.getPrototypeOf(value)
  // A spread is one native clone of the whole shape, several times faster than setting key by key.
  if (prototype === Object.prototype) return filled({ ...value }, value, depth, open)
  if (prototype === Array.prototype && Array.isArray(value)) return arrayOf(value, depth, open)
  return rareOf(value, prototype as object | null, depth, open)
}

/** Replaces the objects in a shallow copy by copies of their own. */
function filled(copy: Record<string, unknown>, original: object, depth: number, open: Set<object> | undefined): object {
  if (hasSymbolKeys(original)) throw notPlain
  const keys = Object.keys(copy)
  for (let i = 0; i < keys.length; i++) {
    const item = copy[keys[i]!]
    if (typeof item === 'object' ? item !== null : typeof item === 'function' || typeof item === 'symbol') {
      copy[keys[i]!] = partOf(item, depth + 1, open)
    }
  }
  return copy
}

function arrayOf(items: readonly unknown[], depth: number, open: Set<object> | undefined): object {
  const keys = Object.keys(items)
  if (!areIndices(keys, items.length) || hasSymbolKeys(items)) throw notPlain
  const copy = items.slice()
  if (keys.length < items.length) {
    for (const key of keys) copy[Number(key)] = partOf(items[Number(key)], depth + 1, open)
    return copy
  }
  for (let i = 0; i < copy.length; i++) {
    const item = copy[i]
    if (typeof item === 'object' ? item !== null : typeof item === 'function' || typeof item === 'symbol') {
      copy[i] = partOf(item, depth + 1, open)
    }
  }
  return copy
}

/** Built-ins, messages, objects without a prototype, and whatever comes from another realm. */
function rareOf(value: object, prototype: object | null, depth: number, open: Set<object> | undefined): object {
  const kind = plainKindOf(value)
  if (kind === undefined || (kind !== 'bytes' && hasSymbolKeys(value))) throw notPlain
  switch (kind) {
    case 'object':
      return withPrototype(value, prototype, depth, open)
    case 'array':
      return arrayOf(value as readonly unknown[], depth, open)
    case 'date':
      return new Date((value as Date).getTime())
    case 'map':
      return new Map(
        Array.from(value as Map<unknown, unknown>, ([key, item]) => [
          partOf(key, depth + 1, open),
          partOf(item, depth + 1, open),
        ]),
      )
    case 'set':
      return new Set(Array.from(value as Set<unknown>, (item) => partOf(item, depth + 1, open)))
    case 'bytes':
      return bytesOf(value as ArrayBuffer | ArrayBufferView)
    case 'regexp': {
      const { source, flags, lastIndex } = value as RegExp
      return Object.assign(new RegExp(source, flags), { lastIndex })
    }
    case 'url':
      return new URL((value as URL).href)
    case 'error':
      return errorOf(value as Error, depth, open)
  }
}

function withPrototype(value: object, prototype: object | null, depth: number, open: Set<object> | undefined): object {
  const copy = Object.create(prototype) as Record<string, unknown>
  const original = value as Readonly<Record<string, unknown>>
  for (const key of Object.keys(original)) {
    const item = partOf(original[key], depth + 1, open)
    if (key === '__proto__') define(copy, key, item, true)
    else copy[key] = item
  }
  return copy
}

type Slices = { slice(): ArrayBufferView }

function bytesOf(value: ArrayBuffer | ArrayBufferView): object {
  if (!ArrayBuffer.isView(value)) return value.slice(0)
  // Not `Buffer.from(value)`: a few bytes from the pool would keep its whole slab alive for as long as the cache holds them.
  if (Buffer.isBuffer(value)) return Buffer.from(new Uint8Array(value).buffer)
  if (types.isDataView(value)) {
    return new DataView(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength))
  }
  return (value as ArrayBufferView & Slices).slice()
}

function errorOf(error: Error, depth: number, open: Set<object> | undefined): Error {
  const kind = (Object.getPrototypeOf(error) as Error).constructor as ErrorConstructor
  const copy = kind === (AggregateError as unknown) ? new AggregateError([]) : new kind()
  for (const key of Object.getOwnPropertyNames(error)) {
    const { enumerable = false } = Object.getOwnPropertyDescriptor(error, key)!
    define(copy, key, partOf(Reflect.get(error, key), depth + 1, open), enumerable)
  }
  return copy
}

/** Sets a property of the copy's own, `__proto__` too. */
function define(copy: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true })
}
