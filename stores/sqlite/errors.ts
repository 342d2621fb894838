import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DocketError, StoreError } from '../../src/core/errors.ts'
import { describeThrown, readOf } from '../../src/core/thrown.ts'

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

/** Whether a call failed because another connection has the file locked; it has done nothing then. */
export function isLocked(error: unknown): boolean {
  return error instanceof StoreError && isLock(readOf(error.cause, 'errcode'))
}

function isLock(errcode: unknown): boolean {
  // The low byte; what is above it are details.
  const code = Number(errcode) & 0xff
  return code === busy || code === locked
}

/** What `node:sqlite` threw as a StoreError. Another process's write lock passes; nothing else does by itself. */
export function sqliteError(thrown: unknown): Error {
  if (thrown instanceof DocketError) return thrown
  return new StoreError(storeName, describeThrown(thrown), isLock(readOf(thrown, 'errcode')), { cause: thrown })
}
