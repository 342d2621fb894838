import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { takersOf } from '../../core/graph/plan.ts'
import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import { isUndoOver } from './batch-undos.ts'
import type { BatchUndos } from './batch-undos.ts'
import { droppedRecord } from './migrate-records.ts'
import type { StepPages } from './step-pages.ts'
import { forgottenRecord, keptBeside, undoneRecordsOf } from './undo-records.ts'

const nothing: ReadonlySet<string> = new Set()

/** What of a batch that begins again was undone, and what is made of that: its records serve nobody any more. */
export class BatchAnew {
  readonly #plan: BatchPlan
  readonly #shared: ReadonlySet<string>
  readonly #isUndoneWhole: boolean
  readonly #undone = new Map<string, Set<string>>()
  readonly #made = new Map<string, ReadonlySet<string>>()

  /** `isUndoneWhole`: whether it failed or was cancelled, and not only items of it. */
  constructor(plan: BatchPlan, isUndoneWhole: boolean) {
    this.#plan = plan
    this.#shared = new Set(plan.shared.steps.map(({ spec }) => spec.name))
    this.#isUndoneWhole = isUndoneWhole
  }

  /** Takes a record that is kept beside that of a step. */
  take(record: StepRecord): void {
    const kept = keptBeside(record)
    if (kept?.as !== 'undo' || !isUndoOver(record)) return
    const known = this.#undone.get(record.item)
    if (known === undefined) this.#undone.set(record.item, new Set([kept.step]))
    else known.add(kept.step)
  }

  /** The steps of an item, or, under '', of what all share, that begin anew. */
  of(item: string): ReadonlySet<string> {
    if (this.#undone.size === 0) return nothing
    const own = this.#undone.get(item) ?? nothing
    const shared = this.#isUndoneWhole ? this.#sharedAnew : nothing
    const seeds = item === '' ? shared : new Set([...own, ...shared])
    if (seeds.size === 0) return nothing
    const key = [...seeds].toSorted().join('\n')
    let made = this.#made.get(key)
    if (made === undefined) this.#made.set(key, (made = this.#madeOf(seeds)))
    return made
  }

  /** Writes that nothing of it is served, and then that its undoings are those of a life that is over: in this order, so that whoever dies between can begin once more. */
  async write(
    pages: StepPages,
    undos: BatchUndos,
    at: number,
    itemStep: string,
    write: (steps: readonly StepRecord[]) => Promise<void>,
  ): Promise<void> {
    if (this.#undone.size === 0) return
    await pages(async (records) => {
      const changes = records.flatMap((record) => {
        const { step, item, status } = record
        if (keptBeside(record) !== undefined) return []
        const anew = this.of(item)
        if (step === itemStep) return anew.size > 0 && status === 'completed' ? [droppedRecord(record, at)] : []
        return anew.has(step) ? undoneRecordsOf({ step, item }, undos.countOf(step, item), at) : []
      })
      if (changes.length > 0) await write(changes)
    })
    await pages(async (records) => {
      const over = records.filter(
        (record) => keptBeside(record)?.as === 'undo' && (this.#isUndoneWhole || this.#undone.has(record.item)),
      )
      if (over.length > 0) await write(over.map(forgottenRecord))
    })
  }

  /** Shared steps that were undone, or are made of what was, of items too. */
  get #sharedAnew(): ReadonlySet<string> {
    const known = this.#made.get('')
    if (known !== undefined) return known
    const all = new Set([...this.#undone.values()].flatMap((steps) => [...steps]))
    const made = new Set([...this.#madeOf(all)].filter((step) => this.#shared.has(step)))
    this.#made.set('', made)
    return made
  }

  #madeOf(seeds: ReadonlySet<string>): ReadonlySet<string> {
    const { whole } = this.#plan
    const found = new Set(whole.steps.filter(({ spec }) => seeds.has(spec.name)))
    for (const { outputSlot } of found)
      for (const position of takersOf(whole, outputSlot)) found.add(whole.steps[position]!)
    return new Set([...found].map(({ spec }) => spec.name))
  }
}
