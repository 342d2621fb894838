import type { ItemPlan } from '../../core/graph/batch-plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { Execution } from '../execution/execution.ts'
import type { ExecutionSetup, ResolvedOptions } from '../execution/execution-setup.ts'
import type { BatchPart } from '../execution/part.ts'
import type { ResultCache } from '../results/result-cache.ts'
import type { Undoings } from '../results/undoings.ts'
import { ItemAdmission } from './item-admission.ts'
import type { SlotPool } from '../collections/slot-pool.ts'
import type { Turn } from '../environment/turn.ts'

/** What an item needs of its batch. */
export interface ItemHost {
  readonly itemOptions: ResolvedOptions
  readonly memory: { readonly cache: ResultCache | undefined; readonly undoings?: Undoings | undefined }
  readonly pool: SlotPool
  readonly intake: Pick<BatchPart, 'caller'>
  readonly turn: Turn
  readonly whole: Plan
  /** Counts the steps of all parts; undefined where none can wait. */
  readonly waits: BatchPart['waits']
  /** Whether nothing of the batch may begin any more. */
  readonly isOver: boolean
  /** Whether the batch undoes what the item did, since it ends itself. */
  undoLater(item: BatchItem): boolean
  /** How many items have failed so far. */
  readonly failed: number
  onItemSucceeded(item: number, open: BatchItem | undefined, value: unknown): void
  onItemFailed(item: number, open: BatchItem | undefined, error: unknown): void
  onFailing(error: unknown, item: number): void
  onItemFilled(item: BatchItem, slot: number, value: unknown): void
  onItemDenied(item: BatchItem, slot: number, error: unknown): void
}

/**
 * One item that is under way: what its execution is given, and what ties that to the batch. One object with methods, where a setup with
 * six closures would be plainer: there may be millions of items, and each pays for what it is made of.
 */
export class BatchItem implements ExecutionSetup, BatchPart {
  readonly plan: Plan
  readonly options: ResolvedOptions
  readonly cache: ResultCache | undefined
  readonly item: number
  readonly itemPlan: ItemPlan
  readonly admission: ItemAdmission
  readonly execution: Execution
  /** Its place among those under way; -1 when it is none. */
  place = -1
  readonly #host: ItemHost

  /** `durable` is what a durable batch adds to the setup: put on the item itself, so that each of very many items is one object. */
  constructor(host: ItemHost, item: number, itemPlan: ItemPlan, durable: Partial<ExecutionSetup> | undefined) {
    this.#host = host
    this.plan = itemPlan.plan
    this.options = host.itemOptions
    this.cache = host.memory.cache
    this.item = item
    this.itemPlan = itemPlan
    this.admission = new ItemAdmission(host.pool, host.turn)
    if (durable !== undefined) Object.assign(this, durable)
    this.execution = new Execution(this)
  }

  get undoings(): Undoings | undefined {
    return this.#host.memory.undoings
  }

  get part(): BatchPart {
    return this
  }

  get whole(): Plan {
    return this.#host.whole
  }

  get caller(): BatchPart['caller'] {
    return this.#host.intake.caller
  }

  get waits(): BatchPart['waits'] {
    return this.#host.waits
  }

  hasEnded(): boolean {
    return this.#host.isOver
  }

  failedItems(): number {
    return this.#host.failed
  }

  undoLater(): boolean {
    return this.#host.undoLater(this)
  }

  onCompleted(value: unknown): void {
    this.#host.onItemSucceeded(this.item, this, value)
  }

  onFailed(error: unknown): void {
    this.#host.onItemFailed(this.item, this, error)
  }

  onFailing(error: unknown): void {
    this.#host.onFailing(error, this.item)
  }

  onFilled(slot: number, value: unknown): void {
    this.#host.onItemFilled(this, slot, value)
  }

  onDenied(slot: number, error: unknown): void {
    this.#host.onItemDenied(this, slot, error)
  }
}
