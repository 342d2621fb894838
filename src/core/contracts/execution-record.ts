import type { CheckpointRecord, DroppedCheckpoints } from './checkpoint-record.ts'
import type { Receipt } from './message.ts'
import type { OutgoingMessage } from './outbox.ts'
import type { ExecutionStatus, StepStatus } from './statuses.ts'
import type { StoredValue } from './stored-value.ts'

/** One run of a plan. Times are milliseconds since the epoch, by the store's clock where it has one. */
export interface ExecutionRecord {
  /** Unique within the store. */
  readonly id: string
  /** Whether it makes one target, or one for each of many items. */
  readonly kind: 'execution' | 'batch'
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** Where it is in its life. */
  readonly status: ExecutionStatus
  /** Digest of target and inputs: the same id with another one is a conflict. */
  readonly requestDigest: string
  /** The inputs and overrides that it was started with. */
  readonly inputs: StoredValue
  /** The target's value, once completed. */
  readonly output: StoredValue | undefined
  /** What it failed with, or was cancelled by. */
  readonly error: StoredValue | undefined
  /** The stable code of that error, by which it is found; undefined where it has none. */
  readonly errorCode: string | undefined
  /** What the caller gave as `headers`. */
  readonly headers: Readonly<Record<string, string>>
  /** Digest of the graph's declaration when the execution was created or last resumed. */
  readonly graphHash: string
  /** Version of the records and life cycles that wrote it. */
  readonly machineVersion: number
  /** The execution of which this one is a child: one of its steps has begun it. */
  readonly parent: string | undefined
  /** The execution that this one was forked from. */
  readonly forkedFrom: string | undefined
  /** Takes the place of the graph's timeout. */
  readonly timeoutMs: number | undefined
  /** It ends then at the latest, in whatever process it runs. */
  readonly deadline: number | undefined
  /** The queue from which processes acquire it. */
  readonly queue: string
  /** Within its queue and key, higher ones begin first: a whole number. */
  readonly priority: number
  /** Executions of a queue with different keys begin in turn; empty where it has none. */
  readonly key: string
  /** It does not begin before. */
  readonly startAt: number | undefined
  /** The process that has, or last had, the right to run it; undefined while none has. */
  readonly owner: string | undefined
  /** Grows by one with each acquisition; every write names it. */
  readonly epoch: number
  /** Acquisitions from a dead owner since the last step was completed. */
  readonly recoveries: number
  /** How long living processes have owned it, but for the time in which it only waited, as of the last commit that said so. */
  readonly ownedMs: number
  /** When it was started by a caller. */
  readonly createdAt: number
  /** When a process began it first. */
  readonly startedAt: number | undefined
  /** When it was written last. */
  readonly updatedAt: number
  /** When it completed, failed or was cancelled. */
  readonly endedAt: number | undefined
  /** Since when it has been parked: nobody owns it, and nobody looks at it before it is due or gets a message. Undefined while it is not. */
  readonly parkedAt: number | undefined
  /** When it is due, while it is parked; undefined where it waits for messages alone. */
  readonly dueAt: number | undefined
  /** What it waits for, while it is parked, for people. */
  readonly waitsFor: StoredValue | undefined
}

/**
 * What an execution begins with: epoch 1 with an owner or 0 without one; status `running` if it has a start (its owner begins it at
 * once), `pending` if not. One without an owner that does not begin before a time is parked until then.
 */
export interface NewExecution extends Pick<
  ExecutionRecord,
  | 'id'
  | 'kind'
  | 'graph'
  | 'target'
  | 'requestDigest'
  | 'inputs'
  | 'headers'
  | 'graphHash'
  | 'machineVersion'
  | 'parent'
  | 'forkedFrom'
  | 'timeoutMs'
  | 'deadline'
  | 'queue'
  | 'priority'
  | 'key'
  | 'startAt'
  | 'owner'
  | 'createdAt'
  | 'startedAt'
> {
  /** The number of the call by which its owner creates it, as of commits: what the owner sent to a former execution of this id, and comes later, is refused. @default 0 */
  readonly sequence?: number | undefined
  /** Steps that its owner begins with it: written where it is created, and not where it was there. */
  readonly steps?: readonly StepRecord[]
  /** What it goes on from beside them, as a fork does. */
  readonly checkpoints?: readonly CheckpointRecord[]
}

