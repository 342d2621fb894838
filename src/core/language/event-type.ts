import type { StandardSchemaV1 } from '@standard-schema/spec'
import { durationHint, durationMs } from '../duration.ts'
import type { Duration } from '../duration.ts'
import { describe } from '../check-options.ts'
import { isRecord } from '../is-record.ts'
import { dataType, ownFields } from './data-type.ts'
import type { AnyDataType, DataTypeFrom, TypedDataType, Unchecked } from './data-type.ts'

/** What makes a data type one that is broadcast. */
export interface Broadcast {
  /** Events of one name in two scopes are two events; '' where none was given. */
  readonly scope: string
  /** For how long an event is kept for those that wait for it later. */
  readonly ttl: Duration
}

/** A data type whose values are broadcast under keys, its types forgotten. */
export interface AnyEventType extends AnyDataType {
  /** How it is broadcast. */
  readonly broadcast: Broadcast
}

/** A data type whose values are broadcast under keys. Made by `eventType`. */
export type EventType<Name extends string, Source> = DataTypeFrom<Name, Source> & AnyEventType

/** Any event type, of which the compiler knows what it holds. */
export type TypedEventType = TypedDataType & AnyEventType

/** Stands beside the type of what is to be given, so that the compiler prints it to those who give something else. */
export type EventTypeHint = 'an event type, made by eventType(name, schema)'

/** Options of `eventType`. */
export interface EventTypeOptions {
  /** Within what the name is unique: events of one name in two scopes are two events. @default the scope of all that name none */
  readonly scope?: string | undefined
  /** For how long an event is kept, from when it was emitted, for those that wait for it later. @default '7d' */
  readonly ttl?: Duration | undefined
  /** Change it when values stored under this name no longer hold. @default no version */
  readonly version?: string | undefined
  /** Whether values of it are never shown, logged or exported by any tool of Docket, as in `dataType`. @default false */
  readonly sensitive?: boolean | undefined
}

const defaultTtl = '7d'

/**
 * Declares something that happens once per key, and that any number of executions may wait for: a data type like any other, whose values are
 * emitted by `docket.emit`, and waited for by steps made by `event`. Inert: `graph()` reports wrong arguments.
 *
 * @example
 * const Packed = eventType('Packed', z.object({ parcel: z.string() }), { ttl: '30d' })
 */
export function eventType<const Name extends string, Source extends StandardSchemaV1 | Unchecked<unknown>>(
  name: Name,
  source: Source | 'a schema, or type<T>() for a type without one',
  options: EventTypeOptions = {},
): EventType<Name, Source> {
  const { scope = '', ttl = defaultTtl, ...more } = ownFields(options)
  const type = dataType(name, source as Source, more)
  return Object.freeze({ ...type, broadcast: Object.freeze({ scope, ttl }) }) as never
}

/** Whether something was made by `eventType`; whatever else may be wrong with it. */
export function isEventType(value: unknown): value is AnyEventType {
  return isRecord(value) && value['kind'] === 'dataType' && isRecord(value['broadcast'])
}

/** What is wrong with the options of an event type. */
export function problemOfBroadcast({ name, broadcast }: Readonly<Record<string, unknown>>): string | undefined {
  if (broadcast === undefined) return undefined
  if (!isRecord(broadcast))
    return `"${String(name)}" has the unknown option "broadcast"; known are version and formerly`
  const { scope, ttl } = broadcast
  if (typeof scope !== 'string') return `"${String(name)}" has a scope that is not a string: ${describe(scope)}`
  const ms = durationMs(ttl)
  if (ms === undefined) return `"${String(name)}": ttl ${describe(ttl)} is not a duration; ${durationHint}`
  if (ms === 0)
    return `"${String(name)}": ttl is 0: an event would be gone before anybody could wait for it; leave it out for ${defaultTtl}`
  return undefined
}
