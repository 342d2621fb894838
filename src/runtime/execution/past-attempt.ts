/** One try of a step. Times are milliseconds since the epoch. */
export interface PastAttempt {
  /** Which try it is, from 1. */
  readonly attempt: number
  /** When it began. */
  readonly startedAt: number
  /** When it ended; undefined while it runs, and for one that died with its process. */
  readonly endedAt: number | undefined
  /** The process that made it, where that is known. */
  readonly owner: string | undefined
  /** What it failed with. */
  readonly error: unknown
}

/** So many of a step's last attempts are kept. */
export const mostAttempts = 25
