import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isRecord } from '../is-record.ts'

/** Any data type, its name and value forgotten: what the runtime sees. */
export interface AnyDataType {
  readonly kind: 'dataType'
  /** What the type is matched by: unique within a graph. */
  readonly name: string
  /** Checks (and maybe converts) values; undefined for `type<T>()`, which is not checked. */
  readonly schema: StandardSchemaV1 | undefined
  /** Says which stored values under this name still hold. */
  readonly version: string | undefined
  /** What it was called before, the newest name first. */
  readonly formerly?: string | readonly string[] | undefined
  /** Whether its values are never shown, logged or exported. */
  readonly isSensitive?: boolean | undefined
}

/** An input that may be missing because its producer failed. */
export interface AnyOptionalPort {
  readonly kind: 'optional'
  /** The data type that may be missing. */
  readonly type: AnyDataType
}

/** An input that takes the values of all items of a batch. */
export interface AnyAllPort {
  readonly kind: 'all'
  /** The data type of each item. */
  readonly type: AnyDataType
}

/** What a step's `inputs` may hold. */
export type AnyPort = AnyDataType | AnyOptionalPort | AnyAllPort

/**
 * What the compiler knows of a port, under `'~types'`. There is no such property at run time.
 * `received` is what `run` gets; `requires` and `wants` are the names that must and that may be there.
 */
export interface PortTypes {
  readonly received: unknown
  readonly requires: string
  readonly wants: string
  readonly touches: AnyDataType
}

/**
 * Stands beside the type of what is to be given, so that the compiler prints it to those who give something else; the sentence itself,
 * given as a value, is refused by `graph()`.
 */
export type DataTypeHint = 'a data type, made by dataType(name, schema)'
/** As `DataTypeHint`, for a port. */
export type PortHint = 'a data type, made by dataType(name, schema), or optional(T), or all(T)'

/** A port whose types the compiler knows. */
export type Port = TypedDataType | OptionalPort<TypedDataType> | AllPort<TypedDataType>

/** What the compiler knows of a data type besides: `given` is what callers and producers hand in. */
export interface ValueTypes extends PortTypes {
  readonly given: Anything
}

/**
 * As wide as `unknown`, but it mentions literals: while the compiler does not know a step's output yet, this is what it
 * takes for the type that `run` returns, and it keeps `'dark'` and `[1, 2]` from widening to `string` and `number[]`.
 */
type Anything = NonNullable<unknown> | null | undefined | '' | 0 | 0n | boolean | AnyFields | readonly [Anything?]
interface AnyFields {
  readonly [key: string]: Anything
}

/** A data type whose types the compiler knows, whichever they are. */
export interface TypedDataType extends AnyDataType {
  readonly '~types': ValueTypes
}

/** A named, schema-checked type: a node of the type graph. Made by `dataType`. */
export interface DataType<Name extends string, Value> extends TypedDataType {
  /** What the type is matched by: unique within a graph. */
  readonly name: Name
  readonly '~types': {
    readonly received: DeepReadonly<Value>
    readonly given: DeepReadonly<Value>
    readonly requires: Name
    readonly wants: never
    readonly touches: DataType<Name, Value>
    /** One name stands for one shape: neither a narrower nor a wider one will do. */
    readonly exactly: (value: Value) => Value
  }
}

/** A data type whose schema converts: callers and producers hand in `Given`, ports and results read `Value`. */
export interface ConvertingDataType<Name extends string, Value, Given> extends TypedDataType {
  /** What the type is matched by: unique within a graph. */
  readonly name: Name
  readonly '~types': {
    readonly received: DeepReadonly<Value>
    readonly given: DeepReadonly<Given>
    readonly requires: Name
    readonly wants: never
    readonly touches: ConvertingDataType<Name, Value, Given>
    readonly exactly: (value: Value, given: Given) => [Value, Given]
  }
}

/** A port made by `optional(T)`. */
export interface OptionalPort<Type extends TypedDataType> extends AnyOptionalPort {
  /** The data type that may be missing. */
  readonly type: Type
  readonly '~types': {
    readonly received: Type['~types']['received'] | undefined
    readonly requires: never
    readonly wants: Type['name']
    readonly touches: Type
  }
}

