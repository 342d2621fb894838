/** Those who run, or write, the chain of ten. */
export type ContenderName =
  | 'Docket on PostgreSQL'
  | 'Docket on Redis'
  | 'Docket on SQLite, FULL'
  | 'Docket on SQLite, NORMAL'
  | 'Docket on MariaDB'
  | 'Docket in memory'
  | `Docket’s function on ${'PostgreSQL' | 'Redis' | 'SQLite, FULL'}`
  | 'DBOS'
  | 'openworkflow'
  | 'Absurd'
  | 'Effect'
  | 'Restate'
  | 'BullMQ'
  | 'raw PostgreSQL'
  | 'raw Redis'
  | 'raw SQLite, FULL'
  | 'raw SQLite, NORMAL'

/** How much each contender does in a round; what is slow stops when its time is over. */
export interface ChainEffort {
  readonly warmUps: number
  readonly warmUpMs: number
  readonly serialRuns: number
  readonly serialMs: number
  readonly atOnce: number
  readonly concurrentRuns: number
  readonly concurrentMs: number
}

export const fullChain: ChainEffort = {
  warmUps: 30,
  warmUpMs: 1_500,
  serialRuns: 200,
  serialMs: 2_500,
  atOnce: 50,
  concurrentRuns: 1_000,
  concurrentMs: 6_000,
}
export const quickChain: ChainEffort = {
  warmUps: 5,
  warmUpMs: 500,
  serialRuns: 30,
  serialMs: 1_000,
  atOnce: 50,
  concurrentRuns: 300,
  concurrentMs: 2_000,
}

/** What one contender did in one round. */
export interface ChainRound {
  /** Milliseconds of each run, one at a time. */
  readonly latencies: readonly number[]
  /** Wall-clock time over steps, with many at once. */
  readonly msPerStep: number
  readonly runs: number
  readonly writesPerStep: number | undefined
  readonly bytesPerStep: number | undefined
}
