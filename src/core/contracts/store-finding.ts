/** What a look at a store's server has found. */
export interface StoreFinding {
  /** What was looked at: stable, for programs. */
  readonly check: string
  /** `good`: as it should be. `warning`: it works, and may not some day. `problem`: executions may be lost, or stand still. */
  readonly level: 'good' | 'warning' | 'problem'
  /** What it is, and what to do where it is not good. */
  readonly text: string
}