/** What is remembered of one step of one execution, or of one item of a batch. */
export interface StepRecord {
  /** The step's name. */
  readonly step: string
  /** Key of the batch's item; empty outside batches. */
  readonly item: string
  /** Where it is in its life. */
  readonly status: StepStatus
  /** The current or last attempt; 0 before the first. */
  readonly attempt: number
  /** Digest of its inputs, where it was computed. */
  readonly inputHash: string | undefined
  /** Name of the output's data type. */
  readonly type: string
  /** The declared version of that type, if there is one. */
  readonly typeVersion: string | undefined
  /** Its value, once completed or cached; of a race that is decided and has not ended, what came first, as `{ port, value }`. */
  readonly output: StoredValue | undefined
  /** What its last attempt failed with. */
  readonly error: StoredValue | undefined
  /** Its last attempts, of a step that was tried more than once: see `src/durable/records/attempt-history.ts`. */
  readonly attempts: StoredValue | undefined
  /** When its inputs were there, where it began later than that: it had to wait for a slot, or for an equal call. */
  readonly queuedAt: number | undefined
  /** When its first attempt began. */
  readonly startedAt: number | undefined
  /** When it ended. */
  readonly endedAt: number | undefined
  /** When the next attempt is due, while retrying; what it waits for, while waiting. */
  readonly dueAt: number | undefined
}

/** Writes to one execution, all of them or none: only while `owner` and `epoch` are still the record's, and nothing was written there that was sent later. */
export interface ExecutionCommit {
  /** The execution's id. */
  readonly id: string
  /** The process that writes. */
  readonly owner: string
  /** The epoch in which it owns the execution. */
  readonly epoch: number
  /**
   * A number that grows with each call by which this process writes, also where it sends the same again. An execution keeps the last one of its present epoch, and
   * refuses a commit with a lower one: it belongs to a call that was given up, and is carried out late. @default 0
   */
  readonly sequence?: number | undefined
  /** When, in milliseconds since the epoch. */
  readonly at: number
  /**
   * Records by step and item; one that is there already is replaced. What is completed stays, whatever comes late: a record whose
   * status is `completed` or `cached` is replaced only by one that is completed or cached too. A record whose type is '' stands for
   * none (a migration left the step out): it replaces any, and any replaces it.
   */
  readonly steps: readonly StepRecord[]
  /** What changes of the execution itself; absent fields stay as they are. */
  readonly head?: HeadChange | undefined
  /** Numbers of the messages that take effect with it: they are read no more. What is not there, or no more, is no matter. */
  readonly consumed?: readonly number[] | undefined
  /** Slots of messages that nothing waits for any more: those that are free are closed, and what is posted there later is late. */
  readonly closedSlots?: readonly string[] | undefined
  /**
   * Slots that are free again, whether they were taken or closed. One that a message holds which is still there, and is not consumed with it, stays taken: the
   * commit comes once more, since its answer was lost, and the message took the slot after the first time.
   */
  readonly openedSlots?: readonly string[] | undefined
  /** What was remembered of messages in another store; what is remembered here already stays. Only moves write it. */
  readonly receipts?: readonly Receipt[] | undefined
  /** Messages to other executions that it causes: kept from then on until they are confirmed, whatever becomes of this execution. */
  readonly outgoing?: readonly OutgoingMessage[] | undefined
  /** Checkpoints that it writes; one that is there already under its name is replaced. */
  readonly checkpoints?: readonly CheckpointRecord[] | undefined
  /** Checkpoints that it takes away, before those are written. */
  readonly droppedCheckpoints?: readonly DroppedCheckpoints[] | undefined
  /** Names of answers to updates among its checkpoints that somebody in another process may wait for: a store that sends hints announces each, once it is written. @default none */
  readonly awaited?: readonly string[] | undefined
  /** Gives the execution up until something happens to it. Such a commit goes alone. */
  readonly park?: Parking | undefined
}

/** What says whose an execution is, and that nothing was written there later. */
export type ExecutionFence = Pick<ExecutionCommit, 'id' | 'owner' | 'epoch' | 'sequence'>

/** Nothing of an execution can go on before a time, or before a message comes. */
export interface Parking {
  /** The last message that was read. If there is a later one, nothing of the commit is written: it is `unread`. */
  readonly lastSeq: number
  /** When it goes on at the latest, in milliseconds since the epoch, by the store's clock. @default when a message comes */
  readonly dueAt?: number | undefined
  /** What it waits for, for people. */
  readonly waitsFor: StoredValue
}

