import { describe } from './check-options.ts'
import { OptionError } from './errors.ts'
import { readOf } from './thrown.ts'

/** Whether the value can be the id, the name or the key of something. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** A name that is given as such. @throws OptionError */
export function requireName(what: string, given: unknown): string {
  if (isName(given)) return given
  throw new OptionError(`${what} must be a non-empty string, not ${describe(given)}`)
}

/** A name that a function of the user's returned. @throws OptionError */
export function requireReturnedName(what: string, returned: unknown): string {
  if (isName(returned)) return returned
  // Nobody waits for a promise here: its rejection would end the process.
  if (typeof readOf(returned, 'then') === 'function') void Promise.resolve(returned).catch(() => {})
  throw new OptionError(`${what} must return a non-empty string, not ${describe(returned)}`)
}
