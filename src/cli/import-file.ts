import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describeThrown, readOf } from '../core/thrown.ts'
import { awaitUserCode } from './await-user-code.ts'
import { CliError, exitCodes } from './cli-error.ts'

/** Loads a module of the user's. @throws CliError where it is not there, or with what is wrong with it */
export async function importFile(path: string, signal: AbortSignal): Promise<unknown> {
  if (!existsSync(path)) throw new CliError(exitCodes.notFound, `there is no file at ${path}`)
  try {
    const loaded: Promise<unknown> = import(/* @vite-ignore */ pathToFileURL(path).href)
    return await awaitUserCode(loaded, path, signal)
  } catch (error) {
    if (error instanceof CliError) throw error
    const place = placeOfSyntax(error, path)
    throw new CliError(
      exitCodes.usage,
      `${path} can’t be loaded: ${place === undefined ? '' : `${place}: `}${describeThrown(error)}${hintOf(error, path)}`,
      { cause: error },
    )
  }
}

/** What may be wrong with an import that leads nowhere. A package that is not there is no matter of how its files are called. */
function hintOf(error: unknown, path: string): string {
  return readOf(error, 'code') === 'ERR_MODULE_NOT_FOUND' &&
    /\.[cm]?ts$/.test(path) &&
    describeThrown(error).startsWith('Cannot find module')
    ? '; Node runs TypeScript as it is, so imports of files end in .ts'
    : ''
}

const placeAtFront = /^(\S[^\n]*:\d+)\r?\n/

/** Where a file can’t be read, as `file:line`. Undefined for errors of what runs. */
function placeOfSyntax(error: unknown, path: string): string | undefined {
  if (readOf(error, 'name') !== 'SyntaxError') return undefined
  const stack = String(readOf(error, 'stack'))
  const [, place] = placeAtFront.exec(stack) ?? []
  if (place !== undefined) return pathOf(place)
  if (!stack.includes('compileSourceTextModule')) return undefined
  // For a module of JavaScript, the error that Node throws does not have it. Its check of a file writes it, and runs nothing.
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' })
  const [, found] = placeAtFront.exec(stderr) ?? []
  return found === undefined ? 'a file that it imports' : pathOf(found)
}

function pathOf(place: string): string {
  return place.startsWith('file:') ? fileURLToPath(place) : place
}
