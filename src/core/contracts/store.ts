import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionCommit,
  ExecutionFence,
  ExecutionQuery,
  ExecutionRecord,
  NewExecution,
  StepPage,
} from './execution-record.ts'
import type { CheckpointRecord, CheckpointRequest } from './checkpoint-record.ts'
import type { ActStore } from './act-record.ts'
import type { CountRequest, StatusCounts } from './execution-count.ts'
import type { EventStore } from './event-record.ts'
import type { QueueStore } from './queue-record.ts'
import type {
  ListedMessage,
  MailboxRequest,
  MailRequest,
  Message,
  NewMessage,
  PostedMessage,
  PostVerdict,
  ReceiptPage,
} from './message.ts'
import type { OutboxEntry, OutboxPlace, OutboxRequest } from './outbox.ts'
import type { OwnerState } from './owner-state.ts'
import type { ResultClaim, ResultCommit, ResultState } from './result-record.ts'
import type { SharedStateStore } from './shared-state.ts'
import type { ExecutionStatus } from './statuses.ts'
import type { ScheduleStore } from './schedule-record.ts'
import type { StoreFinding } from './store-finding.ts'
import type { StoreLimits } from './store-limits.ts'
import type { ValueFormat } from './stored-value.ts'
import type { WorkerStore } from './worker-record.ts'

/** Something may have happened; never trusted alone. */
export type StoreHint =
  | { readonly type: 'result'; readonly key: string }
  | { readonly type: 'ended'; readonly execution: string }
  /** An update has been answered: the checkpoint of that name is written. */
  | { readonly type: 'answered'; readonly execution: string; readonly name: string }
  /** For listeners of the store by which this owner is renewed. */
  | {
      readonly type: 'mail'
      readonly owner: string
      /** The message itself, where this store has posted it and it is committed; those to one execution in their order. @default it is to be read */
      readonly posted?: PostedMessage | undefined
    }
  /** There may be executions without an owner. */
  | { readonly type: 'work' }
  /** There may be events for executions that wait for them. */
  | { readonly type: 'events' }
  /** There may be new schedules. */
  | { readonly type: 'schedules' }
  /** A shared state has changed for which somebody may wait. */
  | { readonly type: 'shared'; readonly key: string }

/** What became of the connection by which a store sees that an owner's process is there. */
export type SessionState =
  /** It is there. */
  | 'held'
  /** It is gone, and others may soon take it for the process's end: to be renewed at once. */
  | 'lost'
  /** The store does not count on it for this owner: only its lease says that it lives. */
  | 'unclaimed'

/** Another owner that is watched, and whose connection is not there. */
export interface MissingSession {
  /** As the store writes it. */
  readonly owner: string
  /** What its last renewal wrote of the connection: another text says that it has renewed since. */
  readonly session: string
}

/** What the server says of connections, at one moment. */
export interface SessionLook {
  /** What became of the connection of the owner that looks. */
  readonly state: SessionState
  /** Names the connection that looked: through another one, what was seen before says nothing. */
  readonly connection: string
  /** Absent where it was not a look at others, or the server says nothing of them. */
  readonly others?: {
    /** Those that are not there. */
    readonly missing: readonly MissingSession[]
    /** How many owners are watched, the one that looks included. */
    readonly watched: number
  }
}

/**
 * How a store sees at once that a process has ended: its server ends the connection. `renewOwner` says of an owner that its connection is
 * watched, where it can be. A connection may end without its process; so the core ends an owner only whose connection has been missing for a
 * while, in which it would have renewed.
 */
export interface StoreSessions {
  /** Whether the owner's connection may be watched: true as soon as that may have been written. */
  isClaimed(owner: string): boolean
  /**
   * Looks at the connection of this owner, `ofOthers` also at those of others. What it says of one holds at some moment between question
   * and answer; `held` only of a connection that no look before can have missed since the last renewal.
   */
  look(owner: string, ofOthers: boolean): Promise<SessionLook>
  /** Ends an owner, unless it has renewed since, its connection is there, or this is not the connection that looked. @returns whether it did */
  end(missing: MissingSession, connection: string): Promise<boolean>
}

/** What became of a commit: see `Store.commit`. */
export type CommitAnswer = boolean | 'locked' | 'unread'

/** What became of a creation: see `Store.create`. */
export type CreateAnswer = ExecutionRecord | undefined | 'locked'

