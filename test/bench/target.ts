import type { Spread } from './measure.ts'
import type { Result } from './workloads/workload.ts'

/** A promise that the project made about its speed. */
export interface Target {
  /** The one that it is read from. */
  readonly workload: string
  readonly measure: string
  /** At most (or least) this; undefined for what is only reported. */
  readonly must: number | undefined
  readonly goal: number | undefined
  /** Whether more is better. @default false */
  readonly isAtLeast?: boolean
  /** Unit, or `'ratio'`. */
  readonly unit: 'ratio' | 'MB' | 'kB' | 's' | 'ms' | 'runs' | 'a second'
  /** Whether it is left out where nothing was measured for it: part of its workload. @default false */
  readonly isOptional?: boolean
  /** What was measured; undefined if its workload did not run. */
  readonly got: (results: ReadonlyMap<string, Result>) => Spread | undefined
}

/** Whether what was got keeps the promise. */
export function verdictOf({ must, goal, isAtLeast = false }: Target, got: Spread | undefined): string {
  if (got === undefined) return 'not run'
  const keeps = (limit: number): boolean => (isAtLeast ? got.median >= limit : got.median <= limit)
  if (goal !== undefined && keeps(goal)) return 'goal'
  if (must === undefined) return 'reported'
  return keeps(must) ? 'ok' : 'MISSED'
}
