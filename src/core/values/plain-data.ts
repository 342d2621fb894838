import { types } from 'node:util'
import { SerializationError } from '../errors.ts'
import { describeThrown } from '../thrown.ts'

/**
 * What an object is when it is plain data: something that keys and copies can be made of. Subclasses are not (their state may be
 * hidden), nor are boxed primitives. A protobuf-es message is an `object`: its prototype holds defaults and nothing else.
 */
export type PlainKind = 'object' | 'array' | 'date' | 'map' | 'set' | 'bytes' | 'regexp' | 'url' | 'error'

/** Levels of nesting that keys and copies follow; deeper values are refused, long before the stack ends. */
export const maxDepth = 1_000

/** Levels above which cycles are not looked for: a cycle gets deeper than this soon enough, and then it is found. */
export const unguardedDepth = 32

interface Builtin {
  readonly kind: PlainKind
  /** Distinguishes the real thing from an object that only borrowed its prototype. */
  readonly isReal: (value: unknown) => boolean
}

const builtins: readonly (readonly [
  constructors: readonly { readonly name: string; readonly prototype: object }[],
  Builtin,
])[] = [
  [[Object], { kind: 'object', isReal: () => true }],
  [[Array], { kind: 'array', isReal: Array.isArray }],
  [[Date], { kind: 'date', isReal: types.isDate }],
  [[Map], { kind: 'map', isReal: types.isMap }],
  [[Set], { kind: 'set', isReal: types.isSet }],
  [[RegExp], { kind: 'regexp', isReal: types.isRegExp }],
  [[URL], { kind: 'url', isReal: isUrl }],
  [
    [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError],
    { kind: 'error', isReal: types.isNativeError },
  ],
  [[ArrayBuffer], { kind: 'bytes', isReal: types.isArrayBuffer }],
  [
    [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    { kind: 'bytes', isReal: ArrayBuffer.isView },
  ],
  [
    [Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView, Buffer],
    { kind: 'bytes', isReal: ArrayBuffer.isView },
  ],
]

const byPrototype = new Map<object, Builtin>()
/** For objects from another realm (a vm context), whose prototypes are not ours. */
const byName = new Map<string, Builtin>()
for (const [constructors, builtin] of builtins) {
  for (const constructor of constructors) {
    byPrototype.set(constructor.prototype, builtin)
    byName.set(constructor.name, builtin)
  }
}
byName.set('Float16Array', { kind: 'bytes', isReal: ArrayBuffer.isView })

/** What kind of plain data an object is; undefined for class instances, promises, streams and all that can't be kept faithfully. */
export function plainKindOf(value: object): PlainKind | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null) return 'object'
  if (typeof prototype !== 'object') return undefined
  const builtin =
    byPrototype.get(prototype!) ?? byName.get(constructorName(prototype!) ?? '') ?? fakedDate(value, prototype!)
  if (builtin !== undefined) return builtin.isReal(value) && !hasExtras(value, builtin.kind) ? builtin.kind : undefined
  return isMessage(value, prototype!) ? 'object' : undefined
}

const dates: Builtin = { kind: 'date', isReal: types.isDate }

/** The `Date` of fake timers extends the real one with a constructor alone. A class with more to it may hide a state, a time zone for one. */
function fakedDate(value: object, prototype: object): Builtin | undefined {
  if (!types.isDate(value)) return undefined
  const type = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  const isFake = typeof type === 'function' && (type === Date || Reflect.get(type, 'isFake') === true)
  return isFake && Reflect.ownKeys(prototype).length === 1 ? dates : undefined
}

/** Also of another realm; not an object that only borrowed its prototype. */
function isUrl(value: unknown): boolean {
  try {
    return typeof (value as URL).href === 'string' && URL.canParse((value as URL).href)
  } catch {
    return false
  }
}

/** Whether an object has enumerable symbol keys, which neither a key nor a copy can hold. */
export function hasSymbolKeys(value: object): boolean {
  const symbols = Object.getOwnPropertySymbols(value)
  if (symbols.length === 0) return false
  return symbols.some((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol))
}

/**
 * Whether an array has nothing but its items, with or without holes. Other properties would come last in `keys`, which is
 * `Object.keys(array)`.
 */
export function areIndices(keys: readonly string[], length: number): boolean {
  const last = keys.at(-1)
  return last === undefined || (Number(last) < length && String(Number(last) >>> 0) === last)
}

const refusals = {
  key: 'a key can’t be made of',
  copy: 'a copy can’t be kept of',
  store: 'a store can’t keep',
} as const

const advice =
  'what is remembered is plain data: objects, arrays, Date, Map, Set, bytes, RegExp, URL, plain Errors, BigInt. ' +
  'Convert the value before it is handed over'

/** What each error has found, so that it can be said again without what is closed. */
const findings = new WeakMap<SerializationError, { readonly made: string; readonly found: Refusal | undefined }>()

/** The error that says why, and where in the value, no key, copy or stored value could be made. Slow: only for when it has failed. */
export function serializationError(
  purpose: 'key' | 'copy' | 'store',
  value: unknown,
  cause: unknown,
): SerializationError {
  const made = refusals[purpose]
  let found: Refusal | undefined
  let error: SerializationError
  try {
    found = refusalIn(value, undefined, [])
    error =
      found === undefined
        ? new SerializationError(`${made} the value: ${describeThrown(cause)}`, {}, { cause })
        : new SerializationError(`${made} ${placeOf(found.path)}: it is ${reasonOf(found)}; ${advice}`)
  } catch (thrown) {
    error = new SerializationError(
      `${made} the value: reading it threw ${describeThrown(thrown)}`,
      {},
      { cause: thrown },
    )
  }
  findings.set(error, { made, found })
  return error
}

