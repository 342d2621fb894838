import { SerializationError } from '../core/errors.ts'
import { describe } from '../core/check-options.ts'

/** Levels that a value between services may have. */
const maxDepth = 200

/**
 * A value as text. Between services, values are JSON and nothing else: what that would change or lose is refused.
 * @throws SerializationError that names the path, unless the value is sensitive
 */
export function jsonOf(value: unknown, what: string, isSensitive = false): string {
  checkJson(value, { what, isSensitive })
  return JSON.stringify(value) ?? 'null'
}

/** The value of a text from a stranger. @throws SyntaxError for what is no JSON, too deep, or would set a prototype */
export function valueOfJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  // A loop, not recursion: strangers nest as deep as they like.
  const open: { readonly value: object; readonly depth: number }[] = []
  const look = (item: unknown, depth: number): void => {
    if (typeof item !== 'object' || item === null) return
    if (depth > maxDepth) throw new SyntaxError(`it has more than ${maxDepth} levels`)
    open.push({ value: item, depth })
  }
  look(value, 1)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Object.hasOwn(next.value, '__proto__'))
      throw new SyntaxError('"__proto__" is no key that a value from outside may have')
    for (const item of Object.values(next.value)) look(item, next.depth + 1)
  }
  return value
}

interface Checked {
  readonly what: string
  readonly isSensitive: boolean
}

function checkJson(value: unknown, checked: Checked, path = '', depth = 0): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  const refuse = (is: string): never => {
    const { what, isSensitive } = checked
    const found = isSensitive
      ? 'it has what JSON has not (what and where is left out, since its type is sensitive)'
      : `at "${path}" it has ${is}`
    throw new SerializationError(
      `${what} can't be sent: ${found}; between services values are JSON, so let the type's schema convert it (a Date from a string, say), or convert it where the value is made`,
    )
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse(String(value))
  } else if (typeof value !== 'object') refuse(value === undefined ? 'undefined' : describe(value))
  else if (depth > maxDepth) refuse(`more than ${maxDepth} levels, or a circle`)
  else if (Array.isArray(value))
    for (let index = 0; index < value.length; index++) checkJson(value[index], checked, `${path}[${index}]`, depth + 1)
  else {
    const prototype: unknown = Object.getPrototypeOf(value)
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
    if (!isPlain || 'toJSON' in value) refuse(`a ${value.constructor?.name ?? 'class instance'}`)
    for (const [key, item] of Object.entries(value as object))
      // What is undefined is as good as absent.
      if (item !== undefined) checkJson(item, checked, path === '' ? key : `${path}.${key}`, depth + 1)
  }
}
