import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { misfitOfState } from '../../runtime/steps/machine-state.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { BatchFrame } from '../../runtime/batch/batch-options.ts'
import type { ItemOutcome } from '../../runtime/batch/batch-setup.ts'
import { unbegunStep } from '../../runtime/execution/execution-view.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import { split } from '../../runtime/inputs/given-inputs.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { StepViews } from './step-views.ts'
import { BatchAnew } from './batch-anew.ts'
import { BatchUndos } from './batch-undos.ts'
import { isLeftUnknown, keptBeside } from './undo-records.ts'
import { ItemsReader, itemsStep } from './batch-items.ts'
import { outcomeOf } from './outcome-record.ts'
import type { BatchItems } from './batch-items.ts'
import {
  attemptsOf,
  misfitIn,
  misfitsOf,
  nowMade,
  openRecordOf,
  specsByName,
  unneededUnfinished,
  viewOf,
} from './restore-execution.ts'
import type { ResumeCause } from './restore-execution.ts'
import { isTriedAnew, retriedRecords } from './retried-records.ts'
import type { StepPages } from './step-pages.ts'
import type { BatchHead } from './batch-head.ts'
import { isUnfinished } from './unfinished-records.ts'
import { isPromise } from '../../core/own-promise.ts'

/** Records of a batch under names that no step can have, as that of its items: what became of each item, and what became of all where that is the same. */
export const itemStep = '$item'
export const targetStep = '$target'

const ownSteps: ReadonlySet<string> = new Set([itemsStep, itemStep, targetStep])

/** What a batch has done, by its records. */
export interface RestoredBatch {
  /** Steps that are done; under '' those that all items share. */
  readonly views: Pick<StepViews, 'of' | 'get'>
  /** What became of items that are not run again. */
  readonly outcomes: ReadonlyMap<string, ItemOutcome>
  /** Keys of items that are run again although an outcome is recorded, which will not hold; '' stands for the one of all. */
  readonly outdated: ReadonlySet<string>
  /** Steps and items whose results were found. */
  readonly found: number
  /** Records of steps that have not ended, as they are to be written if nothing else becomes of them. */
  readonly open: readonly StepRecord[]
  /** What the items fail with that are still undone. */
  readonly failing: ReadonlyMap<string, { readonly error: unknown }>
  readonly undos: BatchUndos
}

/** The records of a batch that are of its steps. */
export function stepsOfBatch(steps: readonly StepRecord[]): readonly StepRecord[] {
  return steps.filter(({ step }) => !ownSteps.has(step))
}

/** What a batch was given once for all items. An override whose step is gone is an input now. */
export function givenOnce(
  { shared, overrides = {} }: BatchHead,
  graph: AnyGraph,
): Pick<BatchHead, 'shared' | 'overrides'> {
  const { producers } = requireIndex(graph)
  const [overriding, inputs] = split(
    overrides,
    Object.keys(overrides).filter((name) => !producers.has(name)),
  )
  return { shared: { ...shared, ...inputs }, overrides: overriding }
}

/** Why items that fitted the graph when the batch began don't fit it any more: those that an outcome is known of don't matter. */
export async function misfitsOfItems(
  { leaves }: BatchHead,
  { items, keys }: BatchItems,
  outcomes: ReadonlyMap<string, ItemOutcome> | undefined,
  { inputs, plan }: Pick<BatchFrame, 'inputs' | 'plan'>,
  turn: Turn,
): Promise<readonly string[]> {
  if (leaves === undefined) return []
  const { graph } = plan.whole.index
  const isDone = (index: number): boolean => outcomes?.has(keys[index]!) === true
  const missing = plan.item.plan.leaves.filter(({ isRequired, type }) => isRequired && !leaves.includes(type.name))
  const refused = new Set(leaves.filter((name) => !inputs.takes(name)))
  if (missing.length + refused.size === 0) return []
  const given = new Set<string>()
  let isAnyLeft = false
  for (const [index, item] of items.entries()) {
    if (turn.mustYield()) await turn.next()
    if (isDone(index)) continue
    isAnyLeft = true
    for (const name of refused) if (isRecord(item) && Object.hasOwn(item, name)) given.add(name)
  }
  if (!isAnyLeft) return []
  const { producers } = requireIndex(graph)
  const named = leaves.filter((name) => given.has(name))
  const made = named.filter((name) => producers.has(name))
  return [
    ...nowMade('input of its items', made, graph),
    ...named.filter((name) => !producers.has(name)).map((name) => `its items give "${name}", which nothing needs now`),
    ...missing.map(({ type }) => `its items were started without "${type.name}", which is needed now`),
  ]
}