/**
 * The same error, without anything of what is in a sensitive value: its keys are a part of it, as are errors that it throws when it is read. Errors that say nothing of a value stay as they are.
 * @param isSensitive whether what has this name, of a type or a port, is sensitive; true where the whole value is
 */
export function withoutSensitiveParts(error: unknown, isSensitive: boolean | ((name: string) => boolean)): unknown {
  const finding = error instanceof SerializationError ? findings.get(error) : undefined
  if (finding === undefined || isSensitive === false) return error
  const { made, found } = finding
  if (found === undefined)
    return new SerializationError(`${made} the value (why is left out, since a type in it is sensitive)`)
  const { path } = found
  const shown = isSensitive === true ? 0 : path.findIndex((step) => isSensitive(nameOfStep(step))) + 1
  if (isSensitive !== true && shown === 0) return error
  if (shown === path.length) return new SerializationError(`${made} ${placeOf(path)}: it is ${found.reason}; ${advice}`)
  return new SerializationError(
    `${made} ${placeOf(path.slice(0, shown))}: something in it is ${found.reason} (where is left out, since the type is sensitive); ${advice}`,
  )
}

interface Refusal {
  readonly path: readonly string[]
  readonly reason: string
  /** Of a cycle: where it comes back to. */
  readonly backTo?: readonly string[]
}

/** A path from its end: most of what is looked at is in no message. */
interface Place {
  readonly before: Place | undefined
  readonly step: string
}

function pathOf(place: Place | undefined): readonly string[] {
  const steps: string[] = []
  for (let one = place; one !== undefined; one = one.before) steps.push(one.step)
  return steps.toReversed()
}

function reasonOf({ reason, backTo }: Refusal): string {
  if (backTo === undefined) return reason
  return `${reason} back to ${backTo.length === 0 ? 'the value itself' : textOf(backTo)}`
}

function placeOf(path: readonly string[]): string {
  return path.length === 0 ? 'the value' : `"${textOf(path)}"`
}

const longestPath = 60

/** Of what is nested too deep, the beginning. */
function textOf(path: readonly string[]): string {
  const text = path.join('').replace(/^\./, '')
  return path.length > maxDepth ? `${text.slice(0, longestPath)}…` : text
}

/** The name that a step of a path is by. */
function nameOfStep(step: string): string {
  return step.replace(/^\./, '')
}

interface Open {
  readonly value: object
  readonly place: Place | undefined
}

/** The first thing in a value that is not plain data. */
function refusalIn(value: unknown, place: Place | undefined, open: readonly Open[]): Refusal | undefined {
  const refused = (reason: string): Refusal => ({ path: pathOf(place), reason })
  if (typeof value === 'function') return refused('a function')
  if (typeof value === 'symbol') return refused('a symbol')
  if (typeof value !== 'object' || value === null) return undefined
  const again = open.find((one) => one.value === value)
  if (again !== undefined) return { ...refused('a cycle'), backTo: pathOf(again.place) }
  if (open.length > maxDepth) return refused(`nested deeper than ${maxDepth} levels`)
  const kind = plainKindOf(value)
  if (kind === undefined) return refused(nameOf(value))
  if (hasSymbolKeys(value)) return refused('an object with a symbol as a key')
  const nowOpen = [...open, { value, place }]
  for (const [step, part] of partsOf(value, kind)) {
    const refusal = refusalIn(part, { before: place, step }, nowOpen)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** The values inside a value, each with its step of the path. */
function* partsOf(value: object, kind: PlainKind): Generator<readonly [step: string, part: unknown]> {
  if (kind === 'bytes') return
  if (types.isNativeError(value)) {
    yield ['.cause', value.cause]
    if ('errors' in value) yield ['.errors', value.errors]
  }
  if (types.isMap(value)) {
    for (const [key, item] of value) {
      const name = typeof key === 'string' ? JSON.stringify(key) : describeThrown(key)
      yield [`.keys(${name})`, key]
      yield [`.get(${name})`, item]
    }
  }
  if (types.isSet(value)) for (const item of value) yield ['.values()', item]
  for (const [key, item] of Object.entries(value)) yield [kind === 'array' ? `[${key}]` : `.${key}`, item]
}

/** What to call an object that is not plain data. */
function nameOf(value: object): string {
  if (types.isPromise(value)) return 'a Promise (is an `await` missing?)'
  if (Array.isArray(value)) return 'an array with properties of its own, or of a class of its own'
  const prototype: unknown = Object.getPrototypeOf(value)
  const name = typeof prototype === 'object' && prototype !== null ? constructorName(prototype) : undefined
  if (name !== undefined && byName.has(name)) return `a ${name} with properties of its own`
  return name === undefined ? 'an object with a prototype of its own' : `an instance of ${name}`
}

function constructorName(prototype: object): string | undefined {
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  return typeof constructor === 'function' ? constructor.name : undefined
}

/** Properties that somebody put on a built-in: they would be lost. */
function hasExtras(value: object, kind: PlainKind): boolean {
  if (kind === 'object' || kind === 'bytes' || kind === 'error') return false
  const keys = Object.keys(value)
  return Array.isArray(value) ? !areIndices(keys, value.length) : keys.length > 0
}

/** A protobuf-es message: own `$typeName`, and a prototype (if not Object's) that is a plain record of default values. */
function isMessage(value: object, prototype: object): boolean {
  return (
    '$typeName' in value &&
    typeof value.$typeName === 'string' &&
    Object.hasOwn(value, '$typeName') &&
    !Object.hasOwn(prototype, 'constructor') &&
    plainKindOf(prototype) === 'object'
  )
}
