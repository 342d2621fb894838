import type { Snapshot } from 'xstate'
import type { HeadChange } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import type { ExecutionReleased } from '../../core/contracts/events.ts'
import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { ExecutionCancelledError } from '../../core/errors.ts'
import type { ExecutionActor, LogicScope } from '../../runtime/actors/execution-actor.ts'
import type { ExecutionActorRef } from '../../runtime/actors/execution-logic.ts'
import type { LiveBatch } from '../records/batch-info.ts'
import type { LiveSteps } from '../records/live-steps.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { CancelReason } from '../../runtime/execution/end-reason.ts'
import type { EventWaits } from './event-waits.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { Suspect } from './likely-blocker.ts'

/** How an execution left this process: with its outcome, or for another process to go on with. */
export type Departure =
  | { readonly type: 'output'; readonly output: unknown }
  | { readonly type: 'error'; readonly error: unknown }
  | { readonly type: 'moved'; readonly error: CancelReason }

/** Why an execution is given up that has not ended, and what its steps are stopped with. */
export interface Release {
  readonly cause: ExecutionReleased['cause']
  readonly reason: CancelReason
  /** What is written besides. */
  readonly head?: HeadChange
}

/** An end that is not written yet. */
export interface UnwrittenEnd {
  readonly status: 'failed' | 'cancelled'
  /** What the store said when it refused every record of it; undefined before it has. */
  readonly refusal: unknown
}

/** An execution or a batch that this process owns. */
export interface Owned {
  /** By when a batch must have ended, and so the children of its items; of an execution, see its options. */
  readonly deadline?: number | undefined
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly requestDigest: string
  /** The right under which it lives here. */
  readonly owner: string
  readonly epoch: number
  /** Undefined for a batch. */
  readonly actor: ExecutionActorRef | undefined
  /** Shows it as another actor too, one of the user's, until the mirror leaves. Undefined for a batch. */
  mirrorIn?(scope: LogicScope): ExecutionActor
  readonly emitter: Emitter | undefined
  /** What is written of it, which consumes its messages. */
  readonly commits: Pick<
    ExecutionCommits,
    | 'consume'
    | 'consumeWithEnd'
    | 'deleteWithEnd'
    | 'isDeleted'
    | 'isOpen'
    | 'onWritten'
    | 'parking'
    | 'createdAt'
    | 'place'
    | 'right'
    | 'write'
  >
  /** A message to it was read, whatever it says. */
  messageRead(message: Message): void
  /** The events that it waits for; undefined where no step of it waits for one. */
  readonly events: Pick<EventWaits, 'take'> | undefined
  /** A message that brings a value which a step waits for. */
  takeSignal(message: Message): void
  /** A message that gives a timer another time. */
  moveTimer(message: Message): void
  /** The caller's, by which it ends. */
  readonly signal: AbortSignal | undefined
  /** Whether it has ended, and only waits for functions that don't listen to their signal. */
  readonly hasEnded: boolean
  /** Whether its outcome is written, or it is given up. */
  readonly hasDeparted: boolean
  /** Whether the store is deciding on its parking: what comes to it here meanwhile may be lost with it. */
  readonly isBeingParked: boolean
  /** How it has ended, for as long as that is not written. */
  readonly unwrittenEnd: UnwrittenEnd | undefined
  /** Whether nothing of it runs at the moment. */
  readonly isQuiet: boolean
  /** Whether nothing runs of it any more, nor will: its end is on its way to the store. Never of a batch. */
  readonly isEnding: boolean
  /** Resolves when it begins to be so; undefined for a batch. */
  readonly ending: Promise<void> | undefined
  /** Of a batch: resolves when its items are written, and rejects when they can't be. */
  readonly written?: Promise<void>
  /** How it ended, as soon as that is written. Never rejects. */
  readonly departure: Promise<Departure>
  /** Rejects with what it will end with, once its caller's own signal or time has ended it, and what it did is still undone. Undefined where nothing is. */
  readonly callerLeft?: Promise<never> | undefined
  /** Resolves once what the losers of its races did is undone, or goes on elsewhere; undefined where nothing of that is left at its end. */
  readonly rest?: Promise<void> | undefined
  /** Resolves when nothing of it is left here. */
  readonly gone: Promise<void>
  /** Its steps as they are at this moment; undefined for a batch. */
  readonly liveSteps: LiveSteps | undefined
  /** How many items a batch has, and what runs for each of them; undefined for an execution. */
  readonly batchShape?: { readonly total: number; readonly plan: BatchPlan } | undefined
  /** The items of a batch that are under way, and their steps; undefined for an execution. */
  readonly liveBatch: LiveBatch | undefined
  /** The step that began last of those that were under way when, so long ago, the event loop stopped turning. */
  suspect(durationMs: number): Suspect | undefined
  /** Ends it, by request. */
  cancel(error: ExecutionCancelledError): void
  /**
   * Another process owns it: nothing is written any more, and the signals of what runs are aborted. `cause` is what kept this one from renewing
   * its lease, where that is known.
   */
  lose(cause?: unknown): void
  /** Writes how long it has been owned, where a timeout counts that. */
  writeOwnedMs(): void
  /** The docket closes: without `drain`, nothing new begins; what fails because the docket is closed is handed over at once. */
  beginClosing(release: Release, drain: boolean): void
  /** Whether something of it may happen here before that time: one that only waits for a later attempt can wait elsewhere. */
  hasWorkBefore(at: number): boolean
  /** Of one that is not started here: the snapshot to go on from. Undefined for a batch. */
  detachedSnapshot?(): Snapshot<unknown>
  /**
   * Gives it up for good, with what the release writes, and gives the snapshot to go on from. `requireFree` rejects where something keeps it: nothing that would begins
   * after it is called. Undefined for a batch.
   * @throws ExecutionConflictError where it has ended meanwhile, LeaseLostError, StoreError; what `requireFree` rejects with
   */
  detach?(release: Release, requireFree: () => Promise<void>): Promise<Snapshot<unknown>>
  /** Pends while it is to be detached: no child of it begins before that is settled. @default undefined */
  readonly detaching?: Promise<void> | undefined
  /** A child of it is on its way to the store: it is not detached before that is there. Undefined for a batch. */
  childBegins?(starting: Promise<unknown>): void
  /** Gives it up, for any process to go on with. */
  handOver(release: Release): Promise<void>
}
