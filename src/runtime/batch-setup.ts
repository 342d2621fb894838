import type { BatchPlan } from '../core/batch-plan.ts'
import type { InputError } from '../core/errors.ts'
import type { ResolvedOptions } from './execution-setup.ts'
import type { ItemRead } from './item-inputs.ts'
import type { ItemSource } from './item-source.ts'
import type { ResultCache } from './result-cache.ts'

/** What became of one item. */
export type ItemOutcome =
  { readonly value: unknown; readonly error?: undefined } | { readonly error: unknown; readonly value?: undefined }

/** Everything that a batch is given. */
export interface BatchSetup {
  readonly plan: BatchPlan
  readonly options: ResolvedOptions
  readonly sharedLeaves: readonly unknown[]
  readonly source: ItemSource
  readonly read: (given: unknown, item: number) => ItemRead | InputError
  readonly concurrency: number
  /** Whether a failed item leaves the others alone. */
  readonly collects: boolean
  readonly cache: ResultCache
  /** Whether the consumer can take the results of further items. */
  readonly hasRoom: () => boolean
  readonly onItem: (item: number, outcome: ItemOutcome) => void
  readonly onCompleted: () => void
  readonly onFailed: (error: unknown) => void
}
