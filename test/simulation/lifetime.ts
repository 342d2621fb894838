import type { Life } from './life.ts'

/** How long an execution may take, in milliseconds: until it begins, and from then on. */
export interface Lifetime {
  readonly maxPending?: number | undefined
  readonly maxRunning?: number | undefined
}

/** When an execution is at its end by its `maxPending` or its `maxRunning`; undefined where it has none. */
export function latestEndOf(
  { createdAt, startAt = createdAt, startedAt }: Life,
  { maxPending, maxRunning }: Lifetime = {},
  isPending = startedAt === undefined,
): number | undefined {
  const since = isPending ? Math.max(createdAt, startAt) : startedAt
  const limitMs = isPending ? maxPending : maxRunning
  return since === undefined || limitMs === undefined ? undefined : since + limitMs
}

// As long as an answer takes at the most.
const answerMs = 2_000

/**
 * When its time is over, by its record. What is created as begun, or is begun anew, begins once its owner knows that this is on record, however long the store took:
 * its record has the time of the call until its owner commits something. `wokeAt`: when the owner went on that had been stopped.
 */
export function deadlineOf(life: Life, lifetime: Lifetime | undefined, wokeAt: number): number | undefined {
  const { deadline, startedAt, startNotedAt } = life
  if (startedAt === undefined || deadline === undefined || deadline !== latestEndOf(life, lifetime)) return deadline
  return latestEndOf({ ...life, startedAt: Math.max(startedAt, startNotedAt + answerMs, wokeAt) }, lifetime)
}
