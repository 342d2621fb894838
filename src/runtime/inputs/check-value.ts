import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { InputIssue } from '../../core/errors.ts'
import { shorten } from '../../core/shorten.ts'

/** A value that fits its type, converted where the schema converts; or what is wrong with it. */
export type CheckedValue =
  | { readonly value: unknown; readonly issues?: undefined; readonly thrown?: undefined }
  | { readonly issues: readonly InputIssue[]; readonly thrown: unknown }

/** Whether something can be awaited. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Checks a value against its data type's schema. Never throws and never rejects; at once when the schema is synchronous. */
export function checkValue(type: AnyDataType, value: unknown): CheckedValue | Promise<CheckedValue> {
  if (type.schema === undefined) return { value }
  try {
    const result = type.schema['~standard'].validate(value)
    if (!isPromiseLike(result)) return checkedOf(type, result)
    return Promise.resolve(result)
      .then((late) => checkedOf(type, late))
      .catch((thrown: unknown) => thrownBySchema(type, thrown))
  } catch (thrown) {
    return thrownBySchema(type, thrown)
  }
}

function checkedOf(type: AnyDataType, result: StandardSchemaV1.Result<unknown>): CheckedValue {
  if (result.issues === undefined) return result as { readonly value: unknown }
  // What a schema says of a value quotes it, and its keys may be a part of it.
  if (type.isSensitive === true) return closedIssues(type)
  const given: unknown = result.issues
  if (!Array.isArray(given)) throw new TypeError('its issues are not a list')
  // Libraries may hand in subclasses of Array, whose `map` makes another of these.
  const issues = Array.from(result.issues, (issue) => ({
    message: issue.message,
    path: [
      type.name,
      ...Array.from(issue.path ?? [], (segment) => keyOf(typeof segment === 'object' ? segment.key : segment)),
    ],
  }))
  return { issues, thrown: undefined }
}

/** Of what is sensitive nothing is said but that it does not fit. */
function closedIssues({ name }: AnyDataType): CheckedValue {
  const message = 'does not fit its schema (what does not is left out, since the type is sensitive)'
  return { issues: [{ message, path: [name] }], thrown: undefined }
}

function keyOf(key: PropertyKey): string | number {
  return typeof key === 'symbol' ? String(key) : key
}

function thrownBySchema(type: AnyDataType, thrown: unknown): CheckedValue {
  if (type.isSensitive === true) return closedIssues(type)
  return { issues: [{ message: `the schema itself threw: ${describeThrown(thrown)}`, path: [type.name] }], thrown }
}

/** The issues as text: `UserID.id: expected string, received number`. No longer than a log can bear: what callers send is in it. */
export function issuesText(issues: readonly InputIssue[]): string {
  const texts = issues.slice(0, maxIssuesInText).map(({ path, message }) => {
    const place = shorten(path.map((key) => shorten(String(key))).join('.'), maxPlaceLength)
    const text = shorten(message, maxMessageLength)
    return onOneLine(place === '' ? text : `${place}: ${text}`)
  })
  const more = issues.length - texts.length
  return `${texts.join('; ')}${more === 0 ? '' : `; and ${more} more`}`
}

const maxIssuesInText = 50
const maxPlaceLength = 500
const maxMessageLength = 1_000

/** Keys come from callers, and schemas quote them: what is in them must not begin a line of its own in a log, or steer a terminal. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (char) =>
    char === '\n' ? '\\n' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
