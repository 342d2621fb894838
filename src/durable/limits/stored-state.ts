import type { SharedState } from '../../core/contracts/shared-state.ts'
import { isRecord } from '../../core/is-record.ts'
import type { LimitDeclaration, LimitPlace, LimitState, LimitWaiter } from './limit-state.ts'

/** What is stored of a limit; undefined for what is none, as where somebody has changed it: that is written anew. */
export function stateOf(found: SharedState | undefined): LimitState | undefined {
  if (found === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(found.state)
    return isState(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function isState(value: unknown): value is LimitState {
  if (!isRecord(value)) return false
  const { declared, holders, waiters, nextAt } = value
  return isDeclaration(declared) && areAll(holders, isPlace) && areAll(waiters, isWaiter) && Number.isFinite(nextAt)
}

function isDeclaration(value: unknown): value is LimitDeclaration {
  if (!isRecord(value)) return false
  const { limit, perMs, burst, version, at } = value
  const isPeriod = perMs === undefined || isPositive(perMs)
  return isPositive(limit) && isPositive(burst) && isPeriod && Number.isFinite(version) && Number.isFinite(at)
}

function isPlace(value: unknown): value is LimitPlace {
  return isRecord(value) && [value['execution'], value['item'], value['owner']].every((one) => typeof one === 'string')
}

function isWaiter(value: unknown): value is LimitWaiter {
  return isPlace(value) && Number.isFinite((value as Partial<LimitWaiter>).since)
}

function areAll(values: unknown, is: (value: unknown) => boolean): boolean {
  return Array.isArray(values) && values.every((value) => is(value))
}

function isPositive(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) > 0
}
