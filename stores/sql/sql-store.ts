import type {
  CommitAnswer,
  CreateAnswer,
  LockPatience,
  Store,
  StoreCapabilities,
  StoreHint,
  StoreSessions,
} from '../../src/core/contracts/store.ts'
import type { ActQuery, ActRecord } from '../../src/core/contracts/act-record.ts'
import type { CountRequest, StatusCounts } from '../../src/core/contracts/execution-count.ts'
import type { StoreLimits } from '../../src/core/contracts/store-limits.ts'
import type { CheckpointRecord, CheckpointRequest } from '../../src/core/contracts/checkpoint-record.ts'
import type { ResultClaim, ResultCommit, ResultState } from '../../src/core/contracts/result-record.ts'
import type { OutboxEntry, OutboxPlace, OutboxRequest } from '../../src/core/contracts/outbox.ts'
import type { OwnerState } from '../../src/core/contracts/owner-state.ts'
import type {
  EmittedEvent,
  EmitVerdict,
  EventDelivery,
  EventWait,
  NewEvent,
  NewEventWait,
} from '../../src/core/contracts/event-record.ts'
import type { ScheduleQuery, ScheduleRecord, ScheduleTaking } from '../../src/core/contracts/schedule-record.ts'
import type { SharedLook, SharedState, SharedWrite } from '../../src/core/contracts/shared-state.ts'
import type {
  BacklogRequest,
  QueueBacklog,
  QueueChange,
  QueueChanged,
  QueueStanding,
} from '../../src/core/contracts/queue-record.ts'
import type {
  ListedMessage,
  MailboxRequest,
  MailRequest,
  Message,
  NewMessage,
  PostVerdict,
  ReceiptPage,
} from '../../src/core/contracts/message.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionCommit,
  ExecutionFence,
  ExecutionQuery,
  ExecutionRecord,
  NewExecution,
  StepPage,
} from '../../src/core/contracts/execution-record.ts'
import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'
import type { WorkerState } from '../../src/core/contracts/worker-record.ts'
import type { SqlActs } from './acts.ts'
import { opening } from './driver-error.ts'
import { StoreLife } from './life.ts'
import type { Migration, MigrationDatabase } from './migration.ts'
import { prepareTables } from './open-database.ts'
import type { Answer } from './dialect.ts'
import type { SqlOutbox } from './outbox.ts'
import type { SqlEvents } from './events.ts'
import type { SqlQueues } from './queues.ts'
import type { SqlReader } from './reader.ts'
import type { SqlSharedStates } from './shared-states.ts'
import type { SqlSchedules } from './schedules.ts'

/** What a SQL store is made of; each database has its own kind of each part. Every part is described where the store contract is. */
export interface SqlStoreParts {
  readonly name: string
  readonly capabilities: StoreCapabilities
  readonly connection: {
    /** How many there may be, where that is known. */
    readonly max?: number | undefined
    open(): Answer<void>
    close(): Answer<void>
  }
  readonly limits: StoreLimits
  /** The tables that this version knows, and whether `open` may bring the database up to them. */
  readonly tables: {
    readonly database: MigrationDatabase
    readonly migrations: readonly Migration[]
    readonly mayMigrate: boolean
  }
  readonly owners: {
    time(): Answer<number>
    renew(owner: string, leaseMs: number, worker: string | undefined): Answer<boolean>
    end(owner: string): Answer<void>
    read(owners: readonly string[]): Answer<readonly (OwnerState | undefined)[]>
    workers(limit: number): Answer<readonly WorkerState[]>
  }
  readonly creator: {
    create(executions: readonly NewExecution[], transaction: unknown): Answer<readonly CreateAnswer[]>
  }
  readonly committer: {
    commit(commits: readonly ExecutionCommit[], patience: LockPatience | undefined): Answer<readonly CommitAnswer[]>
  }
  readonly acquirer: { acquire(request: AcquireRequest): Answer<readonly AcquiredExecution[]> }
  readonly mailbox: {
    post(messages: readonly NewMessage[], transaction: unknown): Answer<readonly PostVerdict[]>
    read(request: MailRequest): Answer<readonly Message[]>
    receipts(execution: string, next: string | undefined): Answer<ReceiptPage>
  }
  readonly outbox: SqlOutbox
  readonly deletion: {
    delete(executions: readonly ExecutionFence[]): Answer<readonly boolean[]>
    purge(filter: Parameters<Store['purge']>[0]): Answer<number>
  }
  readonly acts: SqlActs
  readonly events: SqlEvents
  readonly shared: SqlSharedStates
  readonly schedules: SqlSchedules
  readonly queues: SqlQueues
  readonly results: {
    commit(commits: readonly ResultCommit[]): Answer<readonly boolean[]>
    purge(limit: number): Answer<number>
  }
  readonly claims: { claim(claims: readonly ResultClaim[]): Answer<readonly ResultState[]> }
  readonly reader: SqlReader
  /** Absent where the database does not say which connections are there. */
  readonly sessions?: StoreSessions | undefined
  /** Looks at the settings of the server, or of the file. */
  readonly diagnose: () => Promise<readonly StoreFinding[]>
  /** Absent where the database can't notify others. */
  readonly hints?: {
    subscribe(listener: (hint: StoreHint) => void): Promise<() => Promise<void>>
    close(): Promise<void>
  }
}

