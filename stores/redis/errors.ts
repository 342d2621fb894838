import { StoreError } from '../../src/core/errors.ts'
import { refusedTls } from '../../src/core/refused-tls.ts'
import { describeThrown, isError } from '../../src/core/thrown.ts'
import { driverError, isMistake } from '../sql/driver-error.ts'
import { unreachable } from '../sql/options.ts'

export const storeName = 'redis'

/** What ioredis says of answers in another protocol. */
const otherProtocol = /^(?:Unknown RESP type|Protocol error)/

/** What ioredis says of commands on a connection that was closed. */
const closedMessage = 'Connection is closed.'

/** What goes away by itself: a server that starts, fails over, moves slots, or is stuck in a script. */
const passing = /\b(?:LOADING|BUSY|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF|UNBLOCKED|FAILOVER)\b/

/** What is about the value or a mistake of the caller: too large, or keys of several slots. All else may pass. */
const lasting = /\bCROSSSLOT\b|exceeds maximum allowed size|invalid (?:multi)?bulk length|value is not an? /i

/** What a script may not call for its user. */
const deniedInScript = /user executing the script can't (?:run|access)/i

/** A reply of ours from inside a script: a record that can't be read. */
export const damagedReply = 'DOCKETDAMAGED'

/** A record that is not what this store writes. */
export function damaged(what: string, key: string, cause?: unknown): StoreError {
  const message = `${what} (key ${JSON.stringify(key)}) is damaged or was altered; repair or delete it`
  return new StoreError(storeName, message, false, cause === undefined ? undefined : { cause })
}

/** What a script says went wrong, as if the server had answered it. */
export function replyError(message: string): Error {
  const error = new Error(message)
  error.name = 'ReplyError'
  return error
}

/** Whether a key holds another kind of value. */
export function isWrongType({ message }: Error): boolean {
  return /\bWRONGTYPE\b/.test(message)
}

/** Whether a command was given up since there is no connection. */
export function isLost(thrown: unknown): boolean {
  return isError(thrown) && (thrown.name === 'MaxRetriesPerRequestError' || thrown.message === closedMessage)
}

/** The error of a driver (or of a reply) in the store's words. `key` is what the command was about, `server` where it was sent. */
export function storeError(cause: unknown, key?: string, server?: string): StoreError {
  if (cause instanceof StoreError) return cause
  const message = describeThrown(cause)
  if (!isError(cause)) return driverError(storeName, message, 'unknown', cause)
  if (cause.name !== 'ReplyError') {
    const last: unknown = 'lastNodeError' in cause ? cause.lastNodeError : undefined
    // A cluster's client says that it could not find the slots; the last node's error says why.
    if (isError(last) && last.name === 'ReplyError') return storeError(last, key, server)
    const refused = refusedTls(last ?? cause, server)
    if (refused !== undefined) return driverError(storeName, refused, 'unknown', cause)
    // All else comes from the connection: it is lost, closed, or took too long.
    const away = unreachable(storeName, server, last ?? cause)
    if (away !== undefined) return new StoreError(storeName, away, true, { cause })
    if (cause.name === 'ParserError' || otherProtocol.test(message))
      return new StoreError(
        storeName,
        `what answers${server === undefined ? '' : ` at ${server}`} is not a Redis server (${message}); are host and port right?`,
        false,
        { cause },
      )
    if (isLost(cause))
      return new StoreError(
        storeName,
        `lost redis${server === undefined ? '' : ` at ${server}`}: ${message.replace(/\.(?: Refer to .*)?$/s, '')}; is the server running?`,
        true,
        { cause },
      )
    const why = isError(last) ? ` (${describeThrown(last)})` : ''
    return new StoreError(storeName, message + why, !isMistake(cause), { cause })
  }
  if (message.includes(damagedReply) || isWrongType(cause)) return damaged('a record', key ?? '?', cause)
  if (/\bOOM\b/.test(message)) {
    const advice =
      'the server has reached maxmemory: give it more, or purge old executions; its policy must stay noeviction'
    return driverError(storeName, `${message} (${advice})`, 'unknown', cause)
  }
  if (/\bNOAUTH\b/.test(message))
    return driverError(
      storeName,
      `redis${server === undefined ? '' : ` at ${server}`} requires a password (NOAUTH); put it into the URL, or give the client one`,
      'unknown',
      cause,
    )
  if (/\b(?:WRONGPASS|NOPERM)\b/.test(message)) {
    const advice = 'check user name, password and the rights that the ACL gives to the prefix'
    return driverError(storeName, `${message} (${advice})`, 'unknown', cause)
  }
  if (deniedInScript.test(message)) {
    const advice = 'the server’s ACL LOG says which one; the ACL must allow what scripts call'
    return driverError(storeName, `${message} (${advice})`, 'unknown', cause)
  }
  // A cluster's client follows these itself, and reports too many in an error of its own.
  if (/^(?:MOVED|ASK)\b/.test(message))
    return new StoreError(storeName, `the server is one of a cluster (${message}): use the option cluster`, false, {
      cause,
    })
  const nature = passing.test(message) ? 'passing' : lasting.test(message) ? 'lasting' : 'unknown'
  return driverError(storeName, message, nature, cause)
}
