import { isDocketError, isError, membersOf, readOf } from './thrown.ts'

/** What may be known of a driver's error besides its class and its text: which error it is, and where. */
const kept = [
  'code',
  'errno',
  'errcode',
  'errstr',
  'sqlState',
  'severity',
  'fatal',
  'syscall',
  'address',
  'port',
] as const
const maxDepth = 5
const maxMembers = 20
const maxText = 2_000

/**
 * A driver's error without what it was about. Drivers hang the request on it, or what the server said of it: a statement with all its
 * values (mysql2), a command with the password (ioredis), the row that was refused (pg). Errors are logged, handed to callers and stored;
 * such things belong in none of these places. Name, message, stack and codes stay. Never throws.
 */
export function bareErrorOf(thrown: unknown, depth = 0): unknown {
  // Docket's own errors say what they should, and what branches on their class must find it.
  if (!isError(thrown) || isDocketError(thrown)) return thrown
  const bare = new Error(textOf(readOf(thrown, 'message')))
  define(bare, 'name', textOf(readOf(thrown, 'name')) || 'Error')
  define(bare, 'stack', textOf(readOf(thrown, 'stack')))
  for (const key of kept) {
    const value = readOf(thrown, key)
    if (typeof value === 'number' || typeof value === 'boolean') Object.assign(bare, { [key]: value })
    else if (typeof value === 'string') Object.assign(bare, { [key]: textOf(value) })
  }
  if (depth >= maxDepth) return bare
  const cause = readOf(thrown, 'cause')
  if (isError(cause)) bare.cause = bareErrorOf(cause, depth + 1)
  const members = membersOf(thrown).slice(0, maxMembers)
  if (members.length > 0)
    define(
      bare,
      'errors',
      members.map((member) => bareErrorOf(member, depth + 1)),
    )
  return bare
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : ''
  return text.length <= maxText ? text : `${text.slice(0, maxText)}…`
}