/** A store of parts, one of each kind of call: it opens and closes them, and refuses calls before and after. */
export class SqlStore implements Store {
  readonly name: string
  readonly capabilities: StoreCapabilities
  readonly connections: number | undefined
  readonly limits: StoreLimits
  readonly subscribe?: NonNullable<Store['subscribe']>
  readonly sessions: StoreSessions | undefined
  readonly #parts: SqlStoreParts
  readonly #life: StoreLife

  constructor(parts: SqlStoreParts) {
    this.name = parts.name
    this.capabilities = parts.capabilities
    this.connections = parts.connection.max
    this.limits = parts.limits
    this.sessions = parts.sessions
    this.#parts = parts
    this.#life = new StoreLife(parts.name)
    const { hints } = parts
    if (hints !== undefined)
      this.subscribe = async (listener) => {
        this.#life.requireOpen()
        return hints.subscribe(listener)
      }
  }

  async open(): Promise<void> {
    this.#life.requireUnclosed()
    const { connection, tables } = this.#parts
    await opening(async () => {
      await connection.open()
      await prepareTables(tables.database, tables.migrations, tables.mayMigrate)
    })
    this.#life.opened()
  }

  async close(): Promise<void> {
    this.#life.closed()
    await this.#parts.hints?.close()
    await this.#parts.connection.close()
  }

  async diagnose(): Promise<readonly StoreFinding[]> {
    return this.#open.diagnose()
  }

  async time(): Promise<number> {
    return this.#open.owners.time()
  }

  async renewOwner(owner: string, leaseMs: number, worker?: string): Promise<boolean> {
    return this.#open.owners.renew(owner, leaseMs, worker)
  }

  async endOwner(owner: string): Promise<void> {
    await this.#open.owners.end(owner)
  }

  async readOwners(owners: readonly string[]): Promise<readonly (OwnerState | undefined)[]> {
    return this.#open.owners.read(owners)
  }

  async readWorkers(limit: number): Promise<readonly WorkerState[]> {
    return this.#open.owners.workers(limit)
  }

  async create(executions: readonly NewExecution[], transaction?: unknown): Promise<readonly CreateAnswer[]> {
    return this.#open.creator.create(executions, transaction)
  }

  async commit(commits: readonly ExecutionCommit[], patience?: LockPatience): Promise<readonly CommitAnswer[]> {
    return this.#open.committer.commit(commits, patience)
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    return this.#open.acquirer.acquire(request)
  }

  async get(ids: readonly string[]): Promise<readonly (ExecutionRecord | undefined)[]> {
    return this.#open.reader.get(ids)
  }

  async overdue(before: number, limit: number): Promise<readonly string[]> {
    return this.#open.reader.overdue(before, limit)
  }

  async list(query: ExecutionQuery): Promise<readonly ExecutionRecord[]> {
    return this.#open.reader.list(query)
  }

  async count(request: CountRequest): Promise<StatusCounts> {
    return this.#open.reader.count(request)
  }

  async readSteps(ids: readonly string[], next?: string): Promise<StepPage> {
    return this.#open.reader.readSteps(ids, next)
  }

  async readCheckpoints(request: CheckpointRequest): Promise<readonly CheckpointRecord[]> {
    return this.#open.reader.readCheckpoints(request)
  }

  async delete(executions: readonly ExecutionFence[]): Promise<readonly boolean[]> {
    return this.#open.deletion.delete(executions)
  }

  async purge(filter: Parameters<Store['purge']>[0]): Promise<number> {
    return this.#open.deletion.purge(filter)
  }

  async post(messages: readonly NewMessage[], transaction?: unknown): Promise<readonly PostVerdict[]> {
    return this.#open.mailbox.post(messages, transaction)
  }

  async readMail(request: MailRequest): Promise<readonly Message[]> {
    return this.#open.mailbox.read(request)
  }

  async readReceipts(execution: string, next?: string): Promise<ReceiptPage> {
    return this.#open.mailbox.receipts(execution, next)
  }

