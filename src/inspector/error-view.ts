import { errorChain } from '../core/error-chain.ts'
import type { ErrorView } from './protocol.ts'

const mostCauses = 10

/** What a person needs of something that was thrown; undefined where there is nothing. */
export function errorViewOf(thrown: unknown, withCauses = false): ErrorView | undefined {
  const [head, ...causes] = errorChain(thrown, { most: withCauses ? 1 + mostCauses : 1, longest: 500 })
  return head && { ...head, ...(causes.length > 0 && { causes }) }
}
