import type { PlanStep } from '../../core/graph/plan.ts'
import { isRecord } from '../../core/is-record.ts'
import { digest } from '../../core/values/keys.ts'
import type { First } from '../../core/language/race.ts'

/** What came first, of a race that is decided and has no value yet: it is stored in the value's place. */
export function firstOf(stored: unknown): First | undefined {
  if (!isRecord(stored) || typeof stored['port'] !== 'string') return undefined
  return { port: stored['port'], value: stored['value'] }
}

/** The port that won a race which has ended, by the input hash of its record; undefined where that does not say it. */
export function winnerOf({ portNames }: PlanStep, inputHash: string | undefined): string | undefined {
  return inputHash === undefined ? undefined : portNames.find((port) => isHashOfPort(inputHash, port))
}

/** Whether the input hash of a race is that of one which this port has won. */
export function isHashOfPort(hash: string, port: string): boolean {
  return hash.startsWith(markOfPort(port))
}

/** What the input hash of a race begins with. */
export function markOfPort(port: string): string {
  return `${digest(port).slice(0, 8)}.`
}
