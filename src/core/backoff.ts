import { durationMs } from './duration.ts'
import type { Duration } from './duration.ts'
import type { Backoff } from './policy.ts'

/** Waits the same time before every further attempt. */
export function fixed(delay: Duration): Backoff {
  return () => delay
}

/** Shape of an exponential backoff. */
export interface ExponentialOptions {
  /** What each wait is multiplied with to get the next. @default 2 */
  readonly factor?: number
  /** No wait is longer than this. @default '30s' */
  readonly max?: Duration
  /** Share of each wait that is random, from 0 (none) to 1 (full jitter). @default 0 */
  readonly jitter?: number
}

/** Waits `initial`, then `initial × factor`, then `initial × factor²` …, at most `max`. Wrong options are told by `graph()`. */
export function exponential(initial: Duration, options: ExponentialOptions = {}): Backoff {
  const { factor = 2, max = '30s', jitter = 0 } = options
  const initialMs = durationMs(initial)
  const maxMs = durationMs(max)
  const backoff: Backoff = (attempt, random) => {
    const full = Math.min((initialMs ?? 0) * factor ** (attempt - 1), maxMs ?? 0)
    return jitter === 0 ? full : full * (1 - jitter * random())
  }
  const problems = [
    initialMs === undefined && `initial ${JSON.stringify(initial)} is not a duration`,
    maxMs === undefined && `max ${JSON.stringify(max)} is not a duration`,
    !(factor >= 1 && Number.isFinite(factor)) && `factor must be at least 1, not ${factor}`,
    !(jitter >= 0 && jitter <= 1) && `jitter must be from 0 to 1, not ${jitter}`,
    ...Object.keys(options)
      .filter((key) => key !== 'factor' && key !== 'max' && key !== 'jitter')
      .map((key) => `unknown option "${key}"; known are factor, max, jitter`),
  ].filter((problem) => problem !== false)
  if (problems.length > 0) backoffProblems.set(backoff, problems)
  return backoff
}

const backoffProblems = new WeakMap<Backoff, readonly string[]>()

/** What is wrong with a backoff made by `exponential`, for the graph to tell: declarations themselves never throw. */
export function problemsOfBackoff(backoff: Backoff): readonly string[] {
  return backoffProblems.get(backoff) ?? []
}
