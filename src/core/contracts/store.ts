import type { ExecutionStatus, StepStatus } from './statuses.ts'

/**
 * A value as a store keeps it: the text of a JSON document (SQL stores put it where SQL can query it), or bytes that only
 * the core can read (made by the store's own `format`, or by a codec such as encryption).
 */
export type StoredValue = string | Uint8Array

/**
 * How a store wants values: turns plain trees (null, booleans, finite numbers, texts, arrays, records) into what it keeps, and
 * back. The core has replaced everything else (Date, Map, BigInt, NaN, …) by tagged records before.
 */
export interface ValueFormat {
  readonly name: string
  encode(tree: unknown): StoredValue
  /** @throws when the stored value is damaged */
  decode(stored: StoredValue): unknown
}

/** One run of a plan. Times are milliseconds since the epoch, by the clock of the process that wrote them. */
export interface ExecutionRecord {
  readonly id: string
  readonly kind: 'execution' | 'batch'
  readonly graph: string
  readonly target: string
  readonly status: ExecutionStatus
  /** Digest of target and inputs: the same id with another one is a conflict. */
  readonly asked: string
  readonly inputs: StoredValue
  readonly output: StoredValue | undefined
  readonly error: StoredValue | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Digest of the graph's declaration when the execution was created or last resumed. */
  readonly graphHash: string
  readonly machineVersion: number
  readonly parent: string | undefined
  /** Takes the place of the graph's timeout. */
  readonly timeoutMs: number | undefined
  /** It ends then, whoever runs it. */
  readonly deadline: number | undefined
  /** The process that has, or last had, the right to run it; undefined while nobody has. */
  readonly owner: string | undefined
  /** Grows by one with each acquisition; every write names it. */
  readonly epoch: number
  /** Acquisitions from a dead owner since the last step was completed. */
  readonly recoveries: number
  /** How long living processes have owned it, as of the last commit that told. */
  readonly ownedMs: number
  readonly createdAt: number
  readonly startedAt: number | undefined
  readonly updatedAt: number
  readonly endedAt: number | undefined
}

/**
 * What an execution begins with: epoch 1 with an owner or 0 without one; status `running` if it has a start (its owner begins it at
 * once), `pending` if not.
 */
export type NewExecution = Pick<
  ExecutionRecord,
  | 'id'
  | 'kind'
  | 'graph'
  | 'target'
  | 'asked'
  | 'inputs'
  | 'headers'
  | 'graphHash'
  | 'machineVersion'
  | 'parent'
  | 'timeoutMs'
  | 'deadline'
  | 'owner'
  | 'createdAt'
  | 'startedAt'
>

/** What is remembered of one step of one execution, or of one item of a batch. */
export interface StepRecord {
  readonly step: string
  /** Key of the batch's item; empty outside batches. */
  readonly item: string
  readonly status: StepStatus
  readonly attempt: number
  readonly inputHash: string | undefined
  /** Name and declared version of the output's data type. */
  readonly type: string
  readonly typeVersion: string | undefined
  readonly output: StoredValue | undefined
  readonly error: StoredValue | undefined
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** When the next attempt is due, while retrying. */
  readonly dueAt: number | undefined
}

/** Writes to one execution, all of them or none: only while `owner` and `epoch` are still the record's. */
export interface ExecutionCommit {
  readonly id: string
  readonly owner: string
  readonly epoch: number
  readonly at: number
  /**
   * Records by step and item; one that is there already is replaced. What is completed stays, whatever comes late: a record whose
   * status is `completed` or `cached` is replaced only by one that is completed or cached too. A record whose type is '' stands for
   * none (a migration left the step out): it replaces any, and any replaces it.
   */
  readonly steps: readonly StepRecord[]
  /** What changes of the execution itself; absent fields stay as they are. */
  readonly head?: HeadChange | undefined
  /** Messages up to this number are consumed. */
  readonly consumed?: number | undefined
}

