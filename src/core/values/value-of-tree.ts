import { errorClassOf } from '../docket-error.ts'
import { isRecord } from '../is-record.ts'
import { isTag } from './value-tree.ts'

/**
 * The value that a tree was made of, deeply equal to it. The tree is taken over: where it holds no tag, it is the value itself.
 * @throws when the tree holds a tag that `treeOf` does not make
 */
export function valueOfTree(tree: unknown): unknown {
  if (typeof tree !== 'object' || tree === null) return tree
  if (Array.isArray(tree)) {
    const items: unknown[] = tree
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (typeof item !== 'object' || item === null) continue
      if (isHole(item)) delete items[i]
      else items[i] = valueOfTree(item)
    }
    return items
  }
  const record = tree as Record<string, unknown>
  const keys = Object.keys(record)
  if (keys.length === 1 && isTag(keys[0]!)) return taggedValue(keys[0]!, record[keys[0]!])
  for (let i = 0; i < keys.length; i++) {
    const item = record[keys[i]!]
    if (typeof item === 'object' && item !== null) record[keys[i]!] = valueOfTree(item)
  }
  return record
}

function isHole(item: object): boolean {
  return '$hole' in item && item.$hole === true && Object.keys(item).length === 1
}

function taggedValue(tag: string, content: unknown): unknown {
  if (tag.startsWith('$$')) return { [tag.slice(1)]: valueOfTree(content) }
  const read = readers.get(tag)
  if (read === undefined) throw damaged(tag, 'no tag by this name is known: a newer version may have written it')
  return read(content)
}

const readers: ReadonlyMap<string, (content: unknown) => unknown> = new Map(
  Object.entries<(content: unknown) => unknown>({
    $undefined: () => undefined,
    $number: numberOf,
    $bigint: (content) => BigInt(matching(content, /^-?\d+$/, '$bigint')),
    $date: dateOf,
    $url: (content) => new URL(textOf(content, '$url')),
    $regexp: regexpOf,
    $map: (content) => new Map(pairsOf(content, '$map').map(([key, item]) => [valueOfTree(key), valueOfTree(item)])),
    $set: (content) => new Set(listOf(content, '$set').map(valueOfTree)),
    $bytes: bytesOf,
    $error: errorOf,
    $sparse: sparseOf,
    $null: (content) => withFields(Object.create(null) as object, valueOfTree(content), '$null'),
    $object: (content) => {
      const record = {}
      for (const [key, item] of pairsOf(content, '$object')) define(record, textOf(key, '$object'), valueOfTree(item))
      return record
    },
    $message: messageOf,
  }),
)

const numbers: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity, '-0': -0 }

function numberOf(content: unknown): number {
  const number = Object.hasOwn(numbers, content as string) ? numbers[content as string] : undefined
  if (number === undefined) throw damaged('$number', 'expected one of NaN, Infinity, -Infinity, -0')
  return number
}

function dateOf(content: unknown): Date {
  if (content === null) return new Date(NaN)
  const date = new Date(textOf(content, '$date'))
  if (Number.isNaN(date.getTime())) throw damaged('$date', 'expected a time in ISO 8601, or null')
  return date
}

function regexpOf(content: unknown): RegExp {
  const [source, flags, lastIndex] = listOf(content, '$regexp')
  const pattern = new RegExp(textOf(source, '$regexp'), textOf(flags, '$regexp'))
  return lastIndex === undefined ? pattern : Object.assign(pattern, { lastIndex: valueOfTree(lastIndex) })
}

type BytesClass = new (buffer: ArrayBuffer) => object

