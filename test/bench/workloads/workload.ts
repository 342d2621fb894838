import type { Effort, Series } from '../measure.ts'

/** Something to measure. */
export interface Workload {
  readonly name: string
  readonly title: string
  readonly measure: (effort: Effort, options: { readonly isQuick: boolean }) => Promise<Result>
}

/** What came out. */
export interface Result {
  readonly name: string
  readonly title: string
  /** Measured in the same rounds, so that ratios between them can be taken. */
  readonly series: readonly Series[]
  /** Steps in one run, where that means something. */
  readonly steps?: number | undefined
  /** The contender that the table compares the others with. */
  readonly base?: string | undefined
  readonly notes: readonly string[]
  /** Numbers that are no times: megabytes, say. */
  readonly figures?: Readonly<Record<string, number>>
}
