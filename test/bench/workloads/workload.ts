import type { BenchServers } from '../durable/bench-servers.ts'
import type { Effort, Series } from '../measure.ts'

/** Something to measure. */
export interface Workload {
  readonly name: string
  readonly title: string
  readonly measure: (effort: Effort, options: MeasureOptions) => Promise<Result>
}

/** What a workload may use. */
export interface MeasureOptions {
  readonly isQuick: boolean
  /** Started when somebody asks for them. */
  readonly servers: BenchServers
  /** How many executions a store holds that have ended, where that is what is measured. */
  readonly size?: number | undefined
  /** On which stores, where there are several. @default all */
  readonly stores?: readonly string[] | undefined
  /** What is measured, where that takes long and can be had apart. @default all of it */
  readonly parts?: readonly string[] | undefined
}

/** Cells by row, the head first. */
export type TableRows = readonly (readonly string[])[]

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
  /** More of what was measured, by what it is: milliseconds a run (or whatever the name says), for each round. */
  readonly measures?: Readonly<Record<string, readonly Series[]>>
  /** More to print. */
  readonly tables?: readonly TableRows[]
  readonly notes: readonly string[]
  /** Numbers that are no times: megabytes, say. */
  readonly figures?: Readonly<Record<string, number>>
}
