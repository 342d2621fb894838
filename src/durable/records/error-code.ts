import { readOf } from '../../core/thrown.ts'

const longest = 60

/** The stable code that an execution is found by which has ended with this error; undefined for one that has none. */
export function errorCodeOf(error: unknown): string | undefined {
  const code = readOf(error, 'code')
  return typeof code === 'string' && code.length <= longest && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : undefined
}
