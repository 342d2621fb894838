import type { Plan } from '../../core/graph/plan.ts'
import { Execution } from '../execution/execution.ts'
import type { ResolvedOptions } from '../execution/execution-setup.ts'
import type { BatchPart } from '../execution/part.ts'
import type { BatchSetup, PartSetups } from './batch-setup.ts'

/** What the execution of what all items share needs of its batch. */
export interface SharingHost {
  readonly itemOptions: ResolvedOptions
  readonly isOver: boolean
  readonly intake: Pick<BatchPart, 'caller'>
  readonly waits: BatchPart['waits']
  readonly failed: number
  fail(error: unknown): void
  onFailing(error: unknown): void
}

/** Where the values go that all items share, and what they did. */
interface SharedTarget {
  undoLater(): boolean
  put(slot: number, outcome: { readonly value: unknown } | { readonly error: unknown }): void
}

/** The execution of what all items share. */
export function sharedPartOf(
  host: SharingHost,
  { cache, undoings }: Pick<BatchSetup, 'cache' | 'undoings'>,
  { shared, whole }: { readonly shared: Plan; readonly whole: Plan },
  parts: PartSetups | undefined,
  target: SharedTarget,
): Execution {
  return new Execution({
    plan: shared,
    options: host.itemOptions,
    cache,
    undoings,
    onCompleted: () => {},
    onFailed: (error) => host.fail(error),
    ...parts?.setupOf(undefined, undefined),
    part: {
      item: undefined,
      admission: undefined,
      caller: host.intake.caller,
      whole,
      waits: host.waits,
      hasEnded: () => host.isOver,
      failedItems: () => host.failed,
      undoLater: () => target.undoLater(),
      onFailing: (error) => host.onFailing(error),
      onFilled: (slot, value) => target.put(slot, { value }),
      onDenied: (slot, error) => target.put(slot, { error }),
    },
  })
}
