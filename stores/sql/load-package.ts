import { StoreError } from '../../src/core/errors.ts'
import { isError } from '../../src/core/thrown.ts'
import { unloadable } from '../../src/core/unloadable.ts'

/**
 * Loads a package that the user installs: a driver. What is said of one that is not there is not said of one that is, and fails.
 * @throws StoreError
 */
export async function loadPackage<Module>(store: string, name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    const message = isMissing(cause, name)
      ? `it needs the package ${name}: npm install ${name}`
      : unloadable(name, cause)
    throw new StoreError(store, message, false, { cause })
  }
}

/** Whether it is this package that was not found, rather than one that it needs itself. */
export function isMissing(thrown: unknown, name: string): boolean {
  if (!isError(thrown) || !('code' in thrown)) return false
  if (thrown.code !== 'ERR_MODULE_NOT_FOUND' && thrown.code !== 'MODULE_NOT_FOUND') return false
  const [, missing] = /Cannot find (?:package|module) '([^']*)'/.exec(thrown.message) ?? []
  return missing === undefined || missing === name || missing.startsWith(`${name}/`)
}
