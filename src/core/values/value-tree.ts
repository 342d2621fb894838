import { areIndices, hasSymbolKeys, maxDepth, plainKindOf, serializationError, unguardedDepth } from './plain-data.ts'

/**
 * Plain data as a tree of null, booleans, finite numbers, texts, arrays and records: what JSON and every other format keeps
 * exactly. `valueOfTree` makes the same value of it again. Accepted and refused is what `copyOf` accepts and refuses.
 *
 * What is not one of these becomes a record with one key, a tag: `{"$date":"2026-01-31T12:00:00.000Z"}`. A record of the user's
 * with one key that begins with `$` gets one `$` more, so that no value looks like a tag.
 *
 * | tag | content |
 * | --- | --- |
 * | `$undefined`, `$hole` | `true`; a hole in an array |
 * | `$number`, `$bigint` | `"NaN"`, `"Infinity"`, `"-Infinity"`, `"-0"`; the digits |
 * | `$date`, `$url` | the time in ISO 8601, null for an invalid date; the address |
 * | `$regexp` | source, flags, and `lastIndex` where it is not 0 |
 * | `$map`, `$set` | pairs of key and value; members |
 * | `$bytes` | the name of the class, and base64 of the bytes as they lie in memory (little-endian) |
 * | `$error` | `name`, `message`, `stack`, `cause`, `errors`, its own `fields`, `kind` where the class is not `name`'s, and `hidden` for other properties that are not enumerable |
 * | `$sparse` | an array with many holes: length, and pairs of index and value |
 * | `$null` | the record, which has no prototype |
 * | `$object` | pairs of key and value, where a key is `__proto__` |
 * | `$message` | a protobuf message with optional scalars: its fields, and the defaults that its prototype holds |
 *
 * A protobuf message is distinguished from another record by its `$typeName`, like everywhere; the bytes of unknown fields are kept.
 * Defaults are stored with the message because nothing else knows them here: a message that is read has the defaults of the
 * schema that wrote it.
 *
 * Where nothing needs a tag, the value itself is the tree: ordinary data is looked at, not copied.
 * @throws SerializationError naming the path to what is not plain data
 */
export function treeOf(value: unknown): unknown {
  try {
    return partOf(value, 0, undefined)
  } catch (thrown) {
    throw serializationError('store', value, thrown)
  }
}

const notPlain = new Error('a value that is not plain data')

/** `open` holds the objects around this one, once it is so deep that there may be a cycle. */
function partOf(value: unknown, depth: number, open: Set<object> | undefined): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (isOrdinary(value) || Object.is(value, 0)) return value
      return { $number: value === 0 ? '-0' : String(value) }
    case 'object':
      if (value === null) return null
      return depth < unguardedDepth ? objectTree(value, depth, open) : guardedTree(value, depth, open ?? new Set())
    case 'undefined':
      return { $undefined: true }
    case 'bigint':
      return { $bigint: String(value) }
    default:
      throw notPlain
  }
}

function guardedTree(value: object, depth: number, open: Set<object>): unknown {
  if (depth > maxDepth || open.has(value)) throw notPlain
  open.add(value)
  const tree = objectTree(value, depth, open)
  open.delete(value)
  return tree
}

function objectTree(value: object, depth: number, open: Set<object> | undefined): unknown {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return recordTree(value as Fields, depth, open)
  if (prototype === Array.prototype && Array.isArray(value)) return arrayTree(value, depth, open)
  return rareTree(value, prototype as object | null, depth, open)
}

type Fields = Readonly<Record<string, unknown>>

function recordTree(record: Fields, depth: number, open: Set<object> | undefined): unknown {
  if (hasSymbolKeys(record)) throw notPlain
  let copy: Record<string, unknown> | undefined
  let isOdd = false
  // Three times as fast as `Object.keys`; what somebody put on Object.prototype comes along, and is left out below.
  for (const key in record) {
    const item = record[key]
    if (isTag(key) || key === '__proto__') isOdd = true
    if (isOrdinary(item) || !Object.hasOwn(record, key)) continue
    const tree = partOf(item, depth + 1, open)
    // A spread is one native clone of the whole shape; own `__proto__`s stay own, and are set, not followed.
    if (tree !== item) (copy ??= { ...record })[key] = tree
  }
  return isOdd ? oddTree(copy ?? record) : (copy ?? record)
}

/** Whether a value is its own tree. */
function isOrdinary(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'number' && value - value === 0 && value !== 0)
}

/** A record of trees that may have keys which need care. */
function oddTree(record: Fields): unknown {
  const keys = Object.keys(record)
  // Readers of other formats than JSON drop or rename it.
  if (keys.includes('__proto__')) return { $object: keys.map((key) => [key, record[key]]) }
  return keys.length === 1 && isTag(keys[0]!) ? { [`$${keys[0]!}`]: record[keys[0]!] } : record
}