/** What a commit changes of an execution itself. Absent fields stay as they are. */
export interface HeadChange {
  /** Where it is in its life. */
  readonly status?: ExecutionStatus
  /** The inputs, changed by a migration. */
  readonly inputs?: StoredValue
  /** The target's value; `undefined` takes it away. */
  readonly output?: StoredValue | undefined
  /** What ended it; `undefined` takes it away. */
  readonly error?: StoredValue | undefined
  /** The code of that, changed together with it. */
  readonly errorCode?: string | undefined
  /** Digest of the graph that goes on with it. */
  readonly graphHash?: string
  /** Version of what goes on with it. */
  readonly machineVersion?: number
  /** When it began. */
  readonly startedAt?: number
  /** When it ends at the latest; `undefined` takes it away. */
  readonly deadline?: number | undefined
  /** `undefined` takes it away: an execution that failed goes on. */
  readonly endedAt?: number | undefined
  /** How long living processes have owned it so far. */
  readonly ownedMs?: number
  /** Acquisitions from a dead owner since the last step was completed. */
  readonly recoveries?: number
  /** Gives the execution up: it has no owner any more, and any process may acquire it. The epoch stays. */
  readonly isReleased?: true
}

/** Which executions a process wants to own. */
export interface AcquireRequest {
  /** The process that wants them. */
  readonly owner: string
  /** The number of this call, as of commits: with it the new epoch begins. Of its own the caller gets only what was not written later than that. @default 0 */
  readonly sequence?: number | undefined
  /** These, whatever their graph, their queue and what limits it; else any of `graphs` in `queue`. */
  readonly ids?: readonly string[]
  /** Names of the graphs that it has. */
  readonly graphs?: readonly string[]
  /**
   * Only what is in this queue, as far as its state lets: nothing while it is paused, and no more than its limits leave, judged in one operation
   * with the taking. First what has begun or had an owner, by age; then of each key in turn what is still to begin, within a key by priority, then
   * age. Only with `graphs`. @default 'default'
   */
  readonly queue?: string
  /** The key whose turn was last: the next ones are of the keys behind it, then of the first ones again. @default none */
  readonly behindKey?: string | undefined
  /** Whether executions that have ended count too; only with `ids`. */
  readonly andEnded?: boolean
  /**
   * Whether executions that the store thinks `owner` has already count too: after an answer was lost. For the limits of a queue, none of these runs yet, but for
   * those in `except`: they would keep themselves from being given again.
   */
  readonly andOwn?: boolean
  /** Ids to leave alone. */
  readonly except?: readonly string[]
  /**
   * By graph, where to look among the executions that nobody owns, by age instead of in turn; those of owners that are dead count wherever they
   * are. Only with `graphs`. @default everywhere, in turn
   */
  readonly ranges?: ReadonlyMap<string, PlaceRange>
  /** How many at most. */
  readonly limit: number
}

/** A place in the order of `createdAt`, then of ids. */
export interface ExecutionPlace {
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** The execution's id. */
  readonly id: string
}

/** The executions from one place to another. */
export interface PlaceRange {
  /** Only those behind it. @default from the oldest */
  readonly after?: ExecutionPlace | undefined
  /** Only those up to it, which is one of them. @default to the newest */
  readonly upTo?: ExecutionPlace | undefined
}

/** An execution that changed hands: the record with its new owner, epoch and number of recoveries. */
export interface AcquiredExecution {
  /** The record as it is now. */
  readonly execution: ExecutionRecord
  /** Whether its last owner had died, rather than given it up. */
  readonly wasLost: boolean
  /** Whether there were messages to it that nobody has consumed, when it changed hands. @default whoever wants to know reads them */
  readonly hasMail?: boolean | undefined
}

/** Which executions to list, the newest first. */
export interface ExecutionQuery {
  /** Any of these. @default all */
  readonly statuses?: readonly ExecutionStatus[] | undefined
  /** The graph's name. @default any */
  readonly graph?: string | undefined
  /** Children of this execution: looked up by an index of their own, however many others there are. @default any */
  readonly parent?: string | undefined
  /** Forks of this execution, by an index of their own too. @default any */
  readonly forkedFrom?: string | undefined
  /** In this queue. @default any */
  readonly queue?: string | undefined
  /** With this key; '' for none. @default any */
  readonly key?: string | undefined
  /** Whose error has this code: by an index of their own. @default any */
  readonly errorCode?: string | undefined
  /** Created then or later, in milliseconds since the epoch. @default any time */
  readonly createdFrom?: number | undefined
  /** Created before this time, in milliseconds since the epoch. @default any time */
  readonly createdBefore?: number | undefined
  /** The last execution of the page before: only what comes after it. @default the first page */
  readonly after?: { readonly createdAt: number; readonly id: string } | undefined
  /** How many at most. */
  readonly limit: number
}

/** A portion of the step records of some executions; `next` asks for the rest. */
export interface StepPage {
  /** The records, each with the execution that it is of. */
  readonly steps: readonly (StepRecord & { readonly execution: string })[]
  /** Where the rest begins; undefined where there is no more. */
  readonly next: string | undefined
}
