import { StoreError } from '../../src/core/errors.ts'
import type { CommitAnswer, Store, StoreCapabilities, StoreHint } from '../../src/core/contracts/store.ts'
import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'
import { generousLimits } from '../../src/core/contracts/store-limits.ts'
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
import type { ActQuery, ActRecord } from '../../src/core/contracts/act-record.ts'
import type { CountRequest, StatusCounts } from '../../src/core/contracts/execution-count.ts'
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
import type { WorkerState } from '../../src/core/contracts/worker-record.ts'
import { opening } from '../sql/driver-error.ts'
import { StoreLife } from '../sql/life.ts'
import { acquireExecutions } from './acquirer.ts'
import { addActsTo, listActsOf, purgeActsOf } from './acts.ts'
import { backlogOf } from './backlogs.ts'
import { storeName } from './errors.ts'
import { claimResultsOf } from './claims.ts'
import { commitExecutions } from './committer.ts'
import { readCheckpointsOf } from './checkpoints.ts'
import { createExecutions } from './creator.ts'
import { deleteExecutions, purgeExecutions } from './deletion.ts'
import {
  awaitEventsOf,
  deliveredTo,
  emitEvents,
  endWaitsOf,
  oldWaitsOf,
  purgeEventsOf,
  undeliveredOf,
} from './events.ts'
import { postMessages, readMailOf, readReceiptsOf } from './mailbox.ts'
import { listMailOf } from './mailbox-listing.ts'
import { MsgpackFormat } from './msgpack.ts'
import { confirmOutboxOf, readOutboxOf } from './outbox.ts'
import { openStore } from './open-store.ts'
import type { OpenStore } from './open-store.ts'
import { resolveOptions } from './options.ts'
import type { RedisStoreOptions, ResolvedOptions } from './options.ts'
import { countExecutions, getExecutions, listExecutions, overdueExecutions } from './reader.ts'
import { commitResultsOf, getResultsOf, purgeResultsOf } from './results.ts'
import {
  addSchedulesTo,
  changeSchedulesOf,
  deleteSchedulesOf,
  getSchedulesOf,
  listSchedulesOf,
  nextScheduleOf,
  takeSchedulesOf,
} from './schedules.ts'
import { changeQueuesOf, queueNamesOf, readQueuesOf, readyKeysOf } from './queues.ts'
import { RedisSessions } from './sessions.ts'
import { oldSharedOf, readSharedOf, writeSharedTo } from './shared-states.ts'
import { readStepPage } from './steps-reading.ts'

/**
 * A store in Redis (6 or newer, Valkey too): one server, Sentinel or a cluster. Needs the packages `ioredis` and `msgpackr`.
 *
 * What Redis can lose: with `appendfsync everysec` a crash of its machine loses up to a second of commits, or more if its disk is slow.
 * Then even the death of the server alone loses some that were confirmed: while an earlier fsync is under way, Redis puts off its
 * write for up to two seconds, and keeps in its memory what the file has not got. A failover loses those that the replica had not got,
 * without persistence a restart loses all. Executions then go on from what is left: steps whose commits are lost run again, and an
 * owner whose execution is lost, or is another's again, is refused. With `appendonly yes` and `appendfsync always` one server loses
 * nothing that was committed. The policy for full memory must be `noeviction`.
 * @throws OptionError
 */
export function redisStore(...options: [options?: string | RedisStoreOptions]): Store {
  // Given as undefined is not left out: then a variable of the environment is missing.
  return new RedisStore(resolveOptions(options.length === 0 ? {} : options[0]!))
}

