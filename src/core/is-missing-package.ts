import { isError, readOf } from './thrown.ts'

/** Whether loading a package failed because that is not installed, rather than one that it needs itself. */
export function isMissingPackage(thrown: unknown, name: string): boolean {
  if (!isError(thrown)) return false
  const code = readOf(thrown, 'code')
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false
  const [, missing] = /Cannot find (?:package|module) '([^']*)'/.exec(thrown.message) ?? []
  return missing === undefined || missing === name || missing.startsWith(`${name}/`)
}
