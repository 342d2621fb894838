import { types } from 'node:util'
import { append } from './append.ts'
import { objectText } from './object-text.ts'

// A `cause` may be a getter that makes a new error each time it is read.
const maxCauses = 10_000

/**
 * Whether the value is an error, of whatever realm: those of a vm context or a jest environment are no instances of this one's `Error`.
 * Never throws.
 */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error || isDomException(value)
  } catch {
    return false
  }
}

/** What `fetch`, timers and aborted signals throw. */
function isDomException(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object DOMException]'
  )
}

/** Whether an error is one of Docket's, of this copy of the package or another. Never throws. */
export function isDocketError(error: Error): boolean {
  try {
    return Reflect.get(error, Symbol.for('docket.error')) === true
  } catch {
    return false // a getter or a proxy that throws
  }
}

/** A property of anything; undefined where it can't be read. Never throws. */
export function readOf(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined
  try {
    return Reflect.get(value, key)
  } catch {
    return undefined // a getter or a proxy that throws
  }
}

/**
 * Whether `error`, or anything in its cause chain (members of an AggregateError too), carries this code: then it was made by one of
 * Docket's classes, of whatever copy of the package, or by code that means the same. Never throws: what can't be read holds no cause.
 */
export function hasCause(
  error: unknown,
  code: 'NON_RETRYABLE' | 'EXECUTION_ABORTED' | 'DOCKET_CLOSED' | 'RERUN_MISMATCH' | 'REFUSED',
): boolean {
  for (const cause of causesOf(error)) if (readOf(cause, 'code') === code) return true
  return false
}

/** When an error, or what it was caused by, says that another attempt can help: milliseconds from now; undefined where nothing of it says so. Never throws. */
export function retryAfterOf(
  error: unknown,
  now: () => number,
): { readonly ms: number; readonly countsAsAttempt: boolean } | undefined {
  for (const cause of causesOf(error)) {
    if (readOf(cause, 'code') !== 'RETRY_AFTER') continue
    const ms = readOf(cause, 'retryAfterMs')
    const countsAsAttempt = readOf(cause, 'countsAsAttempt') !== false
    if (typeof ms === 'number' && ms >= 0) return { ms, countsAsAttempt }
    const at = readOf(cause, 'retryAt')
    const atMs = types.isDate(at) ? Date.prototype.getTime.call(at) : NaN
    if (!Number.isNaN(atMs)) return { ms: Math.max(0, atMs - now()), countsAsAttempt }
  }
  return undefined
}

/** An error and all objects in its cause chain, members of AggregateErrors too. Never throws. */
export function* causesOf(error: unknown): Generator<object, void, undefined> {
  const seen = new Set<unknown>()
  const open: unknown[] = [error]
  while (open.length > 0 && seen.size < maxCauses) {
    const current = open.pop()
    if (typeof current !== 'object' || current === null || seen.has(current)) continue
    seen.add(current)
    yield current
    append(open, membersOf(current))
    open.push(readOf(current, 'cause'))
  }
}

/** The members of an AggregateError, or of whatever looks like one. Never throws. */
export function membersOf(error: unknown): readonly unknown[] {
  try {
    const errors = readOf(error, 'errors')
    return Array.isArray(errors) ? errors.slice(0, maxCauses) : []
  } catch {
    return [] // a proxy that was revoked
  }
}

/** A one-line text for anything that can be thrown; never throws itself. */
export function describeThrown(thrown: unknown): string {
  try {
    if (isError(thrown)) return String(thrown.message === '' ? thrown.name : thrown.message)
    if (typeof thrown === 'string') return thrown
    const message = readOf(thrown, 'message')
    return typeof message === 'string' && message !== '' ? message : `${textOf(thrown)}, which is no Error`
  } catch {
    return 'a value that has no text'
  }
}

/** Objects without a text of their own are shown by what they have. @throws what code of the value throws */
function textOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown)
  // One without a prototype has no text at all.
  const text = typeof readOf(thrown, 'toString') === 'function' ? String(thrown) : undefined
  return text?.includes('[object Object]') === false ? text : (objectText(thrown) ?? String(thrown))
}
