import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import type { HarmlessInspector } from '../../runtime/actors/inspector.ts'
import type { ExecutionSetup, ResolvedOptions } from '../../runtime/execution/execution-setup.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'
import type { HeldEvents } from './event-waits.ts'
import type { Beginning } from './beginning.ts'
import type { OwnershipRight } from './ownership-right.ts'
import type { RestoredExecution } from '../records/restore-execution.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { ReadMove } from './timer-mail.ts'
import type { Owned } from './owned.ts'

/** What an execution that lives here is made of. */
export interface OwnedExecutionParts extends Beginning {
  readonly connection: StoreConnection
  readonly given: GivenInputs
  /** The inputs as the caller gave them. */
  readonly input: unknown
  readonly requestDigest: string
  readonly options: ResolvedOptions & { readonly id: string }
  readonly setup: Pick<ExecutionSetup, 'shared' | 'persistOf' | 'children' | 'emit' | 'limits'>
  readonly right: OwnershipRight
  /** When it began in an earlier life. */
  readonly startedAt: number | undefined
  readonly restored: RestoredExecution | undefined
  /** Sees the execution and its steps as actors, from the beginning. */
  readonly inspect: HarmlessInspector | undefined
  /** Steps that were recorded with it, as begun. */
  readonly begun?: readonly StepRecord[]
  /** Values that came with the start, for what steps wait for. */
  readonly signals?: Readonly<Record<string, unknown>> | undefined
  /** What has come of the events that its steps waited for. */
  readonly held?: HeldEvents | undefined
  /** What came by mail before it lives here. */
  readonly mail?: readonly Message[] | undefined
  /** Times that timers were given before. */
  readonly moves?: readonly ReadMove[] | undefined
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
  /** Called once nothing of it is left here. */
  readonly onGone: (gone: Owned) => void
}
