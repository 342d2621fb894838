import { inspect, types } from 'node:util'
import { shorten } from './shorten.ts'

const mostKeys = 50
const mostItems = 10
const maxText = 300

/** What an object has, on one line, as `util.inspect` shows it; undefined of what is too big, or a proxy. Calls no getter. @throws what code of the object throws */
export function objectText(value: object): string | undefined {
  if (!isSmall(value)) return undefined
  const keys = Array.isArray(value) ? Array.from({ length: mostItems }, (_, index) => index) : Object.keys(value)
  const parts = keys.map((key): unknown => Object.getOwnPropertyDescriptor(value, key)?.value)
  const depth = parts.every((part) => typeof part !== 'object' || part === null || isSmall(part)) ? 1 : 0
  const text = inspect(value, {
    depth,
    maxArrayLength: mostItems,
    maxStringLength: 100,
    breakLength: Infinity,
    compact: true,
  })
  return shorten(text.replaceAll(/\s*\n\s*/g, ' '), maxText)
}

function isSmall(value: object): boolean {
  return !types.isProxy(value) && (Array.isArray(value) || Object.keys(value).length <= mostKeys)
}
