import { StoreError } from '../../src/core/errors.ts'
import { DocketError } from '../../src/core/docket-error.ts'
import { refusedTls } from '../../src/core/refused-tls.ts'
import { describeThrown, isError, membersOf } from '../../src/core/thrown.ts'
import { driverError, isMistake } from '../sql/driver-error.ts'
import type { Nature } from '../sql/driver-error.ts'
import { unreachable } from '../sql/options.ts'

export const storeName = 'mysql'

const duplicate = 1062
const noTable = 1146
const deadlock = 1213
/** Locks not had in time. */
const lockWaits = new Set([1205, 3572])
// MariaDB, when a row has changed since the transaction's snapshot was taken.
const changed = 1020

/**
 * Errors after which another try can help: too many connections, servers that shut down or have become read-only, lost
 * connections, conflicts, locks not had in time, statements stopped by a time limit or by somebody.
 */
const transientNumbers = new Set(
  [
    [1040, 1203, 1226, 1053, 1077, 1079, 1290, 1792, 1836],
    [1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 4031],
    [deadlock, changed, 1205, 1614, 3058, 3572],
    [1317, 1969, 3024],
  ].flat(),
)
/**
 * Errors that are about the value and have no SQLSTATE that says so: too large for a packet, a row or a key; not what a column holds; too
 * many of them; refused by a check; a column that is not there (tables of another version, which no waiting mends). All else may pass.
 */
const lastingNumbers = new Set(
  [
    [1071, 1118, 1153, 1162, 1301, 1390],
    [1265, 1300, 1364, 1366, 1411, 3988],
    [3819, 4025, 1054],
  ].flat(),
)
const transientCodes = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
])
// What the driver says of broken connections has no code everywhere.
const lostConnection =
  /no connections available|queue limit reached|closed state|connection lost|connection is closed|got disconnected|timeout/i

/** What the driver threw, as a StoreError. `server` is where it was to connect to, if that is known. */
export function mysqlError(thrown: unknown, server?: string): Error {
  if (thrown instanceof DocketError) return thrown
  const away = unreachable(storeName, server, thrown)
  if (away !== undefined) return new StoreError(storeName, away, true, { cause: thrown })
  const refused = refusedTls(thrown, server)
  if (refused !== undefined) return driverError(storeName, refused, 'unknown', thrown)
  return driverError(storeName, describeThrown(thrown), natureOf(thrown), thrown, isLockWait(thrown))
}

/** Whether a statement waited too long for a lock. */
export function isLockWait(thrown: unknown): boolean {
  return lockWaits.has(numberOf(thrown) ?? 0)
}

/** Whether a row with the same key was there. */
export function isDuplicate(thrown: unknown): boolean {
  return numberOf(thrown) === duplicate
}

export function isMissingTable(thrown: unknown): boolean {
  return numberOf(thrown) === noTable
}

/** Whether a transaction was rolled back because of another one: it may be done again at once. */
export function isConflict(thrown: unknown): boolean {
  const number = numberOf(thrown)
  return number === deadlock || number === changed
}

/** Whether the server has answered, so that the connection is as good as before. */
export function isAnswer(thrown: unknown): boolean {
  return numberOf(thrown) !== undefined && !(thrown as { readonly fatal?: unknown }).fatal
}

function numberOf(thrown: unknown): number | undefined {
  if (!isError(thrown) || !('errno' in thrown)) return undefined
  // Errors of the operating system have a negative one.
  return typeof thrown.errno === 'number' && thrown.errno > 0 ? thrown.errno : undefined
}

function natureOf(thrown: unknown): Nature {
  if (!isError(thrown)) return 'unknown'
  // Node tries all addresses of a name, and reports all.
  const members = membersOf(thrown)
  if (members.length > 0) return members.some((member) => natureOf(member) === 'passing') ? 'passing' : 'unknown'
  const number = numberOf(thrown)
  const code = 'code' in thrown ? thrown.code : undefined
  if (number !== undefined) {
    if (transientNumbers.has(number)) return 'passing'
    // Classes of SQLSTATEs: data that a column can't hold, and constraints.
    const state = 'sqlState' in thrown ? thrown.sqlState : undefined
    return lastingNumbers.has(number) || (typeof state === 'string' && /^2[123]/.test(state)) ? 'lasting' : 'unknown'
  }
  if ((typeof code === 'string' && transientCodes.has(code)) || lostConnection.test(thrown.message)) return 'passing'
  return isMistake(thrown) ? 'lasting' : 'unknown'
}
