import { pathToFileURL } from 'node:url'
import { describeThrown, readOf } from '../core/thrown.ts'
import { CliError, exitCodes } from './cli-error.ts'

/** Loads a module of the user's. @throws CliError with what is wrong with it */
export async function importFile(path: string): Promise<unknown> {
  try {
    return await import(/* @vite-ignore */ pathToFileURL(path).href)
  } catch (error) {
    const hint =
      readOf(error, 'code') === 'ERR_MODULE_NOT_FOUND' && /\.[cm]?ts$/.test(path)
        ? '; Node runs TypeScript as it is, so imports of files end in .ts'
        : ''
    throw new CliError(exitCodes.usage, `${path} can’t be loaded: ${describeThrown(error)}${hint}`, { cause: error })
  }
}
