import { createRequire } from 'node:module'
import { OptionError } from '../core/errors.ts'
import { describeThrown, isError, readOf } from '../core/thrown.ts'

/**
 * Loads a package that the user installs. What is said of one that is not there is not said of one that is, and fails.
 * @throws OptionError
 */
export function loadOptional(call: string, name: string, version: string, instead: string): unknown {
  try {
    return createRequire(import.meta.url)(name) as unknown
  } catch (cause) {
    const message = isMissing(cause, name)
      ? `it needs the package ${name}: npm install ${name}@${version}${instead}`
      : `the package ${name} is installed, but can't be loaded: ${describeThrown(cause)}`
    throw new OptionError(`${call}: ${message}`, undefined, { cause })
  }
}

/** Whether it is this package that was not found, rather than one that it needs itself. */
function isMissing(thrown: unknown, name: string): boolean {
  if (!isError(thrown)) return false
  const code = readOf(thrown, 'code')
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false
  const [, missing] = /Cannot find (?:package|module) '([^']*)'/.exec(thrown.message) ?? []
  return missing === undefined || missing === name || missing.startsWith(`${name}/`)
}
