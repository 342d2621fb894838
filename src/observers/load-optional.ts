import { createRequire } from 'node:module'
import { OptionError } from '../core/errors.ts'
import { isMissingPackage } from '../core/is-missing-package.ts'
import { describeThrown } from '../core/thrown.ts'

/**
 * Loads a package that the user installs. What is said of one that is not there is not said of one that is, and fails.
 * @throws OptionError
 */
export function loadOptional(call: string, name: string, version: string, instead: string): unknown {
  try {
    return createRequire(import.meta.url)(name) as unknown
  } catch (cause) {
    const message = isMissingPackage(cause, name)
      ? `it needs the package ${name}: npm install ${name}@${version}${instead}`
      : `the package ${name} is installed, but can't be loaded: ${describeThrown(cause)}`
    throw new OptionError(`${call}: ${message}`, undefined, { cause })
  }
}
