import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { StoreError } from '../../src/core/errors.ts'
import { DocketError } from '../../src/core/docket-error.ts'
import { describeThrown, readOf } from '../../src/core/thrown.ts'
import { driverError, openingError } from '../sql/driver-error.ts'
import type { Nature } from '../sql/driver-error.ts'

export const storeName = 'sqlite'

const busy = 5
const locked = 6
const readOnly = 8
/**
 * What is about the value (too big, refused by a constraint, of another type), a mistake of the caller, or about what is stored (a damaged
 * page, a file that is no database). All else may pass: a full disk, an error of reading or writing, a file that may not be written.
 */
const lasting = new Set([11, 18, 19, 20, 21, 25, 26])
/** Tables of another version, which no waiting mends. Mistakes in statements have one code for all. */
const noColumn = /no such column|has no column/

/** What `node:sqlite` threw when a file was opened: it does not say which. */
export function openError(thrown: unknown, path: string): Error {
  const error = openingError(sqliteError(thrown))
  if (!(error instanceof StoreError)) return error as Error
  if (path === ':memory:' || error === thrown) return error
  const message = `${describeThrown(thrown)}: ${JSON.stringify(path)}${whyNot(path)}`
  return new StoreError(storeName, message, error.isTransient, { cause: thrown })
}

/** What can be seen of the path that makes it no file to open. */
function whyNot(path: string): string {
  // A URI, with options of its own.
  if (path.startsWith('file:')) return ''
  const folder = dirname(resolve(path))
  if (!existsSync(folder)) return `; the folder ${JSON.stringify(folder)} does not exist: make it first`
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return '; that is a folder: name a file in it'
  // What SQLite writes beside the database has to lie there as well.
  if (!mayWrite(folder, constants.X_OK)) return `; this user may not write in the folder ${JSON.stringify(folder)}`
  return mayWrite(path) || !existsSync(path) ? '' : '; this user may not write the file'
}

function mayWrite(path: string, more = 0): boolean {
  try {
    accessSync(path, constants.W_OK | more)
    return true
  } catch {
    return false
  }
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

/** What `node:sqlite` threw, as a StoreError. `path`: of the file, which it does not name where that may not be written. */
export function sqliteError(thrown: unknown, path = ''): Error {
  if (thrown instanceof DocketError) return thrown
  const isReadOnly = (Number(readOf(thrown, 'errcode')) & 0xff) === readOnly
  const place = isReadOnly && path !== '' ? `: ${JSON.stringify(path)}${whyNot(path)}` : ''
  return driverError(storeName, `${describeThrown(thrown)}${place}`, natureOf(thrown), thrown)
}

function natureOf(thrown: unknown): Nature {
  const errcode = readOf(thrown, 'errcode')
  if (isLock(errcode)) return 'passing'
  // What has no code was refused by Node: a value that can't be bound, a database that was closed.
  if (typeof errcode !== 'number' || lasting.has(errcode & 0xff)) return 'lasting'
  return noColumn.test(describeThrown(thrown)) ? 'lasting' : 'unknown'
}
