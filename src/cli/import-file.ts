import { pathToFileURL } from 'node:url'
import { describeThrown, readOf } from '../core/thrown.ts'
import { awaitUserCode } from './await-user-code.ts'
import { CliError, exitCodes } from './cli-error.ts'

/** Loads a module of the user's. @throws CliError with what is wrong with it */
export async function importFile(path: string, signal: AbortSignal): Promise<unknown> {
  try {
    const loaded: Promise<unknown> = import(/* @vite-ignore */ pathToFileURL(path).href)
    return await awaitUserCode(loaded, path, signal)
  } catch (error) {
    if (error instanceof CliError) throw error
    const hint =
      readOf(error, 'code') === 'ERR_MODULE_NOT_FOUND' && /\.[cm]?ts$/.test(path)
        ? '; Node runs TypeScript as it is, so imports of files end in .ts'
        : ''
    const place = placeOfSyntax(error)
    throw new CliError(
      exitCodes.usage,
      `${path} can’t be loaded: ${place === undefined ? '' : `${place}: `}${describeThrown(error)}${hint}`,
      { cause: error },
    )
  }
}

/** Where TypeScript can't be read, as `file:line`: the first line of the error's stack, which its message does not have. Undefined for other errors. */
function placeOfSyntax(error: unknown): string | undefined {
  if (readOf(error, 'name') !== 'SyntaxError') return undefined
  const [, place] = /^(\S[^\n]*:\d+)\n/.exec(String(readOf(error, 'stack'))) ?? []
  return place
}