/** Whether an item that had failed is tried again; by the key '' what all items share. */
export function isRetriedBy({
  retries = 0,
  retried,
}: Pick<BatchHead, 'retries' | 'retried'>): (item: string) => boolean {
  const named = retried === undefined ? undefined : new Set(retried)
  // What is shared by those that are tried again may be what they failed with.
  return (item) => retries > 0 && (named === undefined || item === '' || named.has(item))
}

/** What a batch's records are read for. */
interface RestorationParts {
  readonly record: ExecutionRecord
  readonly graph: AnyGraph
  /** Undefined where it is clear already that they don't fit: then it is only read why. */
  readonly plan: BatchPlan | undefined
  readonly head: Pick<BatchHead, 'retries' | 'retried' | 'total' | '$names'> | undefined
  readonly cause: ResumeCause
  readonly encoding: ValueEncoding
  readonly turn: Turn
}

/** Takes in what was done of a batch, page after page: nothing is kept of a record but what the batch goes on with. */
export class BatchRestoration {
  readonly #parts: RestorationParts
  readonly #reader: ItemsReader
  readonly #misfits: Set<string>
  readonly #unneeded = new Set<string>()
  readonly #misfitOf: (step: StepRecord) => string | undefined
  readonly #specs: ReturnType<typeof specsByName>
  readonly #needed: ReadonlySet<string>
  readonly #isRetried: (item: string) => boolean
  readonly #outcomes = new Map<string, ItemOutcome>()
  /** The ends of items that succeeded, and of which others may still want what their steps made. */
  readonly #setAside = new Map<string, StepRecord>()
  readonly #outdated = new Set<string>()
  readonly #views = new StepViews()
  /** Each as it was, and as it is to be written. */
  readonly #open: (readonly [StepRecord, StepRecord])[] = []
  readonly #failing = new Map<string, { readonly error: unknown }>()
  readonly undos: BatchUndos
  /** Only of one that begins again, and may have been undone. */
  readonly anew: BatchAnew | undefined
  #undosUnderWay = 0
  #hasRetried = false
  #found = 0
  #failure: { readonly error: unknown } | undefined

  constructor(parts: RestorationParts) {
    const { record, graph, plan, head, encoding, turn } = parts
    this.#parts = parts
    this.#reader = new ItemsReader(record.id, head?.total ?? 0, encoding, turn)
    this.#misfits = new Set(misfitsOf(record, graph))
    this.#misfitOf = misfitIn(graph, parts.cause === 'end' ? undefined : head?.$names)
    this.#specs = specsByName(requireIndex(graph))
    this.#needed = new Set(plan?.whole.steps.map(({ spec }) => spec.name))
    this.#isRetried = isRetriedBy(head ?? {})
    this.undos = new BatchUndos(record.id, encoding)
    if (plan?.whole.compensates === true && parts.cause === 'end')
      this.anew = new BatchAnew(plan, record.status !== 'completed')
  }

  /** Attempts to undo steps that were under way, of which their processes may have died. */
  get undosUnderWay(): number {
    return this.#undosUnderWay
  }

