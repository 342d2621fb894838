import { StoreError } from '../../src/core/errors.ts'
import type { CommitAnswer, Store, StoreCapabilities, StoreHint } from '../../src/core/contracts/store.ts'
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
import { StoreLife } from '../sql/life.ts'
import { lifetime, machineTime } from '../sql/machine-time.ts'
import { aFunction, checkOptions } from '../sql/options.ts'
import { MemoryActs } from './acts.ts'
import { MemoryEvents } from './events.ts'
import { MemoryExecutions } from './executions.ts'
import { MemoryOutbox } from './outbox.ts'
import { MemoryOwners } from './owners.ts'
import { MemoryQueues } from './queues.ts'
import { MemoryResults } from './results.ts'
import { MemorySharedStates } from './shared-states.ts'
import { MemorySchedules } from './schedules.ts'
import { inMicrotask } from '../../src/core/in-microtask.ts'

/** How a memory store keeps time. */
export interface MemoryStoreOptions {
  /** Milliseconds since the epoch: the store's time of day. @default Date.now */
  readonly now?: () => number
  /**
   * Milliseconds of a time that only moves forward, whatever is done to the time of day: leases and results run out by it.
   * @default the monotonic clock of the machine; `now`, where that is given
   */
  readonly elapsed?: () => number
}

