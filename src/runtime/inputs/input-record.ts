import { describe } from '../../core/check-options.ts'
import { isPlainRecord } from '../../core/is-record.ts'
import { shorten } from '../../core/shorten.ts'
import { describeThrown } from '../../core/thrown.ts'

/** What a caller's record holds, by type name; or why it can't be read. */
export type ReadRecord =
  | { readonly values: ReadonlyMap<string, unknown>; readonly problem?: undefined }
  | { readonly problem: string; readonly key: string | undefined; readonly thrown: unknown }

/**
 * Reads a record of values by type name. Each value is read once: a getter or a proxy may give another the next time. What is undefined
 * counts as left out, but for the keys that `takesUndefined` names. Never throws.
 */
export function readRecord(
  given: unknown,
  like = '',
  takesUndefined: (key: string) => boolean = () => false,
): ReadRecord {
  let key: string | undefined
  try {
    if (!isPlainRecord(given))
      return { problem: `a plain object keyed by type names${like}, not ${kindOf(given)}`, key, thrown: undefined }
    const values = new Map<string, unknown>()
    for (key of Object.keys(given)) {
      const value: unknown = given[key]
      if (value !== undefined || takesUndefined(key)) values.set(key, value)
    }
    return { values }
  } catch (thrown) {
    const problem = `readable, but reading ${key === undefined ? 'it' : `"${shorten(key)}"`} threw: ${describeThrown(thrown)}`
    return { problem, key, thrown }
  }
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return describe(value)
  if (typeof Reflect.get(value, 'then') === 'function') return 'a promise; is an await missing?'
  const { constructor } = value
  const name = typeof constructor === 'function' && constructor !== Object ? constructor.name : ''
  return name === ''
    ? 'an object that inherits from another; copy it with { ...object }'
    : `an instance of ${name}; copy its fields with { ...object }`
}
