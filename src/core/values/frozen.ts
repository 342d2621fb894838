import { append } from '../append.ts'

/** Freezes objects and arrays, through and through, and gives the value: for what was read for one caller alone. */
export function frozen(value: unknown): unknown {
  const open: unknown[] = [value]
  for (const one of open) {
    if (typeof one !== 'object' || one === null || Object.isFrozen(one)) continue
    const isPlain = Array.isArray(one) || Object.getPrototypeOf(one) === Object.prototype
    if (!isPlain) continue
    Object.freeze(one)
    append(open, Object.values(one) as readonly unknown[])
  }
  return value
}
