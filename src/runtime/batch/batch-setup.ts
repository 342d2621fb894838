import type { EndReport } from '../execution/end-report.ts'
import type { BatchEvent } from '../../../machines/index.ts'
import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { InputError } from '../../core/errors.ts'
import type { ExecutionSetup, ResolvedOptions } from '../execution/execution-setup.ts'
import type { Execution } from '../execution/execution.ts'
import type { UndoStored } from './batch-undoing.ts'
import type { ItemRead } from './item-inputs.ts'
import type { ItemSource } from './item-source.ts'
import type { PersistedExecution } from '../execution/execution-view.ts'
import type { ResultCache } from '../results/result-cache.ts'
import type { Undoings } from '../results/undoings.ts'

/** What became of one item. */
export type ItemOutcome =
  { readonly value: unknown; readonly error?: undefined } | { readonly error: unknown; readonly value?: undefined }

/** What the executions of a batch are given besides; `undefined` for what the items share. */
export interface PartSetups {
  setupOf(item: number | undefined, read: ItemRead | undefined): Partial<ExecutionSetup>
  /** Its execution is about to start. */
  begins(item: number | undefined, execution: Execution): void
}

/** What is known of a batch's parts from an earlier process, and what records what they make; `undefined` for what the items share. */
export interface DurableParts extends PartSetups {
  restoredOf(item: number | undefined): PersistedExecution | undefined
  outcomeOf(item: number): ItemOutcome | undefined
  /** What it ends with, where that is on record already: what it did is undone first. */
  readonly failure: { readonly error: unknown } | undefined
  readonly undo: UndoStored
  /** It is about to end with this error; the first one counts. */
  failing(error: unknown): void
}

/** Sees what a batch goes through, and the executions of its items, as it happens. */
export interface BatchWatcher {
  changed(event: BatchEvent): void
  /** An item's execution is about to start; that of what all items share has no input. */
  began(execution: Execution, input: unknown): void
}

/** Everything that a batch is given. */
export interface BatchSetup {
  readonly plan: BatchPlan
  readonly options: ResolvedOptions
  readonly sharedLeaves: readonly unknown[]
  readonly source: ItemSource
  readonly read: (given: unknown, item: number) => ItemRead | InputError
  readonly concurrency: number
  /** How many items may be open, where that was given. */
  readonly maxOpen?: number | undefined
  /** Whether a failed item leaves the others alone. */
  readonly collects: boolean
  readonly cache: ResultCache | undefined
  /** How often what steps did was undone before. @default never */
  readonly undoings?: Undoings | undefined
  /** Values that were given along for what steps wait for. @default none */
  readonly signals?: PartSetups | undefined
  /** What makes the batch durable. */
  readonly durable?: DurableParts | undefined
  /** Whether a consumer is given the values of items before all have ended. @default false */
  readonly handsOver?: boolean | undefined
  /** Whether the consumer can take the results of further items. */
  readonly hasRoom: () => boolean
  /** Called when all that has begun waits, and when something goes on again; `rests`: none of it for its next attempt. */
  readonly onWaits?: ((waits: boolean, rests: boolean) => void) | undefined
  readonly onItem: (item: number, outcome: ItemOutcome) => void
  /** Of a durable one, nobody has been shown yet how it ended: that is for `report`. */
  readonly onCompleted: (report: EndReport) => void
  readonly onFailed: (error: unknown, report: EndReport) => void
}
