import type { Message } from '../../core/contracts/message.ts'
import type { HarmlessInspector } from '../../runtime/actors/inspector.ts'
import type { BatchFrame } from '../../runtime/batch/batch-options.ts'
import type { ExecutionSetup } from '../../runtime/execution/execution-setup.ts'
import type { ItemRead } from '../../runtime/batch/item-inputs.ts'
import type { KeyNames } from '../../runtime/steps/key-names.ts'
import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { Owned } from './owned.ts'
import type { OwnershipRight } from './ownership-right.ts'
import type { RestoredBatch } from '../records/restore-batch.ts'
import type { StepPages } from '../records/step-pages.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { HeldEvents } from './event-waits.ts'
import type { ReadMove } from './timer-mail.ts'

/** What a batch that lives here is made of. */
export interface OwnedBatchParts {
  readonly connection: StoreConnection
  readonly frame: BatchFrame
  readonly items: readonly unknown[]
  /** The items' names in the records. */
  readonly keys: readonly string[]
  /** Where each chunk of items ends, of those that are still to be written. */
  readonly chunkEnds?: readonly number[] | undefined
  /** The items read and checked, where that was done before. */
  readonly reads?: readonly ItemRead[] | undefined
  readonly requestDigest: string
  readonly setup: Pick<ExecutionSetup, 'shared' | 'persistOf' | 'children' | 'limits'>
  readonly right: OwnershipRight
  readonly startedAt: number | undefined
  readonly restored: RestoredBatch | undefined
  /** What came by mail before it lives here. */
  readonly mail?: readonly Message[] | undefined
  /** The records of its steps, as they are now. */
  readonly pages: StepPages
  /** What it ends with, once what it did is undone. @default that is not decided */
  readonly failure?: { readonly error: unknown } | undefined
  /** Which life of the batch it is; a retry begins another one. @default 1 */
  readonly life?: number | undefined
  /** Names that keys of attempts are made of. @default what graph and steps were called first */
  readonly keyNames?: KeyNames | undefined
  /** Whether the target is stored under a former name: then what a step writes is not found by its type. @default false */
  readonly hasFormerTarget?: boolean
  /** Sees the batch and the executions of its items as actors, from the beginning. */
  readonly inspect: HarmlessInspector | undefined
  /** The record's deadline, once it has begun; undefined where that changes nothing. */
  readonly deadlineOnceBegun?: ((startedAt: number) => number | undefined) | undefined
  /** Called when the store knows a newer owner or epoch. */
  readonly onRefused: () => void
  /** When it is parked that only waits, in milliseconds. @default never */
  readonly parkMs: number | undefined
  /** It is parked: whoever follows it here, in this async context, is remembered. */
  readonly onParked: (callers: AsyncContext) => void
  /** A message to it has come that was not read. */
  readonly onUnread: () => void
  /** It is on record that all of it waits. */
  readonly onRest: () => void
  readonly onGone: (gone: Owned) => void
  /** Times that timers were given before it lives here. */
  readonly moves?: readonly ReadMove[] | undefined
  /** What has come of the events that its steps waited for. */
  readonly held?: HeldEvents | undefined
}
