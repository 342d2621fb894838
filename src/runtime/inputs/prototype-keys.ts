import { isPlainRecord } from '../../core/is-record.ts'

/** A part of a value that is still to be looked at. */
interface Part {
  readonly value: object
  readonly key: string | number
  readonly parent: Part | undefined
}

/**
 * Where a value has `__proto__` as a key of its own, as `JSON.parse` makes it: whoever copies such an object with `Object.assign` or a loop
 * gives the copy another prototype. No more than `limit` of them. May throw: getters and traps are the caller's.
 */
export function prototypeKeysOf(
  name: string,
  value: unknown,
  limit: number,
): readonly (readonly (string | number)[])[] {
  const found: (readonly (string | number)[])[] = []
  const seen = new Set<unknown>()
  const open: Part[] = isObject(value) ? [{ value, key: name, parent: undefined }] : []
  // No recursion, and no path before it is needed: JSON from outside may be thousands deep.
  for (let part = open.pop(); part !== undefined && found.length < limit; part = open.pop()) {
    const { value: current } = part
    if (seen.has(current)) continue
    seen.add(current)
    if (!Array.isArray(current) && !isPlainRecord(current)) continue
    if (Object.hasOwn(current, '__proto__')) found.push([...pathOf(part), '__proto__'])
    // A list by its keys too: one with holes may be billions long.
    for (const [key, field] of Object.entries(current))
      if (isObject(field)) open.push({ value: field, key: Array.isArray(current) ? indexOf(key) : key, parent: part })
  }
  return found
}

/** A list may have keys that are no index. */
function indexOf(key: string): number | string {
  return String(Number(key)) === key ? Number(key) : key
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function pathOf(part: Part): readonly (string | number)[] {
  const path: (string | number)[] = []
  for (let at: Part | undefined = part; at !== undefined; at = at.parent) path.push(at.key)
  return path.toReversed()
}
