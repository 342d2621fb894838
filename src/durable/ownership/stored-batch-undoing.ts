import { append } from '../../core/append.ts'
import { CompensationError, SerializationError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { BatchFrame } from '../../runtime/batch/batch-options.ts'
import type { BatchUndo } from '../../runtime/batch/batch-undoing.ts'
import { undoStages } from '../../runtime/batch/undo-stages.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { Compensation } from '../../runtime/execution/compensation.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import { pauseAfter } from '../../runtime/store-access/store-patience.ts'
import { isUndoOver } from '../records/batch-undos.ts'
import type { StepPages } from '../records/step-pages.ts'
import { keptBeside } from '../records/undo-records.ts'
import { undoneItemOf } from './undone-item.ts'
import type { UndoneBatch } from './undone-item.ts'

/** A batch whose completed items are undone from its records. */
export interface StoredBatchParts extends Omit<UndoneBatch, 'whole' | 'options'> {
  readonly frame: Pick<BatchFrame, 'plan' | 'options' | 'concurrency'>
  readonly keys: readonly string[]
  readonly pages: StepPages
}

// What is in memory at once of the records of items that are undone: as many items, and as many bytes of their values.
const itemsAtOnce = 10_000
const bytesAtOnce = 32 * 1024 * 1024
// Whoever runs all of its items at once does not undo them all at once.
const mostConcurrent = 1_000
/** So many errors stand beside the one that a batch ends with; the records have all. */
const mostErrors = 100

/**
 * Undoes what a batch did: parts that live here, and, in portions, what is on record alone. What items share is undone between them where some of their
 * steps were made of it.
 */
export class StoredBatchUndoing implements BatchUndo {
  readonly done: Promise<readonly CompensationError[]>
  readonly #batch: StoredBatchParts
  readonly #items: UndoneBatch
  readonly #live: readonly Execution[]
  readonly #reason: unknown
  readonly #running = new Set<Compensation>()
  readonly #errors: CompensationError[] = []
  #isGivenUp = false

  constructor(batch: StoredBatchParts, live: readonly Execution[], reason: unknown) {
    this.#batch = batch
    const { plan, options } = batch.frame
    const itemOptions = { ...options, timeoutMs: undefined, deadline: undefined, signal: undefined }
    this.#items = { ...batch, whole: plan.whole, options: itemOptions }
    this.#live = live
    this.#reason = reason
    this.done = this.#run()
  }

  giveUp(reason: unknown): void {
    this.#isGivenUp = true
    for (const compensation of this.#running) compensation.giveUp(reason)
  }

  async #run(): Promise<readonly CompensationError[]> {
    const {
      recorder,
      frame: { plan },
    } = this.#batch
    // Before anything is undone it is on record why: whoever goes on with it must not bring it to another end.
    await recorder.noteCompensating(this.#reason, undefined)
    await recorder.idle()
    for (const { shared, items } of undoStages(plan.whole, plan.shared)) {
      if (this.#isGivenUp) break
      const live = this.#undo(this.#live, new Set([...shared, ...items]))
      if (items.size > 0) await this.#undoItems(items)
      await live
    }
    // Given up meanwhile, it never ends here.
    if (this.#isGivenUp) await new Promise(() => {})
    return this.#errors
  }

  async #undo(parts: readonly Execution[], steps: ReadonlySet<string>): Promise<void> {
    if (this.#isGivenUp) return
    const compensation = new Compensation(this.#batch.frame.plan.whole, parts, () => this.#reason, steps)
    this.#running.add(compensation)
    append(this.#errors, (await compensation.done).slice(0, mostErrors - this.#errors.length))
    this.#running.delete(compensation)
  }

  async #undoItems(steps: ReadonlySet<string>): Promise<void> {
    const sizes = await this.#sizes(steps)
    let portion = new Set<string>()
    let bytes = 0
    for (const [item, size] of sizes) {
      portion.add(item)
      bytes += size
      if (portion.size < itemsAtOnce && bytes < bytesAtOnce) continue
      await this.#undoPortion(portion, steps)
      portion = new Set()
      bytes = 0
    }
    if (portion.size > 0) await this.#undoPortion(portion, steps)
  }

  /** Of the items that are on record alone, and have something to undo, how many bytes the values are that are needed for that. */
  async #sizes(steps: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
    const here = new Set(this.#live.map(({ setup: { itemKey } }) => itemKey ?? ''))
    const found = new Map<string, { bytes: number; left: number }>()
    await this.#eachPage(
      () => found.clear(),
      (record) => {
        const { item, output } = record
        const kept = keptBeside(record)
        if (here.has(item) || !steps.has(kept?.step ?? record.step)) return
        const known = found.get(item) ?? { bytes: 0, left: 0 }
        known.bytes += output?.length ?? 0
        if (kept?.as === 'inputs') known.left++
        else if (kept?.as === 'undo' && isUndoOver(record)) known.left--
        found.set(item, known)
      },
    )
    return new Map([...found].flatMap(([item, { bytes, left }]) => (left > 0 ? [[item, bytes] as const] : [])))
  }

  async #undoPortion(portion: ReadonlySet<string>, steps: ReadonlySet<string>): Promise<void> {
    const records = new Map<string, StepRecord[]>()
    await this.#eachPage(
      () => records.clear(),
      (record) => {
        if (!portion.has(record.item) || !steps.has(keptBeside(record)?.step ?? record.step)) return
        const known = records.get(record.item)
        if (known === undefined) records.set(record.item, [record])
        else known.push(record)
      },
    )
    const { connection, keys, frame } = this.#batch
    const indexes = new Map(keys.flatMap((key, index) => (portion.has(key) ? [[key, index] as const] : [])))
    const turn = turnOf(connection.clock)
    const left = records.entries()
    const undoNext = async (): Promise<void> => {
      for (const [key, of] of left) {
        if (this.#isGivenUp) return
        if (turn.mustYield()) await turn.next()
        await this.#undoItem({ key, index: indexes.get(key) ?? -1 }, of, steps)
      }
    }
    const together = Math.min(frame.concurrency, mostConcurrent, records.size)
    await Promise.all(Array.from({ length: together }, undoNext))
  }

  async #undoItem(
    item: { readonly index: number; readonly key: string },
    records: readonly StepRecord[],
    steps: ReadonlySet<string>,
  ): Promise<void> {
    try {
      await this.#undo([await undoneItemOf(this.#items, item, records)], steps)
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      const {
        right: { id },
        frame,
      } = this.#batch
      const message = `what item "${item.key}" did could not be undone, since its records can't be read: ${describeThrown(error)}`
      const place = { graph: frame.plan.whole.index.graph.name, executionId: id, item: item.index }
      if (this.#errors.length < mostErrors) this.#errors.push(new CompensationError(message, place, error))
    }
  }

  /** Reads all records, for as long as it takes; `begin` is called before each try. */
  async #eachPage(begin: () => void, take: (record: StepRecord) => void): Promise<void> {
    const { connection, pages, right } = this.#batch
    for (let tries = 0; !this.#isGivenUp; tries++) {
      try {
        begin()
        await pages((records) => {
          for (const record of records) take(record)
        })
        return
      } catch (error) {
        connection.failures.of(`reading what batch "${right.id}" did, to undo it`)(error)
        await sleep(connection.clock, pauseAfter(tries), { unref: true })
      }
    }
  }
}