const bytesClasses: ReadonlyMap<string, BytesClass> = new Map(
  [
    [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    [Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView],
  ]
    .flat()
    .map((one) => [one.name, one as BytesClass]),
)

function bytesOf(content: unknown): object {
  const [kind, base64] = listOf(content, '$bytes')
  const text = textOf(base64, '$bytes')
  const bytes = Buffer.from(text, 'base64')
  // The decoder leaves out what it does not understand.
  if (Math.ceil(bytes.length / 3) * 4 !== text.length) throw damaged('$bytes', 'expected base64')
  // A buffer of their own: small ones come from a pool, and need not lie where a wide number may lie.
  const { buffer } = new Uint8Array(bytes)
  if (kind === 'ArrayBuffer') return buffer
  if (kind === 'Buffer') return Buffer.from(buffer)
  const Class = bytesClasses.get(kind as string) ?? (kind === 'Float16Array' ? float16Array() : undefined)
  if (Class === undefined) throw damaged('$bytes', `no kind of bytes is called ${JSON.stringify(kind)}`)
  return new Class(buffer)
}

function float16Array(): BytesClass | undefined {
  return Reflect.get(globalThis, 'Float16Array') as BytesClass | undefined
}

const errorMakers: ReadonlyMap<string, () => Error> = new Map([
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
    (one) => [one.name, () => new one()] as const,
  ),
  ['AggregateError', () => new AggregateError([])],
])

function errorOf(content: unknown): Error {
  if (!isRecord(content)) throw damaged('$error', 'expected a record')
  const { name, kind = name, fields = {}, hidden = {}, ...places } = content
  const ours = errorClassOf(kind)
  const make = errorMakers.get(kind as string)
  if (ours === undefined && make === undefined)
    throw damaged('$error', `no kind of error is called ${JSON.stringify(kind)}`)
  // Not by its constructor, which makes a message of its own.
  const error = ours === undefined ? make!() : (Object.setPrototypeOf(new Error(), ours.prototype as object) as Error)
  // The stack that it was just given leads here, not to where it was thrown.
  if (places['stack'] === undefined) Reflect.deleteProperty(error, 'stack')
  if (ours !== undefined || name !== kind) define(error, 'name', valueOfTree(name), false)
  for (const [key, item] of Object.entries(places)) define(error, key, valueOfTree(item), false)
  const more = valueOfTree(hidden)
  if (!isRecord(more)) throw damaged('$error', 'expected a record')
  for (const [key, item] of Object.entries(more)) define(error, key, item, false)
  return withFields(error, valueOfTree(fields), '$error')
}

function sparseOf(content: unknown): readonly unknown[] {
  const [length, pairs] = listOf(content, '$sparse')
  const items: unknown[] = []
  items.length = length as number // throws unless it is a length
  for (const [index, item] of pairsOf(pairs, '$sparse')) {
    if (typeof index !== 'number' || !(index < items.length)) throw damaged('$sparse', 'an index is out of range')
    items[index] = valueOfTree(item)
  }
  return items
}

/** Prototypes by the defaults they hold: one for all messages of a type, as their library has it. */
const prototypes = new Map<string, object>()

function messageOf(content: unknown): object {
  const [fields, defaults] = listOf(content, '$message')
  const key = JSON.stringify(defaults)
  let prototype = prototypes.get(key)
  if (prototype === undefined) {
    const made = valueOfTree(defaults)
    if (!isRecord(made)) throw damaged('$message', 'expected defaults')
    // Defaults of many versions, or made up by somebody: they need not be remembered.
    if (prototypes.size >= 1_000) prototypes.clear()
    prototypes.set(key, (prototype = made))
  }
  return withFields(Object.create(prototype) as object, valueOfTree(fields), '$message')
}

function withFields<Target extends object>(target: Target, fields: unknown, tag: string): Target {
  if (!isRecord(fields)) throw damaged(tag, 'expected a record')
  for (const key of Object.keys(fields)) define(target, key, fields[key])
  return target
}

function define(target: object, key: string, value: unknown, enumerable = true): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
}

function textOf(content: unknown, tag: string): string {
  if (typeof content !== 'string') throw damaged(tag, 'expected a string')
  return content
}

function matching(content: unknown, form: RegExp, tag: string): string {
  const text = textOf(content, tag)
  if (!form.test(text)) throw damaged(tag, `${JSON.stringify(text.slice(0, 40))} is not one`)
  return text
}

function listOf(content: unknown, tag: string): readonly unknown[] {
  if (!Array.isArray(content)) throw damaged(tag, 'expected a list')
  return content
}

function pairsOf(content: unknown, tag: string): readonly (readonly [unknown, unknown])[] {
  const pairs = listOf(content, tag)
  if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) throw damaged(tag, 'expected pairs')
  return pairs as readonly (readonly [unknown, unknown])[]
}

function damaged(tag: string, what: string): Error {
  return new Error(`${tag}: ${what}`)
}
