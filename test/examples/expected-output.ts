/** What an example prints: the text itself, or the text with what differs from run to run made the same. */
export interface ExpectedOutput {
  readonly text: string
  readonly mask?: (output: string) => string
  /** Whether its first process is killed in the middle and a second one goes on; `text` is what both print. */
  readonly isRunTwice?: true
  /** What it needs; the variable is named like it: `REDIS_URL`. */
  readonly server?: 'postgres' | 'mysql' | 'redis'
}
