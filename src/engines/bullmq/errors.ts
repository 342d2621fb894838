import { EngineError } from '../../core/engine-error.ts'
import { refusedTls } from '../../core/refused-tls.ts'
import { describeThrown, isError, readOf } from '../../core/thrown.ts'
import { engineName } from './name.ts'

/** Classes of SQLSTATE that say something of the connection or the server's state, not of the statement. */
const passingStates = new Set(['08', '53', '57', '40', '55'])
/** What servers and clients say while they start, fail over or are cut off; and what BullMQ says of a job that another worker has taken over meanwhile. */
const passingWords =
  /connection is closed|connection terminated|connection ended|stream isn't writeable|timeout|timed out|^(?:READONLY|LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS|MOVED|ASK|BUSY|UNBLOCKED|MISCONF|FAILOVER)\b|all keys must map|could not renew lock|missing lock|lock mismatch|missing key for job|is not in the (?:active )?state|after calling end on the pool|failed to refresh slots|sentinels are unreachable|is not queryable/i

/** What a client threw, as an error of this engine. */
export function engineError(thrown: unknown, what: string): EngineError {
  if (thrown instanceof EngineError) return thrown
  return new EngineError(
    engineName,
    `${what}: ${refusedTls(thrown, undefined) ?? describeThrown(thrown)}`,
    isPassing(thrown),
    { cause: thrown },
  )
}

function isPassing(thrown: unknown): boolean {
  if (!isError(thrown)) return false
  const code = readOf(thrown, 'code')
  if (typeof code === 'string') {
    if (/^E[A-Z]{3,}/.test(code) && !code.startsWith('ERR_')) return true
    if (/^[0-9A-Z]{5}$/.test(code)) return passingStates.has(code.slice(0, 2))
  }
  return passingWords.test(thrown.message)
}
