import type { ExecutionStatus, StepStatus } from './statuses.ts'
import type { StoredValue } from './stored-value.ts'

/** One run of a plan. Times are milliseconds since the epoch, by the clock of the process that wrote them. */
export interface ExecutionRecord {
  readonly id: string
  readonly kind: 'execution' | 'batch'
  readonly graph: string
  readonly target: string
  readonly status: ExecutionStatus
  /** Digest of target and inputs: the same id with another one is a conflict. */
  readonly requestDigest: string
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
  /** How long living processes have owned it, as of the last commit that said so. */
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
  | 'timeoutMs'
  | 'deadline'
  | 'owner'
  | 'createdAt'
  | 'startedAt'
> {
  /** Steps that its owner begins with it: written where it is created, and not where it was there. */
  readonly steps?: readonly StepRecord[]
}

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