/** How a call meets what somebody else has locked. */
export interface LockPatience {
  /** Waits in the server's queue for a while: what others hold in turn would be met locked each time. @default false */
  readonly waits?: boolean
}

/** What a store can do beyond what every store can. */
export interface StoreCapabilities {
  /** Whether `create`, `post` and `emit` can take part in the caller's own transaction. */
  readonly transactions: boolean
  /** Whether another process can open the same data. */
  readonly isShared: boolean
  /** Whether it is a server: a docket keeps its process alive until it is closed, also while its connections are lost, or not made yet. @default false */
  readonly isServer?: boolean
}

/**
 * Keeps executions, their step records, mailboxes, global results, and the right to write them. The core validates, encodes and
 * gathers writes; a store only keeps. Every call is for many, since completions of one turn go out together; each element
 * succeeds or is refused on its own (`false`), what is written for one execution is written whole or not at all.
 *
 * Conditions are judged by the store, in one atomic operation with the write. Whether an owner lives is judged by the store's
 * clock; where it has none that all its processes have in common, by one that can't be set. What fails throws a StoreError that says whether trying again can help; all calls may be repeated
 * when their answer was lost.
 */
export interface Store extends ActStore, EventStore, QueueStore, ScheduleStore, SharedStateStore, WorkerStore {
  /** Names the kind of store in errors and events: `redis`, `sqlite`. */
  readonly name: string
  /** What the store can do beyond what every store can. */
  readonly capabilities: StoreCapabilities
  /** The longest names that it keeps: the core refuses longer ones. @default names may have any length */
  readonly limits?: StoreLimits | undefined
  /** @default JSON text */
  readonly format?: ValueFormat | undefined
  /** How many calls it can work on at the same time, where that is known: those that may wait never take all. @default any number */
  readonly connections?: number | undefined

  /** Connects and makes sure that the tables (or the format) are the ones it knows. Called once before anything else. */
  open(): Promise<void>
  /** Lets go of what the store opened itself; calls after it are refused. */
  close(): Promise<void>

  /**
   * The store's clock: milliseconds since the epoch. Times in records that other processes act on are given in it. Absent where the store
   * has none: then it is that of each process.
   */
  time?(): Promise<number>

  /** The owner ends: its lease runs out now. */
  endOwner(owner: string): Promise<void>
  /** What is known of owners, for people; undefined for each that was never registered, or has been dead for so long that it is forgotten. */
  readOwners(owners: readonly string[]): Promise<readonly (OwnerState | undefined)[]>