export interface HeadChange {
  readonly status?: ExecutionStatus
  readonly inputs?: StoredValue
  readonly output?: StoredValue | undefined
  readonly error?: StoredValue | undefined
  readonly graphHash?: string
  readonly machineVersion?: number
  readonly startedAt?: number
  readonly deadline?: number
  /** `undefined` takes it away: an execution that failed goes on. */
  readonly endedAt?: number | undefined
  readonly ownedMs?: number
  readonly recoveries?: number
  /** Gives the execution up: it has no owner any more, and anybody may acquire it. The epoch stays. */
  readonly isReleased?: true
}

/** Which executions a process wants to own. */
export interface AcquireRequest {
  readonly owner: string
  /** These, whatever their graph; else any of `graphs`, the oldest first. */
  readonly ids?: readonly string[]
  readonly graphs?: readonly string[]
  /** Whether executions that have ended count too; only with `ids`. */
  readonly andEnded?: boolean
  /** Whether executions that the store thinks `owner` has already count too: after an answer was lost. */
  readonly andOwn?: boolean
  /** Ids to leave alone. */
  readonly except?: readonly string[]
  readonly limit: number
}

/** An execution that changed hands: the record with its new owner, epoch and number of recoveries. */
export interface AcquiredExecution {
  readonly execution: ExecutionRecord
  /** Whether its last owner had died, rather than given it up. */
  readonly wasLost: boolean
}

export interface ExecutionQuery {
  readonly statuses?: readonly ExecutionStatus[] | undefined
  readonly graph?: string | undefined
  readonly createdFrom?: number | undefined
  /** Exclusive. */
  readonly createdBefore?: number | undefined
  /** The last execution of the page before: only what comes after it. */
  readonly after?: { readonly createdAt: number; readonly id: string } | undefined
  readonly limit: number
}

/** A portion of the step records of some executions; `next` asks for the rest. */
export interface StepPage {
  readonly steps: readonly (StepRecord & { readonly execution: string })[]
  readonly next: string | undefined
}

/** What somebody who does not own an execution wants of it. */
export interface NewMessage {
  readonly execution: string
  readonly kind: string
  readonly payload: StoredValue | undefined
  readonly at: number
}

export interface Message extends NewMessage {
  /** Grows within an execution. */
  readonly seq: number
}

/** Whose result it is: columns for people; the key alone tells results apart. */
export interface ResultIdentity {
  readonly namespace: string
  readonly step: string
  readonly version: string
  readonly type: string
}

/** Asks for the right to make a result. */
export interface ResultClaim extends ResultIdentity {
  readonly key: string
  readonly owner: string
  readonly at: number
}

/** How a claim went, or what `getResults` found. Results past their expiry are never told. */
export type ResultState =
  | { readonly status: 'completed'; readonly output: StoredValue }
  /** The caller has the right; it names the epoch when it commits. */
  | { readonly status: 'claimed'; readonly epoch: number }
  /** A living owner is at it. */
  | { readonly status: 'running'; readonly epoch: number }
  /** The last claim ended in an error. Told by `getResults` alone; a claim starts anew. */
  | { readonly status: 'failed'; readonly epoch: number; readonly error: StoredValue | undefined }

/** What became of a claim; it holds only while `owner` and `epoch` are still the claim's. */
export interface ResultCommit {
  readonly key: string
  readonly owner: string
  readonly epoch: number
  readonly at: number
  /** `released`: nothing was made, and whoever waits may claim. */
  readonly outcome:
    | { readonly status: 'completed'; readonly output: StoredValue; readonly ttlMs: number | undefined }
    | { readonly status: 'failed'; readonly error: StoredValue | undefined }
    | { readonly status: 'released' }
}

/** Something may have happened; never trusted alone. */
export type StoreHint =
  | { readonly type: 'result'; readonly key: string }
  | { readonly type: 'ended'; readonly execution: string }
  | { readonly type: 'mail'; readonly owner: string }
  /** There may be executions without an owner. */
  | { readonly type: 'work' }

/** What a store can do beyond what every store can. */
export interface StoreCapabilities {
  /** Whether `create` can take part in the caller's own transaction. */
  readonly transactions: boolean
  /** Whether another process can open the same data. */
  readonly isShared: boolean
}

