import { firstRecord } from '../../src/core/contracts/first-record.ts'
import type { Store, StoreHint } from '../../src/core/contracts/store.ts'
import type { CheckpointRecord, CheckpointRequest } from '../../src/core/contracts/checkpoint-record.ts'
import type {
  ListedMessage,
  MailboxRequest,
  MailRequest,
  Message,
  NewMessage,
  PostVerdict,
  Receipt,
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
import { headOf, unparked } from '../../src/core/contracts/parking.ts'
import { judge, receiptsIn, slotReceipt } from '../../src/core/contracts/receipts.ts'
import type { CountRequest, StatusCounts } from '../../src/core/contracts/execution-count.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import type { BacklogRequest, QueueBacklog } from '../../src/core/contracts/queue-record.ts'
import { chooseReady, countBacklog } from './acquirer.ts'
import { CheckpointList } from './checkpoint-list.ts'
import { ExecutionIndex } from './execution-index.ts'
import type { MemoryOutbox } from './outbox.ts'
import type { MemoryQueues } from './queues.ts'
import { LineageIndex } from './lineage-index.ts'
import { StepList } from './step-list.ts'

interface Entry {
  record: ExecutionRecord
  /** The number of the last call that wrote to it in its epoch. */
  sequence: number
  readonly steps: StepList
  readonly checkpoints: CheckpointList
  mail: Message[]
  /** By id and slot of messages: the verdict on the next one. */
  readonly receipts: Map<string, PostVerdict>
}

const pageSize = 1_000

/** Executions with their step records and mailboxes, in memory. */
export class MemoryExecutions {
  readonly #entries = new Map<string, Entry>()
  readonly #index = new ExecutionIndex()
  readonly #withMail = new Set<string>()
  readonly #children = new LineageIndex()
  readonly #forks = new LineageIndex()
  readonly #isAlive: (owner: string) => boolean
  readonly #now: () => number
  readonly #emit: (hint: StoreHint) => void
  readonly #outbox: MemoryOutbox
  readonly #queues: MemoryQueues
  #messages = 0

  constructor(
    isAlive: (owner: string) => boolean,
    now: () => number,
    emit: (hint: StoreHint) => void,
    outbox: MemoryOutbox,
    queues: MemoryQueues,
  ) {
    this.#outbox = outbox
    this.#queues = queues
    this.#isAlive = isAlive
    this.#now = now
    this.#emit = emit
  }

  get(id: string): ExecutionRecord | undefined {
    return this.#entries.get(id)?.record
  }

  hasUnfinishedOf(owner: string): boolean {
    return this.#index.hasUnfinishedOf(owner)
  }

  create(executions: readonly NewExecution[]): (ExecutionRecord | undefined)[] {
    return executions.map((created) => {
      const known = this.get(created.id)
      if (known !== undefined) return known
      const { steps = [], checkpoints: written } = created
      const checkpoints = new CheckpointList()
      checkpoints.change([], written)
      const record = firstRecord(created)
      const begun = new StepList()
      for (const step of steps) begun.put(step)
      const { sequence = 0 } = created
      this.#entries.set(created.id, { record, sequence, steps: begun, checkpoints, mail: [], receipts: new Map() })
      this.#index.add(record)
      this.#children.add(record.parent, record.id)
      this.#forks.add(record.forkedFrom, record.id)
      if (record.owner === undefined) this.#emit({ type: 'work' })
      return undefined
    })
  }

  commit(commit: ExecutionCommit): boolean | 'unread' {
    const { id, at, sequence = 0, steps, consumed, openedSlots, park } = commit
    const entry = this.#ownedBy(commit)
    if (entry === undefined) return false
    if (park !== undefined && entry.mail.some(({ seq }) => seq > park.lastSeq)) return 'unread'
    for (const step of steps) entry.steps.put(step)
    if (consumed !== undefined && consumed.length > 0) {
      const gone = new Set(consumed)
      entry.mail = entry.mail.filter(({ seq }) => !gone.has(seq))
      if (entry.mail.length === 0) this.#withMail.delete(id)
    }
    for (const { name, verdict } of receiptsIn(commit)) if (!entry.receipts.has(name)) entry.receipts.set(name, verdict)
    for (const slot of openedSlots ?? [])
      if (!entry.mail.some((message) => message.slot === slot)) entry.receipts.delete(slotReceipt(slot))
    this.#outbox.add(id, commit.outgoing)
    entry.checkpoints.change(commit.droppedCheckpoints, commit.checkpoints)
    const { isReleased, ...changes } = headOf(commit) ?? {}
    const before = entry.record
    entry.sequence = sequence
    this.#replace(entry, {
      ...before,
      ...changes,
      owner: isReleased === true ? undefined : before.owner,
      updatedAt: at,
    })
    const { status } = entry.record
    if (isTerminal(status) && !isTerminal(before.status)) this.#emit({ type: 'ended', execution: id })
    if (isReleased === true && park === undefined && !isTerminal(status)) this.#emit({ type: 'work' })
    for (const name of commit.awaited ?? []) this.#emit({ type: 'answered', execution: id, name })
    return true
  }

  acquire(request: AcquireRequest): AcquiredExecution[] {
    const { owner, ids, sequence = 0 } = request
    const chosen = ids === undefined ? chooseReady(this.#choosing, request) : this.#byId(ids, request)
    return chosen.map(({ id }) => {
      const entry = this.#entries.get(id)!
      const { record } = entry
      const wasLost = record.owner !== undefined && record.owner !== owner && !isTerminal(record.status)
      entry.sequence = sequence
      this.#replace(entry, {
        ...record,
        ...unparked,
        owner,
        epoch: record.epoch + 1,
        recoveries: record.recoveries + (wasLost ? 1 : 0),
      })
      return { execution: entry.record, wasLost }
    })
  }

  /** The queues that have something unfinished. */
  *queues(): Iterable<string> {
    yield* this.#index.queues()
    for (const ids of this.#index.unfinished.values()) for (const id of ids) yield this.get(id)!.queue
  }

  backlog(request: BacklogRequest): QueueBacklog {
    return countBacklog(this.#choosing, request)
  }

  readyKeys(queue: string, after: string | undefined, limit: number): string[] {
    const keys = [...this.#index.ready.keys(queue)]
    return keys
      .filter((key) => after === undefined || key > after)
      .sort()
      .slice(0, limit)
  }

  #byId(
    ids: readonly string[],
    { owner, sequence = 0, andEnded, andOwn, except, limit }: AcquireRequest,
  ): readonly ExecutionRecord[] {
    const left = new Set(except)
    const isFree = (id: string, other: string | undefined): boolean => {
      if (other === undefined) return true
      return other === owner ? andOwn === true && sequence >= this.#sequenceOf(id) : !this.#isAlive(other)
    }
    return [...new Set(ids)]
      .flatMap((id) => this.get(id) ?? [])
      .filter(
        ({ id, owner: last, status }) =>
          isFree(id, last) && !left.has(id) && (andEnded === true || !isTerminal(status)),
      )
      .toSorted((one, other) => newestFirst(other, one))
      .slice(0, limit)
  }

  list(query: ExecutionQuery): ExecutionRecord[] {
    const { after, limit } = query
    return this.#matching(query)
      .filter((record) => after === undefined || newestFirst(after, record) < 0)
      .toSorted(newestFirst)
      .slice(0, limit)
  }

  count(request: CountRequest): StatusCounts {
    const counts: Partial<Record<ExecutionStatus, number>> = {}
    for (const { status } of this.#matching(request)) counts[status] = Math.min(request.upTo, (counts[status] ?? 0) + 1)
    return counts
  }

  #matching(query: Omit<CountRequest, 'upTo'>): ExecutionRecord[] {
    const { statuses, graph, parent, forkedFrom, queue, key, errorCode, createdFrom, createdBefore } = query
    const ids = parent === undefined ? undefined : this.#children.of(parent)
    const found = ids ?? (forkedFrom === undefined ? this.#entries.keys() : this.#forks.of(forkedFrom))
    return [...found]
      .map((id) => this.#entries.get(id)!.record)
      .filter(
        (record) =>
          (statuses === undefined || statuses.includes(record.status)) &&
          (graph === undefined || record.graph === graph) &&
          (forkedFrom === undefined || record.forkedFrom === forkedFrom) &&
          (queue === undefined || record.queue === queue) &&
          (key === undefined || record.key === key) &&
          (errorCode === undefined || record.errorCode === errorCode) &&
          (createdFrom === undefined || record.createdAt >= createdFrom) &&
          (createdBefore === undefined || record.createdAt < createdBefore),
      )
  }

  overdue(before: number, limit: number): string[] {
    return this.#index.overdue(before, limit)
  }

  readSteps(ids: readonly string[], next: string | undefined): StepPage {
    const [first, from] = next === undefined ? [0, 0] : (JSON.parse(next) as [first: number, from: number])
    const steps: StepPage['steps'][number][] = []
    let start = from
    for (let index = first; index < ids.length; index++, start = 0) {
      const execution = ids[index]!
      const list = this.#entries.get(execution)?.steps
      if (list === undefined) continue
      const end = start + pageSize - steps.length
      for (const step of list.slice(start, end)) steps.push({ ...step, execution })
      if (end < list.size) return { steps, next: JSON.stringify([index, end]) }
    }
    return { steps, next: undefined }
  }

  readCheckpoints(request: CheckpointRequest): CheckpointRecord[] {
    return this.#entries.get(request.execution)?.checkpoints.read(request) ?? []
  }

  delete(fence: ExecutionFence): boolean {
    const entry = this.#ownedBy(fence)
    if (entry === undefined) return false
    this.#remove(entry.record)
    return true
  }

  /** The entry that an owner may write to, unless it has written there what it sent later. */
  #ownedBy({ id, owner, epoch, sequence = 0 }: ExecutionFence): Entry | undefined {
    const entry = this.#entries.get(id)
    if (entry?.record.owner !== owner || entry.record.epoch !== epoch) return undefined
    return sequence < entry.sequence ? undefined : entry
  }

  purge({ statuses, endedBefore, limit }: Parameters<Store['purge']>[0]): number {
    let purged = 0
    for (const { record } of this.#entries.values()) {
      if (purged >= limit) break
      const { status, endedAt, owner } = record
      if (!isTerminal(status) || !statuses.includes(status) || endedAt === undefined || endedAt >= endedBefore) continue
      if (owner !== undefined && this.#isAlive(owner)) continue
      if (this.#isAwaited(record, endedAt)) continue
      this.#remove(record)
      purged++
    }
    return purged
  }

  /** Whether it is a child whose parent may still wait for it. */
  #isAwaited({ parent }: ExecutionRecord, endedAt: number): boolean {
    const record = parent === undefined ? undefined : this.#entries.get(parent)?.record
    if (record === undefined || isTerminal(record.status)) return false
    return record.parkedAt === undefined || record.parkedAt <= endedAt
  }

  post(message: NewMessage): PostVerdict {
    const entry = this.#entries.get(message.execution)
    if (entry === undefined) return 'unknown'
    const hasEnded = isTerminal(entry.record.status)
    const { verdict, isRepeated, receipts } = judge(message, hasEnded, (name) => entry.receipts.get(name))
    for (const [name, next] of receipts) entry.receipts.set(name, next)
    if (verdict === 'accepted' && !isRepeated) {
      const { andEnded: _, ...kept } = message
      entry.mail.push({ ...kept, seq: ++this.#messages })
      this.#withMail.add(message.execution)
      if (entry.record.parkedAt !== undefined) {
        this.#replace(entry, { ...entry.record, ...unparked })
        this.#emit({ type: 'work' })
      }
    }
    if (verdict === 'accepted' && entry.record.owner !== undefined)
      this.#emit({ type: 'mail', owner: entry.record.owner })
    return verdict
  }

  receiptsOf(execution: string): Receipt[] {
    return [...(this.#entries.get(execution)?.receipts ?? [])].map(([name, verdict]) => ({ name, verdict }))
  }

  readMail({ owner, executions, after, limit }: MailRequest): Message[] {
    const named = executions === undefined ? undefined : new Set(executions)
    return [...this.#withMail]
      .filter((id) => named?.has(id) !== false)
      .flatMap((id) => this.#entries.get(id) ?? [])
      .filter(({ record }) => record.owner === owner)
      .flatMap(({ record, mail }) => {
        const position = after?.get(record.id)
        const unread = position === undefined ? mail : mail.filter((one) => one.seq > position[one.class])
        return [...unread.filter(isControl), ...unread.filter((one) => !isControl(one))]
      })
      .slice(0, limit)
  }

  listMail({ execution, after = 0, limit, payloads }: MailboxRequest): ListedMessage[] {
    const mail = this.#entries.get(execution)?.mail ?? []
    return mail
      .filter(({ seq }) => seq > after)
      .slice(0, limit)
      .map(({ payload, ...message }) => ({
        ...message,
        payload: payloads === true ? payload : undefined,
        bytes: payload === undefined ? 0 : Buffer.byteLength(payload),
      }))
  }

  get #choosing(): Parameters<typeof chooseReady>[0] {
    return {
      index: this.#index,
      queues: this.#queues,
      isAlive: this.#isAlive,
      now: this.#now,
      get: (id) => this.get(id),
      sequenceOf: (id) => this.#sequenceOf(id),
      unpark: (id) => {
        const entry = this.#entries.get(id)!
        this.#replace(entry, { ...entry.record, ...unparked })
      },
    }
  }

  #sequenceOf(id: string): number {
    return this.#entries.get(id)!.sequence
  }

  #replace(entry: Entry, record: ExecutionRecord): void {
    this.#index.delete(entry.record)
    entry.record = record
    this.#index.add(record)
  }

  #remove(record: ExecutionRecord): void {
    this.#entries.delete(record.id)
    this.#withMail.delete(record.id)
    this.#index.delete(record)
    this.#children.delete(record.parent, record.id)
    this.#forks.delete(record.forkedFrom, record.id)
  }
}

function isControl(message: Message): boolean {
  return message.class === 'control'
}

type Place = Pick<ExecutionRecord, 'createdAt' | 'id'>

function newestFirst(one: Place, other: Place): number {
  return other.createdAt - one.createdAt || (one.id < other.id ? 1 : one.id > other.id ? -1 : 0)
}