/** A port made by `all(T)`. */
export interface AllPort<Type extends TypedDataType> extends AnyAllPort {
  /** The data type of which all items' values are taken. */
  readonly type: Type
  readonly '~types': {
    readonly received: readonly Type['~types']['received'][]
    readonly requires: Type['name']
    readonly wants: never
    readonly touches: Type
  }
}

/** What a value of the type looks like where it is read: in `run`, and the caller of `execute`. */
export type ValueOf<Type extends TypedDataType> = Type['~types']['received']

/** What callers and a producer's `run` hand in; differs from `ValueOf` where the schema converts. */
export type GivenOf<Type extends TypedDataType> = Type['~types']['given']

type Whole =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | ((...args: never[]) => unknown)
  | (abstract new (...args: never[]) => unknown)
  | Date
  | RegExp
  | ArrayBufferView
  | ArrayBufferLike
  | ProtobufMessage

/**
 * The type with everything inside it readonly. Left whole: functions, dates, buffers and typed arrays, instances of
 * classes with private members (a copy of their shape is not one of them), and protobuf messages (their library's
 * functions take them as they are).
 */
export type DeepReadonly<Value> = unknown extends Value
  ? Value
  : Value extends Whole
    ? Value
    : Value extends ReadonlyMap<infer Key, infer Item>
      ? ReadonlyMap<DeepReadonly<Key>, DeepReadonly<Item>>
      : Value extends ReadonlySet<infer Item>
        ? ReadonlySet<DeepReadonly<Item>>
        : Value extends readonly unknown[]
          ? Value[number][] extends Value
            ? readonly DeepReadonly<Value[number]>[]
            : { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
          : { [Key in keyof Value]: Value[Key] } extends Value
            ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
            : Value

/** A message of protobuf-es, matched by its shape: the package is an optional peer. */
export interface ProtobufMessage {
  readonly $typeName: string
}

/** A message descriptor that protoc-gen-es 2 generated, matched by its shape: the package is an optional peer. */
export type MessageDescriptor<Message = unknown> = {
  readonly kind: 'message'
  /** The message's full name: `users.v1.UserID`. */
  readonly typeName: string
} & ({ readonly $codegenv2: { a: Message } } | { readonly $codegenv1: { a: Message } })

type MessageOf<Descriptor> = Descriptor extends { readonly $codegenv2: { a: infer Message } }
  ? Message
  : Descriptor extends { readonly $codegenv1: { a: infer Message } }
    ? Message
    : never

/** Stands for a schema where values are not checked at run time. Made by `type<T>()`. */
export interface Unchecked<Value> {
  readonly kind: 'unchecked'
  readonly '~types': { readonly value: Value }
}

/** What `dataType` makes of a name and a schema, a message descriptor or `type<T>()`. */
export type DataTypeFrom<Name extends string, Source> =
  Source extends Unchecked<infer Value>
    ? DataType<Name, Value>
    : Source extends StandardSchemaV1
      ? MaybeConverting<Name, StandardSchemaV1.InferOutput<Source>, StandardSchemaV1.InferInput<Source>>
      : DataType<Name, MessageOf<Source>>

type MaybeConverting<Name extends string, Value, Given> = [Value, Given] extends [Given, Value]
  ? DataType<Name, Value>
  : ConvertingDataType<Name, Value, Given>

/** Options of `dataType`. */
export interface DataTypeOptions {
  /** Change it when values stored under this name no longer hold. @default no version */
  readonly version?: string
  /** What the type was called before, the newest name first: values that were stored under that name are found. @default none */
  readonly formerly?: string | readonly string[] | undefined
  /**
   * Whether values of it are never shown, logged or exported by any tool of Docket: the page, the command line, exports and messages of errors leave them out. Code reads
   * them as any others; a store keeps them as any others, so encrypt them with a codec. @default false
   */
  readonly sensitive?: boolean | undefined
}

/**
 * Declares a named type. Types match by name, never by structure. Inert: `graph()` reports wrong arguments.
 *
 * @example
 * const UserID = dataType('UserID', z.object({ id: z.string() }))
 * const Raw = dataType('Raw', type<Buffer>())
 * const Profile = dataType(UserProfileSchema) // protobuf-es: named `acme.v1.UserProfile`
 */
export function dataType<
  const Descriptor extends
    MessageDescriptor | 'dataType(name, schema); dataType(name, type<T>()) for a type without a schema',
>(
  descriptor: Descriptor,
  options?: DataTypeOptions,
): DataType<Extract<Descriptor, MessageDescriptor>['typeName'], MessageOf<Descriptor>>
export function dataType<
  const Name extends string,
  Source extends StandardSchemaV1 | Unchecked<unknown> | MessageDescriptor,
>(
  name: Name,
  source: Source | 'a schema, or type<T>() for a type without one',
  options?: DataTypeOptions,
): DataTypeFrom<Name, Source>
export function dataType(first: unknown, second?: unknown, third?: unknown): unknown {
  const descriptor = messageNameOf(first)
  const [name, source, options] = descriptor === undefined ? [first, second, third] : [descriptor, first, second]
  const { sensitive, ...extra } = ownFields(options)
  const closed = sensitive === undefined ? {} : { isSensitive: sensitive }
  const version = extra['version']
  return Object.freeze({ ...extra, ...closed, kind: 'dataType', name, schema: schemaOf(source), version })
}

const unchecked = Object.freeze({ kind: 'unchecked' })

/** In the place of a schema: a type that the compiler knows and that is not checked at run time. */
export function type<Value>(): Unchecked<Value> {
  return unchecked as Unchecked<Value>
}

/** Marks an input that is `undefined` when its producer failed, or when it was not given. */
export function optional<Type extends TypedDataType>(type: Type | DataTypeHint): OptionalPort<Type> {
  return Object.freeze({ kind: 'optional', type: type as Type }) as OptionalPort<Type>
}

/** Takes the values of all items of a batch: a step with such an input runs once for the whole batch. */
export function all<Type extends TypedDataType>(type: Type | DataTypeHint): AllPort<Type> {
  return Object.freeze({ kind: 'all', type: type as Type }) as AllPort<Type>
}

/** The own fields of anything, unknown ones too, so that `graph()` can complain about them; empty for what has none. Never throws. */
export function ownFields(value: unknown): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  if (typeof value !== 'object' || value === null) return fields
  try {
    for (const key of Object.keys(value)) {
      Object.defineProperty(fields, key, {
        value: Reflect.get(value, key),
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
  } catch {
    // A getter or proxy that throws: what it hides counts as not given, and `graph()` says so.
  }
  return fields
}

/** Made by `type`, of whatever copy of the package. */
function isUnchecked(source: unknown): boolean {
  try {
    return source === unchecked || (isRecord(source) && source['kind'] === 'unchecked')
  } catch {
    return false
  }
}

function schemaOf(source: unknown): unknown {
  if (isUnchecked(source)) return undefined
  if (messageNameOf(source) !== undefined) return messageSchema(source as MessageDescriptor)
  // A forgotten schema must not pass for `type<T>()`: `graph()` reports null.
  return source ?? null
}

function messageNameOf(value: unknown): string | undefined {
  try {
    if (typeof value !== 'object' || value === null || Reflect.get(value, 'kind') !== 'message') return undefined
    const name: unknown = Reflect.get(value, 'typeName')
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}

/** One schema a descriptor: two declarations of one message must not look like two shapes. */
const messageSchemas = new WeakMap<object, StandardSchemaV1>()

function messageSchema(descriptor: MessageDescriptor): StandardSchemaV1 {
  const known = messageSchemas.get(descriptor)
  if (known !== undefined) return known
  const { typeName } = descriptor
  const validate = (value: unknown): StandardSchemaV1.Result<unknown> =>
    isRecord(value) && value['$typeName'] === typeName
      ? { value }
      : { issues: [{ message: `expected a protobuf message "${typeName}", got ${describeMessage(value)}` }] }
  const schema = Object.freeze({
    '~standard': Object.freeze({ version: 1, vendor: 'protobuf-es', validate }),
    descriptor,
  })
  messageSchemas.set(descriptor, schema as StandardSchemaV1)
  return schema as StandardSchemaV1
}

function describeMessage(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (!isRecord(value)) return typeof value === 'string' ? JSON.stringify(value) : String(value)
  const name = value['$typeName']
  return typeof name === 'string'
    ? `a message "${name}"`
    : 'an object without $typeName; make messages with create(Schema, { … })'
}
