import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DocketError, StoreError } from '../../src/core/errors.ts'
import { describeThrown, isError } from '../../src/core/thrown.ts'

export const storeName = 'sqlite'

const busy = 5
const locked = 6

/** What `node:sqlite` threw when a file was opened: it does not say which. */
export function openError(thrown: unknown, path: string): Error {
  const error = sqliteError(thrown)
  if (path === ':memory:' || error === thrown || !(error instanceof StoreError)) return error
  const folder = dirname(resolve(path))
  const why = existsSync(folder) ? '' : `; the folder ${JSON.stringify(folder)} does not exist: make it first`
  const message = `${describeThrown(thrown)}: ${JSON.stringify(path)}${why}`
  return new StoreError(storeName, message, error.isTransient, { cause: thrown })
}

/** What `node:sqlite` threw as a StoreError. Another process's write lock passes; nothing else does by itself. */
export function sqliteError(thrown: unknown): Error {
  if (thrown instanceof DocketError) return thrown
  const code = isError(thrown) && 'errcode' in thrown ? Number(thrown.errcode) : 0
  // The low byte; what is above it are details.
  const isTransient = (code & 0xff) === busy || (code & 0xff) === locked
  return new StoreError(storeName, describeThrown(thrown), isTransient, { cause: thrown })
}
