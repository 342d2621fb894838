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
