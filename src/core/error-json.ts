import { describeThrown, isDocketError, isError, membersOf, readOf } from './thrown.ts'

/** How many causes, lists and records are followed, and how long a text may be. */
const limits = { depth: 20, parts: 500, text: 10_000 } as const

/**
 * An error as data for JSON: what a log line or the answer of an HTTP handler can hold. Of Docket's errors all fields, of others
 * `name`, `message`, `code`, `cause` and `errors` alone: what else hangs on them may be a socket or a password. No stack. Never throws.
 */
export function errorJsonOf(error: Error): Record<string, unknown> {
  return new JsonWriter().errorOf(error, Object.keys(error), 0)
}

class JsonWriter {
  readonly #open = new Set<object>()
  #parts = 0

  errorOf(error: object, keys: readonly string[], depth: number): Record<string, unknown> {
    this.#open.add(error)
    const json: Record<string, unknown> = {}
    for (const key of new Set(['name', 'code', 'message', ...keys, 'errors', 'cause'])) {
      if (key === 'stack' || key === '__proto__') continue
      const members = key === 'errors' ? membersOf(error) : undefined
      const value = members ?? readOf(error, key)
      if (value === undefined || typeof value === 'function' || members?.length === 0) continue
      // Most errors that stand alone have none.
      if (key === 'path' && readOf(value, 'length') === 0) continue
      json[key] = this.#valueOf(value, depth + 1)
    }
    this.#open.delete(error)
    return json
  }

  #valueOf(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return value.slice(0, limits.text)
    if (typeof value === 'boolean' || value === null || value === undefined) return value
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
    if (typeof value !== 'object') return String(value)
    if (this.#open.has(value)) return '[circular]'
    if (depth > limits.depth || ++this.#parts > limits.parts) return describeThrown(value).slice(0, limits.text)
    try {
      return isError(value)
        ? this.errorOf(value, isDocketError(value) ? Object.keys(value) : [], depth)
        : this.#dataOf(value, depth)
    } catch {
      return describeThrown(value) // a getter or a proxy that throws
    } finally {
      this.#open.delete(value)
    }
  }

  #dataOf(value: object, depth: number): unknown {
    if (typeof readOf(value, 'toISOString') === 'function') {
      const time = Number(value)
      return Number.isNaN(time) ? null : new Date(time).toISOString()
    }
    this.#open.add(value)
    if (Array.isArray(value)) return value.map((item) => this.#valueOf(item, depth + 1))
    const entries = Object.keys(value).map((key) => [key, readOf(value, key)] as const)
    const kept = entries.filter(
      ([key, item]) => key !== '__proto__' && item !== undefined && typeof item !== 'function',
    )
    return Object.fromEntries(kept.map(([key, item]) => [key, this.#valueOf(item, depth + 1)]))
  }
}