/**
 * A store in this process's memory: for tests, and to try things out. It forgets everything when the process ends. Several
 * dockets of one process can share it, and closing it forgets nothing: the next docket goes on with what is in it, as after a restart.
 * @throws OptionError
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions('memoryStore', options, { now: aFunction, elapsed: aFunction }, () => [])
  const { now, elapsed = now } = options
  return new MemoryStore(now ?? ((): number => Date.now()), elapsed ?? machineTime(), elapsed ?? lifetime())
}

class MemoryStore implements Store {
  readonly name = 'memory'
  readonly capabilities: StoreCapabilities = { transactions: false, isShared: false }
  readonly #now: () => number
  readonly #owners: MemoryOwners
  readonly #executions: MemoryExecutions
  readonly #outbox = new MemoryOutbox()
  readonly #events: MemoryEvents
  readonly #queues: MemoryQueues
  readonly #results: MemoryResults
  readonly #shared: MemorySharedStates
  readonly #acts = new MemoryActs()
  readonly #schedules = new MemorySchedules()
  readonly #listeners = new Set<(hint: StoreHint) => void>()
  readonly #emit = (hint: StoreHint): void => {
    for (const listener of this.#listeners) inMicrotask(() => listener(hint))
  }
  readonly #life = new StoreLife('memory')

  constructor(now: () => number, elapsed: () => number, lifetime: () => number) {
    this.#now = now
    this.#owners = new MemoryOwners(elapsed)
    const isAlive = (owner: string): boolean => this.#owners.isAlive(owner)
    this.#queues = new MemoryQueues(now)
    this.#executions = new MemoryExecutions(isAlive, now, this.#emit, this.#outbox, this.#queues)
    this.#events = new MemoryEvents(now)
    this.#shared = new MemorySharedStates(now, this.#emit)
    this.#results = new MemoryResults(isAlive, lifetime, this.#emit)
  }

  async open(): Promise<void> {
    this.#life.reopened()
  }

  async close(): Promise<void> {
    this.#life.closed()
    this.#listeners.clear()
  }

  async time(): Promise<number> {
    this.#life.requireOpen()
    return this.#now()
  }

  async renewOwner(owner: string, leaseMs: number, worker?: string): Promise<boolean> {
    this.#life.requireOpen()
    return this.#owners.renew(owner, leaseMs, worker)
  }

  async endOwner(owner: string): Promise<void> {
    this.#life.requireOpen()
    this.#owners.end(owner)
  }

  async readOwners(owners: readonly string[]): Promise<(OwnerState | undefined)[]> {
    this.#life.requireOpen()
    return this.#owners.read(owners)
  }

  async readWorkers(limit: number): Promise<WorkerState[]> {
    this.#life.requireOpen()
    return this.#owners.workers(limit)
  }

  async create(executions: readonly NewExecution[], transaction?: unknown): Promise<(ExecutionRecord | undefined)[]> {
    this.#life.requireOpen()
    if (transaction !== undefined) throw new StoreError(this.name, 'it has no transactions', false)
    return this.#executions.create(executions)
  }

  async commit(commits: readonly ExecutionCommit[]): Promise<CommitAnswer[]> {
    this.#life.requireOpen()
    return commits.map((commit) => this.#executions.commit(commit))
  }

  async acquire(request: AcquireRequest): Promise<AcquiredExecution[]> {
    const acquired = this.#open().acquire(request)
    this.#owners.forgetDead((owner) => this.#executions.hasUnfinishedOf(owner))
    return acquired
  }

  async get(ids: readonly string[]): Promise<(ExecutionRecord | undefined)[]> {
    this.#life.requireOpen()
    return ids.map((id) => this.#executions.get(id))
  }

  async list(query: ExecutionQuery): Promise<ExecutionRecord[]> {
    return this.#open().list(query)
  }

  async count(request: CountRequest): Promise<StatusCounts> {
    return this.#open().count(request)
  }

  async readSteps(ids: readonly string[], next?: string): Promise<StepPage> {
    return this.#open().readSteps(ids, next)
  }

  async readCheckpoints(request: CheckpointRequest): Promise<CheckpointRecord[]> {
    return this.#open().readCheckpoints(request)
  }

  async delete(executions: readonly ExecutionFence[]): Promise<boolean[]> {
    this.#life.requireOpen()
    return executions.map((execution) => this.#executions.delete(execution))
  }

  async purge(filter: Parameters<Store['purge']>[0]): Promise<number> {
    return this.#open().purge(filter)
  }

  async post(messages: readonly NewMessage[], transaction?: unknown): Promise<PostVerdict[]> {
    this.#life.requireOpen()
    if (transaction !== undefined) throw new StoreError(this.name, 'it has no transactions', false)
    return messages.map((message) => this.#executions.post(message))
  }

  async overdue(before: number, limit: number): Promise<string[]> {
    return this.#open().overdue(before, limit)
  }

  async readMail(request: MailRequest): Promise<Message[]> {
    return this.#open().readMail(request)
  }

  async readReceipts(execution: string): Promise<ReceiptPage> {
    return { receipts: this.#open().receiptsOf(execution), next: undefined }
  }

  async listMail(request: MailboxRequest): Promise<ListedMessage[]> {
    return this.#open().listMail(request)
  }

  async readOutbox(request: OutboxRequest): Promise<OutboxEntry[]> {
    this.#life.requireOpen()
    return this.#outbox.read(request)
  }

  async confirmOutbox(entries: readonly OutboxPlace[]): Promise<void> {
    this.#life.requireOpen()
    this.#outbox.confirm(entries)
  }

  async addActs(acts: readonly ActRecord[]): Promise<void> {
    this.#life.requireOpen()
    this.#acts.add(acts)
  }

  async listActs(query: ActQuery): Promise<ActRecord[]> {
    this.#life.requireOpen()
    return this.#acts.list(query)
  }

  async purgeActs(before: number, limit: number): Promise<number> {
    this.#life.requireOpen()
    return this.#acts.purge(before, limit)
  }

  async emit(events: readonly NewEvent[], transaction?: unknown): Promise<EmitVerdict[]> {
    this.#life.requireOpen()
    if (transaction !== undefined) throw new StoreError(this.name, 'it has no transactions', false)
    return events.map((event) => this.#events.emit(event))
  }

  async awaitEvents(waits: readonly NewEventWait[]): Promise<(EmittedEvent | undefined)[]> {
    this.#life.requireOpen()
    return waits.map((wait) => this.#events.await(wait))
  }

  async endWaits(waits: readonly NewEventWait[]): Promise<void> {
    this.#life.requireOpen()
    for (const wait of waits) this.#events.endWait(wait)
  }

  async undelivered(limit: number): Promise<EventDelivery[]> {
    this.#life.requireOpen()
    return this.#events.undelivered(limit)
  }

  async delivered(deliveries: readonly EventDelivery[]): Promise<void> {
    this.#life.requireOpen()
    for (const delivery of deliveries) this.#events.delivered(delivery)
  }

  async oldWaits(before: number, limit: number): Promise<EventWait[]> {
    this.#life.requireOpen()
    return this.#events.oldWaits(before, limit)
  }

  async purgeEvents(limit: number): Promise<number> {
    this.#life.requireOpen()
    return this.#events.purge(limit)
  }

  async addSchedules(schedules: readonly ScheduleRecord[]): Promise<ScheduleRecord[]> {
    this.#life.requireOpen()
    this.#emit({ type: 'schedules' })
    return schedules.map((schedule) => this.#schedules.add(schedule))
  }

  async changeSchedules(schedules: readonly ScheduleRecord[]): Promise<boolean[]> {
    this.#life.requireOpen()
    return schedules.map((schedule) => this.#schedules.change(schedule))
  }

  async getSchedules(names: readonly string[]): Promise<(ScheduleRecord | undefined)[]> {
    this.#life.requireOpen()
    return names.map((name) => this.#schedules.get(name))
  }

  async listSchedules(query: ScheduleQuery): Promise<ScheduleRecord[]> {
    this.#life.requireOpen()
    return this.#schedules.list(query)
  }

  async nextSchedule(graphs: readonly string[]): Promise<number | undefined> {
    this.#life.requireOpen()
    return this.#schedules.next(graphs)
  }

  async takeSchedules(taking: ScheduleTaking): Promise<ScheduleRecord[]> {
    this.#life.requireOpen()
    return this.#schedules.take(taking)
  }

  async deleteSchedules(names: readonly string[]): Promise<boolean[]> {
    this.#life.requireOpen()
    return names.map((name) => this.#schedules.delete(name))
  }

  async readShared(keys: readonly string[]): Promise<SharedLook> {
    this.#life.requireOpen()
    return this.#shared.read(keys)
  }

  async writeShared(writes: readonly SharedWrite[]): Promise<boolean[]> {
    this.#life.requireOpen()
    return writes.map((write) => this.#shared.write(write))
  }

  async oldShared(before: number, limit: number): Promise<SharedState[]> {
    this.#life.requireOpen()
    return this.#shared.old(before, limit)
  }

  async readQueues(queues: readonly string[]): Promise<(QueueStanding | undefined)[]> {
    this.#life.requireOpen()
    return queues.map((queue) => this.#queues.read(queue))
  }

  async changeQueues(changes: readonly QueueChange[]): Promise<QueueChanged[]> {
    this.#life.requireOpen()
    const changed = changes.map((change) => this.#queues.change(change))
    if (changed.length > 0) this.#emit({ type: 'work' })
    return changed
  }

  async queueNames(limit: number): Promise<string[]> {
    const queues = this.#open().queues()
    return [...new Set([...this.#queues.restricted, ...queues])].slice(0, limit)
  }

  async backlog(requests: readonly BacklogRequest[]): Promise<QueueBacklog[]> {
    this.#life.requireOpen()
    return requests.map((request) => this.#executions.backlog(request))
  }

  async readyKeys(queue: string, after: string | undefined, limit: number): Promise<string[]> {
    return this.#open().readyKeys(queue, after, limit)
  }

  async getResults(keys: readonly string[]): Promise<(ResultState | undefined)[]> {
    this.#life.requireOpen()
    return keys.map((key) => this.#results.get(key))
  }

  async claimResults(claims: readonly ResultClaim[]): Promise<ResultState[]> {
    this.#life.requireOpen()
    return claims.map((claim) => this.#results.claim(claim))
  }

  async commitResults(commits: readonly ResultCommit[]): Promise<boolean[]> {
    this.#life.requireOpen()
    return commits.map((commit) => this.#results.commit(commit))
  }

  async purgeResults(limit: number): Promise<number> {
    this.#life.requireOpen()
    return this.#results.purge(limit)
  }

  async subscribe(listener: (hint: StoreHint) => void): Promise<() => Promise<void>> {
    this.#life.requireOpen()
    this.#listeners.add(listener)
    return async () => void this.#listeners.delete(listener)
  }

  /** The executions, while the store is open. @throws StoreError */
  #open(): MemoryExecutions {
    this.#life.requireOpen()
    return this.#executions
  }
}