  /** Why the records don't fit the graph. */
  get misfits(): readonly string[] {
    return [...this.#misfits]
  }

  /** Steps that have begun and that the target needs no more. */
  get unneeded(): readonly string[] {
    return [...this.#unneeded]
  }

  async take(steps: readonly StepRecord[]): Promise<void> {
    const { plan, record, turn } = this.#parts
    for (const step of steps) {
      if (turn.mustYield()) await turn.next()
      const kept = keptBeside(step)
      if (kept !== undefined) {
        await this.#takeKept(step, kept)
        continue
      }
      const isOwn = ownSteps.has(step.step)
      // What a batch that is undone did is read when it is undone. What had not ended ends with it.
      if (this.#isCompensating && step.item !== '' && step.step !== itemsStep) {
        if (!isOwn && isUnfinished(step)) this.#open.push([step, step])
        continue
      }
      const misfit = isOwn ? undefined : this.#misfitOf(step)
      if (misfit !== undefined) this.#misfits.add(misfit)
      if (plan === undefined || this.#misfits.size > 0) continue
      if (!isOwn)
        for (const reason of unneededUnfinished([step], this.#needed, record.target)) this.#unneeded.add(reason)
      if (this.#failure !== undefined) continue
      try {
        const taken = isOwn ? this.#takeOwn(step, plan) : this.#takeStep(step)
        if (taken !== undefined) await taken
      } catch (error) {
        // What does not fit says more than what can't be read.
        this.#failure = { error }
      }
    }
  }

  /** The items, or how many of them are there. @throws SerializationError */
  async items(total: number): Promise<BatchItems | number> {
    if (this.#failure !== undefined) throw this.#failure.error
    // Where no item is left, none wants anything of another one any more: their values hold.
    if (this.anew === undefined && !this.#isCompensating && this.#outcomes.size + this.#setAside.size === total)
      for (const step of this.#setAside.values()) {
        this.#outdated.delete(step.item)
        await this.#takeOutcome(step)
      }
    return this.#reader.done(total)
  }

  restored(): RestoredBatch {
    const outcomes = this.#outcomes
    if (this.anew !== undefined) this.#beginAnew(this.anew)
    return {
      views: this.#views,
      outcomes,
      outdated: this.#outdated,
      found: this.#found + outcomes.size,
      open: this.#open.map(([record, now]) => (outcomes.has(record.item) ? record : now)),
      failing: this.#failing,
      undos: this.undos,
    }
  }

  /** Of a batch that begins again, writes in portions which steps are tried anew. */
  async writeRetried(pages: StepPages, write: (steps: readonly StepRecord[]) => Promise<void>): Promise<void> {
    const { record, encoding } = this.#parts
    if (!this.#hasRetried) return
    await pages(async (steps) => {
      const retried = steps.filter((step) => this.#isRetriedStep(step) && !this.#isDone(step.item))
      if (retried.length > 0) await write(await retriedRecords(record.id, retried, encoding))
    })
  }

  /** Whether an item stays as it is. Of one whose target is persisted, nothing more than that may be on record. */
  #isDone(item: string): boolean {
    if (this.#outcomes.has(item)) return true
    const { needsAll, whole } = this.#parts.plan!
    const target = whole.steps[whole.producers[whole.targetSlot]!]
    return !needsAll && target !== undefined && this.#views.get(target.spec.name, item)?.endedAt !== undefined
  }

  #isRetriedStep(step: StepRecord): boolean {
    return this.#needed.has(step.step) && isTriedAnew(step)
  }

  /** Forgets what was undone, and what is made of that. */
  #beginAnew(anew: BatchAnew): void {
    this.#found -= this.#views.forgetEach((step, item) => {
      const isAnew = anew.of(item).has(step)
      if (isAnew) this.undos.countAnew(step, item)
      return isAnew
    })
    for (const [item, outcome] of this.#outcomes) {
      if (anew.of(item).size === 0 || 'error' in outcome) continue
      this.#outcomes.delete(item)
      this.#outdated.add(item)
    }
  }

  get #isCompensating(): boolean {
    return this.#parts.record.status === 'compensating'
  }

  /** Whether it had completed, and begins again since items of it had failed. */
  get #hasCollected(): boolean {
    return this.#parts.cause === 'end' && this.#parts.record.status === 'completed'
  }

  async #takeKept(record: StepRecord, { as }: NonNullable<ReturnType<typeof keptBeside>>): Promise<void> {
    const { cause } = this.#parts
    // Of a batch that begins again the undoings of its last life are over.
    if (cause === 'end') this.anew?.take(record)
    const isOver = as !== 'count' && (this.#hasCollected ? !isLeftUnknown(record, as) : cause === 'end')
    if (this.#failure !== undefined || isOver) return
    if (as === 'undo' && record.status === 'running') this.#undosUnderWay++
    if (record.item !== '' && (this.#isCompensating || this.#outcomes.has(record.item)) && as !== 'count') return
    try {
      await this.undos.take(record)
    } catch (error) {
      this.#failure = { error }
    }
  }

  #takeOwn(step: StepRecord, { needsAll }: BatchPlan): Promise<void> | undefined {
    const { head } = this.#parts
    if (step.step === itemsStep) return this.#reader.take(step)
    if (step.step === targetStep) {
      this.#outdated.add('')
      return undefined
    }
    if (step.status === 'running') return this.#takeFailing(step)
    // Of an item that succeeded, others may want what its steps made.
    const isUsed =
      step.status === 'completed' ? !needsAll : step.attempt > (head?.retries ?? 0) || !this.#isRetried(step.item)
    if (isUsed) return this.#takeOutcome(step)
    this.#outdated.add(step.item)
    if (step.status === 'completed') this.#setAside.set(step.item, step)
    return undefined
  }

  async #takeOutcome(step: StepRecord): Promise<void> {
    const { record, encoding } = this.#parts
    const outcome = await outcomeOf(record.id, step, encoding)
    if (outcome === undefined) {
      this.#outdated.add(step.item)
      return
    }
    this.#outcomes.set(step.item, outcome)
    // That of an item that was undone does not count in the end.
    if (this.anew !== undefined) return
    this.undos.forget(step.item)
    this.#found -= this.#views.forget(step.item)
  }

  /** An item that fails, and was undone when its process died. */
  async #takeFailing({ step, item, error }: StepRecord): Promise<void> {
    const { record, encoding, cause } = this.#parts
    if (cause === 'end') return
    const thrown =
      error === undefined ? undefined : await encoding.decodeError(error, ['step', record.id, step, item, 'error'])
    this.#failing.set(item, { error: thrown })
  }

  #takeStep(step: StepRecord): Promise<void> | undefined {
    const { record, encoding, cause } = this.#parts
    const maxAttempts = attemptsOf(this.#specs.get(step.step))
    if (cause === 'end' && this.#isRetriedStep(step)) this.#hasRetried = true
    const isLeft = this.anew === undefined && this.#outcomes.has(step.item)
    const view = isLeft ? undefined : viewOf(record, step, encoding, cause, maxAttempts)
    if (isPromise(view)) return view.then((late) => this.#keep(step, late))
    return this.#keep(step, view)
  }

  #keep(step: StepRecord, view: StepView | undefined): Promise<void> | undefined {
    if (view !== undefined) {
      this.#found++
      const misfit = misfitOfState(this.#specs.get(step.step), view.keptState)
      if (misfit !== undefined) this.#misfits.add(misfit)
      this.#views.set(step.step, step.item, view)
    } else if (step.item === '' && (this.#hasCollected || step.status === 'pending')) {
      // It begins anew, and may have to be undone before.
      if (this.#specs.get(step.step)?.compensate !== undefined) this.#views.set(step.step, '', unbegunStep)
    }
    return isUnfinished(step) ? this.#keepOpen(step, view) : undefined
  }

  async #keepOpen(step: StepRecord, view: StepView | undefined): Promise<void> {
    const { record, encoding } = this.#parts
    this.#open.push([step, await openRecordOf(record, step, view, encoding)])
  }
}