  async listMail(request: MailboxRequest): Promise<readonly ListedMessage[]> {
    return this.#open.reader.listMail(request)
  }

  async readOutbox(request: OutboxRequest): Promise<readonly OutboxEntry[]> {
    return this.#open.outbox.read(request)
  }

  async confirmOutbox(entries: readonly OutboxPlace[]): Promise<void> {
    await this.#open.outbox.confirm(entries)
  }

  async addActs(acts: readonly ActRecord[]): Promise<void> {
    await this.#open.acts.add(acts)
  }

  async listActs(query: ActQuery): Promise<readonly ActRecord[]> {
    return this.#open.acts.list(query)
  }

  async purgeActs(before: number, limit: number): Promise<number> {
    return this.#open.acts.purge(before, limit)
  }

  async emit(events: readonly NewEvent[], transaction?: unknown): Promise<readonly EmitVerdict[]> {
    return this.#open.events.emit(events, transaction)
  }

  async awaitEvents(waits: readonly NewEventWait[]): Promise<readonly (EmittedEvent | undefined)[]> {
    return this.#open.events.await(waits)
  }

  async endWaits(waits: readonly NewEventWait[]): Promise<void> {
    await this.#open.events.endWaits(waits)
  }

  async undelivered(limit: number): Promise<readonly EventDelivery[]> {
    return this.#open.events.undelivered(limit)
  }

  async delivered(deliveries: readonly EventDelivery[]): Promise<void> {
    await this.#open.events.delivered(deliveries)
  }

  async oldWaits(before: number, limit: number): Promise<readonly EventWait[]> {
    return this.#open.events.oldWaits(before, limit)
  }

  async purgeEvents(limit: number): Promise<number> {
    return this.#open.events.purge(limit)
  }

  async addSchedules(schedules: readonly ScheduleRecord[]): Promise<readonly ScheduleRecord[]> {
    return this.#open.schedules.add(schedules)
  }

  async changeSchedules(schedules: readonly ScheduleRecord[]): Promise<readonly boolean[]> {
    return this.#open.schedules.change(schedules)
  }

  async getSchedules(names: readonly string[]): Promise<readonly (ScheduleRecord | undefined)[]> {
    return this.#open.schedules.get(names)
  }

  async listSchedules(query: ScheduleQuery): Promise<readonly ScheduleRecord[]> {
    return this.#open.schedules.list(query)
  }

  async nextSchedule(graphs: readonly string[]): Promise<number | undefined> {
    return this.#open.schedules.next(graphs)
  }

  async takeSchedules(taking: ScheduleTaking): Promise<readonly ScheduleRecord[]> {
    return this.#open.schedules.take(taking)
  }

  async deleteSchedules(names: readonly string[]): Promise<readonly boolean[]> {
    return this.#open.schedules.delete(names)
  }

  async readShared(keys: readonly string[]): Promise<SharedLook> {
    return this.#open.shared.read(keys)
  }

  async writeShared(writes: readonly SharedWrite[]): Promise<readonly boolean[]> {
    return this.#open.shared.write(writes)
  }

  async oldShared(before: number, limit: number): Promise<readonly SharedState[]> {
    return this.#open.shared.old(before, limit)
  }

  async readQueues(queues: readonly string[]): Promise<readonly (QueueStanding | undefined)[]> {
    return this.#open.queues.read(queues)
  }

  async changeQueues(changes: readonly QueueChange[]): Promise<readonly QueueChanged[]> {
    return this.#open.queues.change(changes)
  }

  async queueNames(limit: number): Promise<readonly string[]> {
    return this.#open.queues.names(limit)
  }

  async backlog(requests: readonly BacklogRequest[]): Promise<readonly QueueBacklog[]> {
    return this.#open.queues.backlog(requests)
  }

  async readyKeys(queue: string, after: string | undefined, limit: number): Promise<readonly string[]> {
    return this.#open.queues.readyKeys(queue, after, limit)
  }

  async getResults(keys: readonly string[]): Promise<readonly (ResultState | undefined)[]> {
    return this.#open.reader.getResults(keys)
  }

  async claimResults(claims: readonly ResultClaim[]): Promise<readonly ResultState[]> {
    return this.#open.claims.claim(claims)
  }

  async commitResults(commits: readonly ResultCommit[]): Promise<readonly boolean[]> {
    return this.#open.results.commit(commits)
  }

  async purgeResults(limit: number): Promise<number> {
    return this.#open.results.purge(limit)
  }

  /** The parts, while the store is open. @throws StoreError */
  get #open(): SqlStoreParts {
    this.#life.requireOpen()
    return this.#parts
  }
}