  /**
   * Creates executions. Gives undefined for each that was created, the record for each whose id was there, and `'locked'` for each whose id
   * somebody else is about to create in a transaction that is open: nothing was written of it, and it is tried again, apart from the others.
   * With `transaction` (the client that the caller has begun one on), they exist if and only if it commits; then none is `'locked'`.
   */
  create(executions: readonly NewExecution[], transaction?: unknown): Promise<readonly CreateAnswer[]>
  /**
   * Writes to executions, at most one commit for each in a call. False for each that is not the owner's any more, is gone, or has a number lower than what was
   * written there last; `'locked'` for each of which nothing was written because somebody else has locked its record: it is tried again, apart from the others;
   * `'unread'` for each that would park an execution to which a message has come that was not read: nothing of it is written.
   */
  commit(commits: readonly ExecutionCommit[], patience?: LockPatience): Promise<readonly CommitAnswer[]>
  /**
   * Makes the caller the owner of executions that have no living one: of unfinished ones (with `andEnded`, of any), up to
   * `limit`; of those that are parked only what is due, or is named by `ids`. What is taken is not parked any more. Their epoch grows by one; `recoveries` too where the last owner died. Those of `graphs` are given in the order in which they
   * are to go on. The cost may grow with `limit` and the number of dead owners, not with executions that are finished, have a living owner, are parked and
   * not due, or are ready.
   */
  acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]>
  /** The records of executions, in the order of the ids; undefined for what is not there. */
  get(ids: readonly string[]): Promise<readonly (ExecutionRecord | undefined)[]>
  /**
   * Ids of executions that are `pending`, `running` or `waiting` and whose deadline is `before` that time, the earliest deadlines first. The cost does not grow with
   * others.
   */
  overdue(before: number, limit: number): Promise<readonly string[]>
  /** The newest first, by `createdAt`, then by id. */
  list(query: ExecutionQuery): Promise<readonly ExecutionRecord[]>
  /** How many executions there are, by their statuses. The cost may grow with `upTo`, not with executions beyond it. */
  count(request: CountRequest): Promise<StatusCounts>
  /** Step records of executions, in portions of the store's choice. */
  readSteps(ids: readonly string[], next?: string): Promise<StepPage>
  /**
   * Checkpoints of an execution, in an order of the store's choice by step and item; those of one step and item by generation, then `order`, then
   * name. The cost grows with what is given, not with what comes before it. Absent where the store keeps none: then it does for graphs alone that have no
   * step which needs them.
   */
  readCheckpoints?(request: CheckpointRequest): Promise<readonly CheckpointRecord[]>
  /** Deletes executions with all they have, on the conditions of a commit. */
  delete(executions: readonly ExecutionFence[]): Promise<readonly boolean[]>
  /**
   * Deletes up to `limit` executions that ended before a time, in one of the statuses. Returns how many. Those of an owner that lives are
   * left alone: one that ended keeps its owner while functions of it still run. So are children whose parents have not ended, unless these were parked after
   * they ended: before that, a parent may not have taken what its child came to.
   */
  purge(filter: {
    readonly statuses: readonly ExecutionStatus[]
    readonly endedBefore: number
    readonly limit: number
  }): Promise<number>

  /**
   * Appends to mailboxes what is accepted (which ends the parking of its execution: any process may acquire it now), and says of each message what became of it; judged in one operation with the writing, in this order: by
   * its id, by the status of the execution, by its slot. The verdict on an id is kept as long as the execution, even if it was a refusal. With `transaction` (as of
   * `create`), messages are posted if and only if it commits.
   */
  post(messages: readonly NewMessage[], transaction?: unknown): Promise<readonly PostVerdict[]>
  /**
   * Messages that no commit has consumed: of each execution first those of the class `control`, then the others, each by their numbers. A message
   * is read again and again until it is consumed, unless `after` says that it was read. Whoever reads a number can read all that are lower.
   */
  readMail(request: MailRequest): Promise<readonly Message[]>
  /** What is remembered of the messages to an execution by their ids and slots, in portions of the store's choice: what a move takes along. */
  readReceipts(execution: string, next?: string): Promise<ReceiptPage>
  /**
   * Messages to one execution that no commit has consumed, by their numbers, whoever has it, or nobody. What they bring is given only where the request wants it. None where
   * there is no such execution. The cost grows with what is given, not with what others have.
   */
  listMail(request: MailboxRequest): Promise<readonly ListedMessage[]>
  /** Outgoing messages that nobody has confirmed, by `at`, then by `entry`, whoever wrote them. The cost does not grow with executions. */
  readOutbox(request: OutboxRequest): Promise<readonly OutboxEntry[]>
  /** Forgets outgoing messages: they were delivered, or there is nobody to get them. What is not there, or no more, is no matter. */
  confirmOutbox(entries: readonly OutboxPlace[]): Promise<void>

  /** Results by key; undefined for what was never made, or is being made by an owner that has died. */
  getResults(keys: readonly string[]): Promise<readonly (ResultState | undefined)[]>
  /**
   * Claims results: gives what is there, or the right to make it if no living owner but the caller itself has that. The epoch
   * grows with each claim of a key.
   */
  claimResults(claims: readonly ResultClaim[]): Promise<readonly ResultState[]>
  /** Ends claims. False for each that is not the owner's any more, unless it ended just so already; a stored success is never replaced. */
  commitResults(commits: readonly ResultCommit[]): Promise<readonly boolean[]>
  /**
   * Deletes up to `limit` results that have expired or failed, and claims that were released or whose owners have died; what the store forgets
   * by itself some time does not have to be among them. @returns how many
   */
  purgeResults(limit: number): Promise<number>

  /** Absent where the store does not see connections end: then an owner that dies is seen by its lease. */
  readonly sessions?: StoreSessions | undefined

  /** Looks at the settings of its server, for people: reads alone, and only when they are called for. Absent where there is nothing to be set. @throws StoreError */
  diagnose?(): Promise<readonly StoreFinding[]>

  /** Delivers hints until the returned function is called. Absent where a store can't notify others: they poll. */
  subscribe?(listener: (hint: StoreHint) => void): Promise<() => Promise<void>>
}
