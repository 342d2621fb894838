import { StoreError } from '../../src/core/errors.ts'
import { DocketError } from '../../src/core/docket-error.ts'
import { refusedTls } from '../../src/core/refused-tls.ts'
import { describeThrown, isError, membersOf } from '../../src/core/thrown.ts'
import { driverError, isMistake } from '../sql/driver-error.ts'
import type { Nature } from '../sql/driver-error.ts'
import { unreachable } from '../sql/options.ts'

export const storeName = 'postgres'

/**
 * SQLSTATEs, or how they begin, after which another try can help: lost connections, serialization failures and deadlocks, too
 * many connections, locks not had in time, statements cancelled by a time limit, sessions ended by one (`sessionTimeouts`), a server that
 * shuts down or starts, a primary that has become a standby.
 */
const transientStates = ['08', '40001', '40003', '40P01', '53300', '55P03', '57014', '57P01', '57P02', '57P03', '25006']
/** The server has ended the session: idle in a transaction, in one transaction, or idle for longer than it is set to allow. */
const sessionTimeouts = new Set(['25P03', '25P04', '57P05'])
/**
 * SQLSTATEs, or how they begin, that are about the value (what a column can't hold, what a constraint forbids, what is too large), or about
 * what is stored (a damaged page; a column that is not there: tables of another version, which no waiting mends). All else may pass.
 */
const lastingStates = ['21', '22', '23', '44', '54', 'XX001', '42703']
// The server has no SQLSTATE of its own for values of more than 1 GB.
const tooLarge = /invalid memory alloc request size/i
// Statements that a pooler has forgotten or made for somebody else, and plans of tables that have changed: only another connection helps.
const lostStatements = new Set(['26000', '42P05', '0A000'])
const networkCodes = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE'])
// What the driver says of broken connections has no code.
const lostConnection = /connection terminated|connection error|timeout|client was closed|connection ended/i

const cutOff = /connection terminated unexpectedly/i
const connectTimeout = /connection timeout/i
// The first byte of an answer in another protocol.
const otherProtocol = /received invalid response/i

/** What the driver threw, as a StoreError. `server` is where it was to connect to, if that is known. */
export function postgresError(thrown: unknown, server?: string): Error {
  if (thrown instanceof DocketError) return thrown
  const away =
    unreachable(storeName, server, thrown) ??
    (server !== undefined && connectTimeout.test(describeThrown(thrown))
      ? `can't reach ${storeName} at ${server}: it does not answer; is the server running, and are host and port right?`
      : undefined)
  if (away !== undefined) return new StoreError(storeName, away, true, { cause: thrown })
  const refused = refusedTls(thrown, server)
  if (refused !== undefined) return driverError(storeName, refused, 'unknown', thrown)
  if (server !== undefined && cutOff.test(describeThrown(thrown))) {
    const message = `${server} has ended the connection (${describeThrown(thrown)}); is it a PostgreSQL server, and running?`
    return new StoreError(storeName, message, true, { cause: thrown })
  }
  if (otherProtocol.test(describeThrown(thrown))) {
    const message = `what answers${server === undefined ? '' : ` at ${server}`} is not a PostgreSQL server (${describeThrown(thrown)}); are host and port right?`
    return new StoreError(storeName, message, false, { cause: thrown })
  }
  // A standby names the statement that it does not take, such as LISTEN.
  const why =
    isAnswer(thrown) && thrown.code === '25006' ? ': the server takes no writes; it is a standby, or read-only' : ''
  return driverError(storeName, `${describeThrown(thrown)}${why}`, natureOf(thrown), thrown, isLockWait(thrown))
}

function natureOf(thrown: unknown): Nature {
  if (!isError(thrown)) return 'unknown'
  // Node tries all addresses of a name, and reports all.
  const members = membersOf(thrown)
  if (members.length > 0) return members.some((member) => natureOf(member) === 'passing') ? 'passing' : 'unknown'
  const code = 'code' in thrown ? thrown.code : undefined
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    if (sessionTimeouts.has(code) || transientStates.some((state) => code.startsWith(state))) return 'passing'
    const isLasting = lastingStates.some((state) => code.startsWith(state)) || tooLarge.test(thrown.message)
    return isLasting ? 'lasting' : 'unknown'
  }
  if (typeof code === 'string' ? networkCodes.has(code) : lostConnection.test(thrown.message)) return 'passing'
  return isMistake(thrown) ? 'lasting' : 'unknown'
}

/** Whether a statement waited too long for a lock. */
function isLockWait(thrown: unknown): boolean {
  return isAnswer(thrown) && thrown.code === '55P03'
}

/** Whether a statement lost a conflict with another transaction, and has done nothing: it may be done again at once. */
export function isConflict(thrown: unknown): boolean {
  return isAnswer(thrown) && (thrown.code === '40001' || thrown.code === '40P01')
}

/** Whether a connection does not have the statement that was prepared on it, or another one of that name: nothing was done. */
export function isLostStatement(thrown: unknown): boolean {
  return isError(thrown) && 'code' in thrown && typeof thrown.code === 'string' && lostStatements.has(thrown.code)
}

/** Whether the server has answered, so that the connection is as good as before. */
export function isAnswer(thrown: unknown): thrown is Error & { readonly code: string } {
  if (!isError(thrown) || !('code' in thrown) || typeof thrown.code !== 'string') return false
  const { code } = thrown
  // 08 is a lost connection, 57P01 to 57P03 a server that shuts down.
  const isLost = /^(?:08|57P)/.test(code) || sessionTimeouts.has(code) || lostStatements.has(code)
  return /^[0-9A-Z]{5}$/.test(code) && !isLost
}
