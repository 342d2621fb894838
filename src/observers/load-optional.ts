import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { OptionError } from '../core/errors.ts'
import { isMissingPackage } from '../core/is-missing-package.ts'
import { unloadable } from '../core/unloadable.ts'

/** A bundle of CommonJS has no `import.meta.url`: there, the package is looked for beside the program that runs, and where it was started. */
function load(name: string): unknown {
  const here: string | undefined = import.meta.url
  if (here !== undefined) return createRequire(here)(name)
  const cwd = process.cwd()
  const require = createRequire(join(cwd, 'bundle.cjs'))
  return require(require.resolve(name, { paths: [dirname(process.argv[1] ?? cwd), cwd] }))
}

/**
 * Loads a package that the user installs. What is said of one that is not there is not said of one that is, and fails.
 * @throws OptionError
 */
export function loadOptional(call: string, name: string, version: string, instead: string): unknown {
  try {
    return load(name)
  } catch (cause) {
    const message = isMissingPackage(cause, name)
      ? `it needs the package ${name}: npm install ${name}@${version}${instead}`
      : unloadable(name, cause)
    throw new OptionError(`${call}: ${message}`, undefined, { cause })
  }
}
