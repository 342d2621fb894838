import { errorChain } from '../core/error-chain.ts'
import { isError } from '../core/thrown.ts'

const deepest = 50

/**
 * A stored value as JSON has it: times as ISO texts, maps as lists of pairs, sets as lists, bytes in base64, whole numbers of any size as texts, errors
 * by name, message, code and causes. Never throws.
 */
export function jsonValueOf(value: unknown, depth = 0): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object') return typeof value === 'function' || typeof value === 'symbol' ? null : value
  if (depth > deepest) return '…'
  if (value instanceof Date) return isoOf(value)
  if (isError(value)) return jsonErrorOf(value)
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (value instanceof Map)
    return [...value].map(([key, one]) => [jsonValueOf(key, depth + 1), jsonValueOf(one, depth + 1)])
  if (value instanceof Set) return [...value].map((one) => jsonValueOf(one, depth + 1))
  if (Array.isArray(value)) return value.map((one) => jsonValueOf(one, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined && typeof one !== 'function')
      .map(([key, one]) => [key, jsonValueOf(one, depth + 1)]),
  )
}

/** An error with its causes, outermost first; null where there is none. */
export interface JsonError {
  /** Of its class. */
  readonly name: string
  /** What happened, cut to 500 characters. */
  readonly message: string
  /** The stable code; null for errors of others. */
  readonly code: string | null
  /** What it comes from, outermost first. */
  readonly causes: readonly Omit<JsonError, 'causes'>[]
}

const bounds = { most: 11, longest: 500 }

/** What an error says, without its stack. */
export function jsonErrorOf(error: unknown): JsonError | null {
  const [head, ...causes] = errorChain(error, bounds).map(({ name, message, code = null }) => ({ name, message, code }))
  return head === undefined ? null : { ...head, causes }
}

/** A time as an ISO text; null where there is none. */
export function isoOf(time: Date | undefined): string | null {
  return time === undefined || Number.isNaN(time.getTime()) ? null : time.toISOString()
}
