import { durationHint, durationMs } from '../duration.ts'
import type { Duration } from '../duration.ts'
import type { Backoff } from './policy.ts'

/** Waits the same time before every further attempt. */
export function fixed(delay: Duration): Backoff {
  const backoff: Backoff = () => delay
  shape(backoff, delay)
  if (durationMs(delay) === undefined) mark(backoff, [`delay ${textOf(delay)} is not a duration; ${durationHint}`])
  return backoff
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

/** Waits `initial`, then `initial × factor`, then `initial × factor²` …, at most `max`. `graph()` reports wrong options. */
export function exponential(initial: Duration, options: ExponentialOptions = {}): Backoff {
  const given: unknown = options
  const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given)
  const { factor = 2, max = '30s', jitter = 0 } = isRecord ? options : {}
  const initialMs = durationMs(initial)
  const maxMs = durationMs(max)
  const backoff: Backoff = (attempt, random) => {
    // Not Infinity: no wait at all, times that, would be no number.
    const growth = Math.min(factor ** (attempt - 1), Number.MAX_VALUE)
    const full = Math.min((initialMs ?? 0) * growth, maxMs ?? 0)
    return jitter === 0 ? full : full * (1 - jitter * random())
  }
  const problems = [
    !isRecord && `its options must be an object, not ${textOf(given)}`,
    initialMs === undefined && `initial ${textOf(initial)} is not a duration; ${durationHint}`,
    maxMs === undefined && `max ${textOf(max)} is not a duration; ${durationHint}`,
    !(Number.isFinite(factor) && factor >= 1) && `factor must be a number of at least 1, not ${textOf(factor)}`,
    !(Number.isFinite(jitter) && jitter >= 0 && jitter <= 1) &&
      `jitter must be a number from 0 to 1, not ${textOf(jitter)}`,
    ...Object.keys(isRecord ? options : {})
      .filter((key) => key !== 'factor' && key !== 'max' && key !== 'jitter')
      .map((key) => `unknown option "${key}"; known are factor, max, jitter`),
  ].filter((problem) => problem !== false)
  if (problems.length > 0) mark(backoff, problems)
  shape(backoff, { exponential: initial, ...(isRecord ? options : {}) })
  return backoff
}

/** Never throws, whatever it is given: declarations don't. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** A backoff as data, for what is stored: a duration, or what `exponential` was given. */
export type BackoffShape = Duration | ({ readonly exponential: Duration } & ExponentialOptions)

const shapeKey = Symbol.for('docket.backoffShape')

function shape(backoff: Backoff, of: BackoffShape): void {
  Object.defineProperty(backoff, shapeKey, { value: of })
}

/** The same backoff as data; undefined for a function that neither `fixed` nor `exponential` made. */
export function shapeOfBackoff(backoff: Backoff | Duration): BackoffShape | undefined {
  return typeof backoff === 'function' ? (Reflect.get(backoff, shapeKey) as BackoffShape | undefined) : backoff
}

/** Makes a backoff of its shape. */
export function backoffOfShape(of: BackoffShape): Backoff | Duration {
  if (typeof of !== 'object') return of
  const { exponential: initial, ...options } = of
  return exponential(initial, options)
}

/** Where a backoff holds what is wrong with it: the same key in every copy of the package. */
const problemsKey = Symbol.for('docket.backoffProblems')

function mark(backoff: Backoff, problems: readonly string[]): void {
  Object.defineProperty(backoff, problemsKey, { value: problems })
}

/** What is wrong with a backoff made by `exponential`, for the graph to report: declarations themselves never throw. */
export function problemsOfBackoff(backoff: Backoff): readonly string[] {
  const problems: unknown = Reflect.get(backoff, problemsKey)
  return Array.isArray(problems) ? (problems as string[]) : []
}
