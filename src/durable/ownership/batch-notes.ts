import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { ItemOutcome } from '../../runtime/batch/batch-setup.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { itemsStep } from '../records/batch-items.ts'
import type { ItemsChunk } from '../records/batch-items.ts'
import { outcomeRecordOf } from '../records/outcome-record.ts'
import { itemStep, targetStep } from '../records/restore-batch.ts'
import type { RestoredBatch } from '../records/restore-batch.ts'
import type { BatchRecorder } from './batch-recorder.ts'

/** What the notes of a batch are about. */
interface NotedBatch {
  readonly connection: StoreConnection
  readonly recorder: BatchRecorder
  readonly id: string
  readonly plan: BatchPlan
  /** The items' names in the records. */
  readonly keys: readonly string[]
  readonly restored: RestoredBatch | undefined
  /** Which life of the batch it is. */
  readonly life: number
  readonly hasFormerTarget: boolean
  /** Whether somebody looks at its items as actors. */
  readonly isLookedAt: boolean
}

/** What is written of a batch itself: its items, and what became of each where no step has written that. */
export class BatchNotes {
  readonly #batch: NotedBatch
  /** The step that makes the target. */
  readonly #producer: string | undefined
  /** Whether all items come to the same, made by steps that they share. */
  readonly #isTargetShared: boolean
  /** Whether an item whose target an earlier process has made needs no execution any more: nobody looks at it, nothing else waits for its values. */
  readonly #isTargetEnough: boolean
  #hasNotedTarget = false
  /** Records that are on their way. */
  #writing = 0
  #notes: Promise<unknown> = Promise.resolve()

  constructor(batch: NotedBatch) {
    const { plan, isLookedAt, hasFormerTarget } = batch
    const target = plan.whole.target.name
    this.#batch = batch
    this.#producer = plan.whole.index.producers.get(target)?.name
    const mayUndoLosers = plan.whole.racers !== undefined && plan.whole.compensates
    this.#isTargetEnough =
      this.#producer !== undefined && !plan.needsAll && !mayUndoLosers && !isLookedAt && !hasFormerTarget
    this.#isTargetShared = plan.imports.includes(plan.shared.slots.get(target) ?? -1)
  }

  get isIdle(): boolean {
    return this.#writing === 0
  }

  /** What became of an item in an earlier life. */
  outcomeOf(item: number): ItemOutcome | undefined {
    const { restored, keys } = this.#batch
    if (restored === undefined) return undefined
    const key = keys[item]!
    const known = restored.outcomes.get(key)
    if (known !== undefined || !this.#isTargetEnough || restored.outdated.has(key)) return known
    const made = restored.views.get(this.#producer!, key)
    return made?.status === 'completed' || made?.status === 'cached' ? { value: made.output } : undefined
  }

  /** Nothing runs before all items are written: another process could not go on. */
  writeItems(chunks: readonly ItemsChunk[], isOver: () => boolean): Promise<void> {
    return this.busyWith(this.#writeChunks(chunks, isOver))
  }

  async #writeChunks(chunks: readonly ItemsChunk[], isOver: () => boolean): Promise<void> {
    for (const [index, chunk] of chunks.entries()) {
      if (isOver()) return
      const record = await this.#recordOf(itemsStep, String(index), { value: chunk })
      await this.#batch.recorder.commits.write({ steps: [record] })
    }
  }

  /** Notes what no step has written: a value that is given, falls back or is not persisted, and an error. `closedSlots`: of signals that the item waits for no more. */
  note(item: number, outcome: ItemOutcome, closedSlots: readonly string[]): void {
    const steps = this.#recordsFor(item, outcome)
    if (steps.length === 0 && closedSlots.length === 0) return
    const { commits } = this.#batch.recorder
    const note = this.busyWith(Promise.all(steps).then((made) => commits.write({ steps: made, closedSlots })))
    const notes = Promise.all([this.#notes, note])
    notes.catch(() => {})
    this.#notes = notes
  }

  #recordsFor(item: number, outcome: ItemOutcome): readonly Promise<StepRecord>[] {
    const { keys, restored } = this.#batch
    const key = keys[item]!
    const records: Promise<StepRecord>[] = []
    if (this.#isTargetShared && 'value' in outcome) {
      if (!this.#hasNotedTarget && !this.#isWritten('')) records.push(this.#recordOf(targetStep, '', outcome))
      this.#hasNotedTarget = true
      // What the item failed with in an earlier life would be taken for its own.
      if (restored?.outdated.has(key) !== true) return records
    }
    if (!('value' in outcome) || !this.#isWritten(key)) records.push(this.#recordOf(itemStep, key, outcome))
    return records
  }

  /** Resolves when all that was noted is written; rejects where something could not be. */
  async settled(): Promise<void> {
    await this.#notes
  }

  /** Whether a step has written the target, and nothing else is recorded in its place. */
  #isWritten(key: string): boolean {
    const { restored, hasFormerTarget, recorder } = this.#batch
    if (hasFormerTarget || restored?.outdated.has(key) === true) return false
    const status = this.#producer === undefined ? undefined : restored?.views.get(this.#producer, key)?.status
    return status === 'completed' || status === 'cached' || recorder.written.has(key)
  }

  /** An orderly close waits for it. */
  async busyWith(work: Promise<void>): Promise<void> {
    this.#writing++
    try {
      await work
    } finally {
      this.#writing--
    }
  }

  #recordOf(step: string, item: string, outcome: ItemOutcome): Promise<StepRecord> {
    const { connection, id, plan, life } = this.#batch
    return outcomeRecordOf(connection, { id, target: plan.whole.target.name, life }, { step, item }, outcome)
  }
}
