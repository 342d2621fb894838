import { durationMs, durationText } from './duration.ts'
import type { Duration } from './duration.ts'

/** What limits a queue, as people declare it. */
interface Limits {
  readonly concurrency?: number | { readonly limit: number; readonly key?: boolean | undefined } | undefined
  readonly rate?: { readonly limit: number; readonly per: Duration; readonly burst?: number | undefined } | undefined
}

/** The limits of a queue for people: `4 at once per key, 10 in 1m, a burst of 5`; an empty text where there are none. */
export function limitsText({ concurrency, rate }: Limits): string {
  const limit = typeof concurrency === 'number' ? { limit: concurrency, key: false } : concurrency
  return [
    limit === undefined ? undefined : `${limit.limit} at once${limit.key === true ? ' per key' : ''}`,
    rate === undefined
      ? undefined
      : `${rate.limit} in ${durationText(durationMs(rate.per) ?? 0)}${rate.burst === undefined ? '' : `, a burst of ${rate.burst}`}`,
  ]
    .filter((text) => text !== undefined)
    .join(', ')
}
