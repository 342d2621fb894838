import type { Duration } from '../duration.ts'
import type { Logger } from '../contracts/logger.ts'
import type { RetryPolicy } from './policy.ts'

/** What a step's `compensate` gets besides the output. */
export interface CompensateContext<Inputs = unknown, App = unknown> {
  /** What the step's `run` was given. */
  readonly inputs: Inputs
  /**
   * Whether nobody knows what the step has done: an attempt timed out, or was stopped and did not answer in time. The output is `undefined`
   * then, and the compensation must bear with nothing to undo. Look with `stepIdempotencyKey`.
   */
  readonly isUncertain: boolean
  /** What the execution ends with: why all is undone. */
  readonly reason: unknown
  /** Aborted when this attempt of the compensation times out; what ended the execution does not abort it. */
  readonly signal: AbortSignal
  /** This try of the compensation, from 1. */
  readonly attempt: number
  /** The execution's id. */
  readonly executionId: string
  /** The step's `name`. */
  readonly stepName: string
  /** Index of the batch's item; undefined outside batches and in steps that run once for the whole batch. */
  readonly item: number | undefined
  /** Stable over the attempts of this compensation. */
  readonly idempotencyKey: string
  /** The `idempotencyKey` that the step's own attempts had. */
  readonly stepIdempotencyKey: string
  /** Headers that the caller gave. */
  readonly headers: Readonly<Record<string, string>>
  /** What the call, or the docket, was given as `app`: as it is, and the same for all steps. */
  readonly app: App
  /** A logger bound to execution id, step and attempt; silent when none was given. */
  readonly log: Logger
}

/** Undoes what a step did; may be async. */
export type Compensate<Output, Inputs, App = unknown> = (
  output: Output | undefined,
  context: CompensateContext<Inputs, App>,
) => unknown

/** How what a step did is undone. None of the step's own policies holds for it, nor any of the graph's. */
export interface CompensatePolicy<Output, Inputs, App = unknown> {
  /** Undoes it; may be async. */
  readonly run: Compensate<Output, Inputs, App>
  /** How often that is tried. @default once */
  readonly retry?: RetryPolicy | undefined
  /** How long one attempt may take. @default no limit */
  readonly timeout?: Duration | undefined
  /** How long an attempt of the step is waited for that still runs when the execution ends; then what it did is uncertain. @default '10s' */
  readonly wait?: Duration | undefined
}