/**
 * Keeps executions, their step records, mailboxes, global results, and who may write them. The core validates, encodes and
 * gathers writes; a store only keeps. Every call is for many, since completions of one turn go out together; each element
 * succeeds or is refused on its own (`false`), what is written for one execution is written whole or not at all.
 *
 * Conditions are judged by the store, in one atomic operation with the write. Whether an owner lives is judged by the store's
 * clock, where it has one. What fails throws a StoreError that says whether trying again can help; all calls may be repeated
 * when their answer was lost.
 */
export interface Store {
  readonly name: string
  readonly capabilities: StoreCapabilities
  /** @default JSON text */
  readonly format?: ValueFormat | undefined

  /** Connects and makes sure that the tables (or the format) are the ones it knows. Called once before anything else. */
  open(): Promise<void>
  /** Lets go of what the store opened itself; calls after it are refused. */
  close(): Promise<void>

  /**
   * Says that the owner lives and will for `leaseMs`; a new owner is registered. False when its lease had run out before: it
   * is dead for good, and others may have its executions.
   */
  renewOwner(owner: string, leaseMs: number): Promise<boolean>
  /** The owner ends: its lease runs out now. */
  endOwner(owner: string): Promise<void>

  /**
   * Creates executions. Gives undefined for each that was created, and the record for each whose id was there.
   * With `transaction` (the client that the caller has begun one on), they exist if and only if it commits.
   */
  create(executions: readonly NewExecution[], transaction?: unknown): Promise<readonly (ExecutionRecord | undefined)[]>
  /** Writes to executions, at most one commit for each in a call. False for each that is not the owner's any more, or is gone. */
  commit(commits: readonly ExecutionCommit[]): Promise<readonly boolean[]>
  /**
   * Makes the caller the owner of executions that have no living one: of unfinished ones (with `andEnded`, of any), up to
   * `limit`. Their epoch grows by one; `recoveries` too where the last owner died. The cost may grow with their number and that of
   * dead owners, not with executions that are finished or have a living owner.
   */
  acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]>
  get(ids: readonly string[]): Promise<readonly (ExecutionRecord | undefined)[]>
  /** The newest first, by `createdAt`, then by id. */
  list(query: ExecutionQuery): Promise<readonly ExecutionRecord[]>
  /** Step records of executions, in portions of the store's choice. */
  readSteps(ids: readonly string[], next?: string): Promise<StepPage>
  /** Deletes executions with all they have, while they are the owner's. */
  delete(executions: readonly Pick<ExecutionCommit, 'id' | 'owner' | 'epoch'>[]): Promise<readonly boolean[]>
  /**
   * Deletes up to `limit` executions that ended before a time, in one of the statuses; tells how many. Those of an owner that lives are
   * left alone: one that ended keeps its owner while functions of it still run.
   */
  purge(filter: {
    readonly statuses: readonly ExecutionStatus[]
    readonly endedBefore: number
    readonly limit: number
  }): Promise<number>

  /** Appends to mailboxes. False where there is no such execution. */
  post(messages: readonly NewMessage[]): Promise<readonly boolean[]>
  /** Messages to the executions of an owner, in order within each. */
  readMail(owner: string, limit: number): Promise<readonly Message[]>

  /** Results by key; undefined for what nobody made or is making (an owner that died counts as nobody). */
  getResults(keys: readonly string[]): Promise<readonly (ResultState | undefined)[]>
  /**
   * Claims results: gives what is there, or the right to make it if nobody alive (but the caller itself) has that. The epoch
   * grows with each claim of a key.
   */
  claimResults(claims: readonly ResultClaim[]): Promise<readonly ResultState[]>
  /** Ends claims. False for each that is not the owner's any more, unless it ended just so already; a stored success is never replaced. */
  commitResults(commits: readonly ResultCommit[]): Promise<readonly boolean[]>
  /** Deletes up to `limit` results that have expired or failed; tells how many. */
  purgeResults(limit: number): Promise<number>

  /** Tells hints until the returned function is called. Absent where others can't be told: they poll. */
  subscribe?(listener: (hint: StoreHint) => void): Promise<() => Promise<void>>
}