class RedisStore implements Store {
  readonly name = storeName
  readonly capabilities: StoreCapabilities = { transactions: false, isShared: true, isServer: true }
  readonly limits = generousLimits
  readonly format = new MsgpackFormat()
  readonly sessions: RedisSessions | undefined
  readonly #options: ResolvedOptions
  readonly #life = new StoreLife(storeName)
  #isOpening = false
  #parts: OpenStore | undefined

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.sessions = options.watchesSessions ? new RedisSessions() : undefined
  }

  async open(): Promise<void> {
    this.#life.requireUnclosed()
    if (this.#parts !== undefined) return
    if (this.#isOpening) throw new StoreError(this.name, 'it is being opened already', false)
    this.#isOpening = true
    try {
      const parts = await opening(() => openStore(this.#options, this.format, this.sessions))
      try {
        this.#life.opened()
      } catch (isClosed) {
        await parts.close()
        throw isClosed
      }
      this.#parts = parts
    } finally {
      this.#isOpening = false
    }
  }

  async close(): Promise<void> {
    this.#life.closed()
    await this.#parts?.close()
  }

  async diagnose(): Promise<readonly StoreFinding[]> {
    return (await import('./diagnosis.ts')).diagnoseRedis(this.#opened(), this.#options.watchesSessions)
  }

  async time(): Promise<number> {
    return this.#opened().owners.time()
  }

  async renewOwner(owner: string, leaseMs: number, worker?: string): Promise<boolean> {
    return this.#opened().owners.renew(owner, leaseMs, worker)
  }

  async endOwner(owner: string): Promise<void> {
    await this.#opened().owners.end(owner)
  }

  async readOwners(owners: readonly string[]): Promise<readonly (OwnerState | undefined)[]> {
    return this.#opened().owners.read(owners)
  }

  async readWorkers(limit: number): Promise<readonly WorkerState[]> {
    return this.#opened().owners.workers(limit)
  }

  async create(executions: readonly NewExecution[], transaction?: unknown): Promise<(ExecutionRecord | undefined)[]> {
    const opened = this.#opened()
    if (transaction !== undefined)
      throw new StoreError(this.name, 'it can’t take part in a transaction; create the execution without one', false)
    return createExecutions(opened, executions)
  }

  async commit(commits: readonly ExecutionCommit[]): Promise<CommitAnswer[]> {
    return commitExecutions(this.#opened(), commits)
  }

  async acquire(request: AcquireRequest): Promise<AcquiredExecution[]> {
    const opened = this.#opened()
    return acquireExecutions(opened, opened.owners, opened.heads, request)
  }

  async get(ids: readonly string[]): Promise<(ExecutionRecord | undefined)[]> {
    return getExecutions(this.#opened(), ids)
  }

  async list(query: ExecutionQuery): Promise<ExecutionRecord[]> {
    return listExecutions(this.#opened(), query)
  }

  async count(request: CountRequest): Promise<StatusCounts> {
    return countExecutions(this.#opened(), request)
  }

  async readSteps(ids: readonly string[], next?: string): Promise<StepPage> {
    return readStepPage(this.#opened(), ids, next)
  }

  async readCheckpoints(request: CheckpointRequest): Promise<CheckpointRecord[]> {
    return readCheckpointsOf(this.#opened(), request)
  }

  async delete(executions: readonly ExecutionFence[]): Promise<boolean[]> {
    return deleteExecutions(this.#opened(), executions)
  }

  async purge(filter: Parameters<Store['purge']>[0]): Promise<number> {
    return purgeExecutions(this.#opened(), filter)
  }

  async post(messages: readonly NewMessage[], transaction?: unknown): Promise<PostVerdict[]> {
    if (transaction !== undefined)
      throw new StoreError(this.name, 'it can’t take part in a transaction; post the message without one', false)
    return postMessages(this.#opened(), messages)
  }

  async overdue(before: number, limit: number): Promise<readonly string[]> {
    return overdueExecutions(this.#opened(), before, limit)
  }

  async readMail(request: MailRequest): Promise<Message[]> {
    return readMailOf(this.#opened(), request)
  }

  async readReceipts(execution: string): Promise<ReceiptPage> {
    return readReceiptsOf(this.#opened(), execution)
  }

  async listMail(request: MailboxRequest): Promise<ListedMessage[]> {
    return listMailOf(this.#opened(), request)
  }

  async readOutbox(request: OutboxRequest): Promise<OutboxEntry[]> {
    return readOutboxOf(this.#opened(), request)
  }

  async confirmOutbox(entries: readonly OutboxPlace[]): Promise<void> {
    await confirmOutboxOf(this.#opened(), entries)
  }

  async addActs(acts: readonly ActRecord[]): Promise<void> {
    await addActsTo(this.#opened(), acts)
  }

  async listActs(query: ActQuery): Promise<ActRecord[]> {
    return listActsOf(this.#opened(), query)
  }

  async purgeActs(before: number, limit: number): Promise<number> {
    return purgeActsOf(this.#opened(), before, limit)
  }

  async emit(events: readonly NewEvent[], transaction?: unknown): Promise<EmitVerdict[]> {
    if (transaction !== undefined)
      throw new StoreError(this.name, 'it can’t take part in a transaction; emit the event without one', false)
    return emitEvents(this.#opened(), events)
  }

  async awaitEvents(waits: readonly NewEventWait[]): Promise<(EmittedEvent | undefined)[]> {
    return awaitEventsOf(this.#opened(), waits)
  }

  async endWaits(waits: readonly NewEventWait[]): Promise<void> {
    await endWaitsOf(this.#opened(), waits)
  }

  async undelivered(limit: number): Promise<EventDelivery[]> {
    return undeliveredOf(this.#opened(), limit)
  }

  async delivered(deliveries: readonly EventDelivery[]): Promise<void> {
    await deliveredTo(this.#opened(), deliveries)
  }

  async oldWaits(before: number, limit: number): Promise<EventWait[]> {
    return oldWaitsOf(this.#opened(), before, limit)
  }

  async purgeEvents(limit: number): Promise<number> {
    return purgeEventsOf(this.#opened(), limit)
  }

  async addSchedules(schedules: readonly ScheduleRecord[]): Promise<ScheduleRecord[]> {
    return addSchedulesTo(this.#opened(), schedules)
  }

  async changeSchedules(schedules: readonly ScheduleRecord[]): Promise<boolean[]> {
    return changeSchedulesOf(this.#opened(), schedules)
  }

  async getSchedules(names: readonly string[]): Promise<(ScheduleRecord | undefined)[]> {
    return getSchedulesOf(this.#opened(), names)
  }

  async listSchedules(query: ScheduleQuery): Promise<ScheduleRecord[]> {
    return listSchedulesOf(this.#opened(), query)
  }

  async nextSchedule(graphs: readonly string[]): Promise<number | undefined> {
    return nextScheduleOf(this.#opened(), graphs)
  }

  async takeSchedules(taking: ScheduleTaking): Promise<ScheduleRecord[]> {
    return takeSchedulesOf(this.#opened(), taking)
  }

  async deleteSchedules(names: readonly string[]): Promise<boolean[]> {
    return deleteSchedulesOf(this.#opened(), names)
  }

  async readShared(keys: readonly string[]): Promise<SharedLook> {
    const opened = this.#opened()
    return readSharedOf(opened, opened.owners, keys)
  }

  async writeShared(writes: readonly SharedWrite[]): Promise<boolean[]> {
    return writeSharedTo(this.#opened(), writes)
  }

  async oldShared(before: number, limit: number): Promise<SharedState[]> {
    return oldSharedOf(this.#opened(), before, limit)
  }

  async readQueues(queues: readonly string[]): Promise<(QueueStanding | undefined)[]> {
    return readQueuesOf(this.#opened(), queues)
  }

  async changeQueues(changes: readonly QueueChange[]): Promise<QueueChanged[]> {
    return changeQueuesOf(this.#opened(), changes)
  }

  async queueNames(limit: number): Promise<string[]> {
    const opened = this.#opened()
    return queueNamesOf(opened, opened.owners, limit)
  }

  async backlog(requests: readonly BacklogRequest[]): Promise<QueueBacklog[]> {
    const opened = this.#opened()
    return backlogOf(opened, opened.owners, requests)
  }

  async readyKeys(queue: string, after: string | undefined, limit: number): Promise<string[]> {
    return readyKeysOf(this.#opened(), queue, after, limit)
  }

  async getResults(keys: readonly string[]): Promise<(ResultState | undefined)[]> {
    return getResultsOf(this.#opened(), keys)
  }

  async claimResults(claims: readonly ResultClaim[]): Promise<ResultState[]> {
    return claimResultsOf(this.#opened(), claims)
  }

  async commitResults(commits: readonly ResultCommit[]): Promise<boolean[]> {
    return commitResultsOf(this.#opened(), commits)
  }

  async purgeResults(limit: number): Promise<number> {
    return purgeResultsOf(this.#opened(), limit)
  }

  async subscribe(listener: (hint: StoreHint) => void): Promise<() => Promise<void>> {
    return this.#opened().hints.add(listener)
  }

  /** The parts, while the store is open. @throws StoreError */
  #opened(): OpenStore {
    this.#life.requireOpen()
    return this.#parts!
  }
}
