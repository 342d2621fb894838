import { describeThrown } from './thrown.ts'

/** Why a package that is installed can't be loaded, for messages. Never throws. */
export function unloadable(name: string, cause: unknown): string {
  const why = describeThrown(cause)
  // What bundlers put in the place of `require` in an ES module throws this.
  const hint = why.includes('Dynamic require') ? `; keep the driver out of the bundle (--external:${name})` : ''
  return `the package ${name} is installed, but can't be loaded: ${why}${hint}`
}
