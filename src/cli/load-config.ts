import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { CommandOptions, Docket } from '../index.ts'
import { isRecord } from '../core/is-record.ts'
import { describeThrown, readOf } from '../core/thrown.ts'
import { awaitUserCode } from './await-user-code.ts'
import { CliError, exitCodeOf, exitCodes } from './cli-error.ts'
import { importFile } from './import-file.ts'

/** What a `docket.config.ts` exports. */
export interface Config {
  /** Where it was found. */
  readonly path: string
  /** Makes the docket. */
  readonly makeDocket: (options: CommandOptions) => Promise<Docket>
}

const names = ['docket.config.ts', 'docket.config.mts', 'docket.config.js', 'docket.config.mjs']

/** Where the configuration is: at the given path, else in this folder or the nearest one above it; undefined where there is none. @throws CliError for a path at which nothing is */
export function findConfig(cwd: string, given: string | undefined): string | undefined {
  if (given !== undefined) {
    const path = resolve(cwd, given)
    if (existsSync(path)) return path
    throw new CliError(exitCodes.usage, `there is no configuration at ${path}`)
  }
  for (let folder = cwd; ; folder = dirname(folder)) {
    for (const name of names) if (existsSync(join(folder, name))) return join(folder, name)
    if (dirname(folder) === folder) return undefined
  }
}

/** Loads a configuration, unless it is interrupted meanwhile. @throws CliError with what is wrong with it */
export async function loadConfig(path: string, signal: AbortSignal): Promise<Config> {
  const loaded = await importFile(path, signal)
  const make = ['docket', 'default'].map((name) => readOf(loaded, name)).find((one) => one !== undefined)
  if (typeof make !== 'function')
    throw new CliError(
      exitCodes.usage,
      `${path} must export a function that makes the docket, as \`export const docket = (options: CommandOptions) => createDocket({ graphs, store, ...options })\`${make === undefined ? '' : `; what it exports is no function${isDocket(make) ? ', but a docket that runs already: make it within the function' : ''}`}`,
    )
  return {
    path,
    makeDocket: async (options) => {
      const made = await awaitUserCode(called(make as Make, options, path), path, signal)
      if (isDocket(made)) return made
      throw new CliError(exitCodes.usage, `the function of ${path} must return a docket, as createDocket makes it`)
    },
  }
}

type Make = (options: CommandOptions) => unknown

/** What the function gives. @throws CliError with what it throws */
async function called(make: Make, options: CommandOptions, path: string): Promise<unknown> {
  try {
    return await make(options)
  } catch (error) {
    const code = exitCodeOf(error)
    // What an error of ours says is known by its code: a store that can't be reached is no wrong configuration.
    throw new CliError(
      code === exitCodes.failed ? exitCodes.usage : code,
      `the function of ${path} failed: ${describeThrown(error)}`,
      { cause: error },
    )
  }
}

/** Whether it is a docket, of whatever copy of the package. */
function isDocket(value: unknown): value is Docket {
  return isRecord(value) && ['list', 'startByName', 'close'].every((name) => typeof value[name] === 'function')
}