/** Whether a record whose only key this is reads as a tag. */
export function isTag(key: string): boolean {
  return key.charCodeAt(0) === 36 // $
}

function arrayTree(items: readonly unknown[], depth: number, open: Set<object> | undefined): unknown {
  const keys = Object.keys(items)
  if (!areIndices(keys, items.length) || hasSymbolKeys(items)) throw notPlain
  if (keys.length < items.length) return sparseTree(items, keys, depth, open)
  let copy: unknown[] | undefined
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (isOrdinary(item)) continue
    const tree = partOf(item, depth + 1, open)
    if (tree !== item) (copy ??= items.slice())[i] = tree
  }
  return copy ?? items
}

function sparseTree(
  items: readonly unknown[],
  keys: readonly string[],
  depth: number,
  open: Set<object> | undefined,
): unknown {
  // An array's length costs nothing in memory; written out hole by hole, it would.
  if (items.length > 16 + 4 * keys.length)
    return { $sparse: [items.length, keys.map((key) => [Number(key), partOf(items[Number(key)], depth + 1, open)])] }
  return Array.from(items, (item, index) => (index in items ? partOf(item, depth + 1, open) : { $hole: true }))
}

/** Built-ins, messages, objects without a prototype, and whatever comes from another realm. */
function rareTree(value: object, prototype: object | null, depth: number, open: Set<object> | undefined): unknown {
  const kind = plainKindOf(value)
  if (kind === undefined || (kind !== 'bytes' && hasSymbolKeys(value))) throw notPlain
  switch (kind) {
    case 'object': {
      // Trees have nothing but Object's prototype: a format that writes them may look at it, or at what it holds.
      const fields = recordTree({ ...value }, depth, open)
      if (prototype === null) return { $null: fields }
      // Only a message's prototype has no constructor: else it is the Object of another realm.
      const isMessage = !Object.hasOwn(prototype, 'constructor')
      return isMessage ? { $message: [fields, partOf(prototype, depth + 1, open)] } : fields
    }
    case 'array':
      return arrayTree(value as readonly unknown[], depth, open)
    case 'date': {
      const date = value as Date
      return { $date: Number.isNaN(date.getTime()) ? null : date.toISOString() }
    }
    case 'map':
      return {
        $map: Array.from(value as Map<unknown, unknown>, ([key, item]) => [
          partOf(key, depth + 1, open),
          partOf(item, depth + 1, open),
        ]),
      }
    case 'set':
      return { $set: Array.from(value as Set<unknown>, (item) => partOf(item, depth + 1, open)) }
    case 'bytes':
      return { $bytes: bytesTree(value as ArrayBuffer | ArrayBufferView) }
    case 'regexp': {
      const { source, flags, lastIndex } = value as RegExp
      const next = partOf(lastIndex, depth + 1, open)
      return { $regexp: next === 0 ? [source, flags] : [source, flags, next] }
    }
    case 'url':
      return { $url: (value as URL).href }
    case 'error':
      return errorTree(value as Error, depth, open)
  }
}

function bytesTree(value: ArrayBuffer | ArrayBufferView): readonly [kind: string, base64: string] {
  const kind = Buffer.isBuffer(value) ? 'Buffer' : Object.prototype.toString.call(value).slice(8, -1)
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
  return [kind, bytes.toString('base64')]
}

/** Properties of an error that have a place of their own; they are not enumerable, as the built-in constructors make them. */
const ownPlaces = ['message', 'stack', 'cause', 'errors'] as const

function errorTree(error: Error, depth: number, open: Set<object> | undefined): unknown {
  const kind = (Object.getPrototypeOf(error) as Error).constructor.name
  const fields: [string, unknown][] = []
  const hidden = new Map<string, unknown>()
  for (const key of Object.getOwnPropertyNames(error)) {
    const tree = partOf(Reflect.get(error, key), depth + 1, open)
    if (Object.prototype.propertyIsEnumerable.call(error, key)) fields.push([key, tree])
    else hidden.set(key, tree)
  }
  const { name = kind, ...others } = Object.fromEntries(hidden)
  const content: Record<string, unknown> = name === kind ? { name } : { name, kind }
  for (const key of ownPlaces) {
    if (hidden.has(key)) content[key] = others[key]
    delete others[key]
  }
  if (fields.length > 0) content['fields'] = recordOfTrees(fields)
  const rest = Object.entries(others)
  if (rest.length > 0) content['hidden'] = recordOfTrees(rest)
  return { $error: content }
}

/** The tree of a record whose parts are trees already. */
export function recordOfTrees(entries: readonly (readonly [key: string, tree: unknown])[]): unknown {
  return oddTree(Object.fromEntries(entries))
}
