import { describeThrown, DocketError, StoreError } from '../../src/core/errors.ts'

export const storeName = 'postgres'

/**
 * SQLSTATEs, or how they begin, after which another try can help: lost connections, serialization failures and deadlocks, too
 * many connections, locks not had in time, statements cancelled by a time limit, a server that shuts down or starts, a primary that has
 * become a standby.
 */
const transientStates = ['08', '40001', '40003', '40P01', '53300', '55P03', '57014', '57P01', '57P02', '57P03', '25006']
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
// What the driver says of broken connections has no code.
const lostConnection = /connection terminated|connection error|timeout|client was closed|connection ended/i

/** What the driver threw, as a StoreError. */
export function postgresError(thrown: unknown): Error {
  if (thrown instanceof DocketError) return thrown
  return new StoreError(storeName, describeThrown(thrown), isTransient(thrown), { cause: thrown })
}

function isTransient(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  // Node tries all addresses of a name, and tells of all.
  if (thrown instanceof AggregateError) return thrown.errors.some(isTransient)
  const code = 'code' in thrown ? thrown.code : undefined
  if (typeof code !== 'string') return lostConnection.test(thrown.message)
  return (
    networkCodes.has(code) || (/^[0-9A-Z]{5}$/.test(code) && transientStates.some((state) => code.startsWith(state)))
  )
}
