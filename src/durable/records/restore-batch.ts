import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { SerializationError } from '../../core/errors.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { BatchFrame } from '../../runtime/batch/batch-options.ts'
import type { ItemOutcome } from '../../runtime/batch/batch-setup.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import { split } from '../../runtime/inputs/given-inputs.ts'
import { nowMade, openRecordOf, specsByName, viewOf } from './restore-execution.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import type { ResumeCause } from './restore-execution.ts'
import { decodePresent } from './stored-inputs.ts'
import type { StoredNames } from './stored-names.ts'
import { isUnfinished } from './unfinished-records.ts'

/** Records of a batch under names that no step can have: its items in chunks, what became of each item, and what became of all where that is the same. */
export const itemsStep = '$items'
export const itemStep = '$item'
export const targetStep = '$target'

const ownSteps: ReadonlySet<string> = new Set([itemsStep, itemStep, targetStep])

/** What a batch is started with, besides its items. */
export interface BatchHead {
  readonly shared: Readonly<Record<string, unknown>>
  /** Values for types that steps make. */
  readonly overrides?: Readonly<Record<string, unknown>> | undefined
  /** Names of the types that its items may give; absent in older records. */
  readonly leaves?: readonly string[] | undefined
  readonly concurrency: number
  readonly onError: 'fail' | 'collect'
  readonly total: number
  /** How often it has begun again after its end; what an item failed with in a life before the last is tried again. */
  readonly retries?: number | undefined
  /** Keys of the items that the last retry was about. @default all that had failed */
  readonly retried?: readonly string[] | undefined
  readonly $names?: StoredNames | undefined
}

/** A batch's items, and their names in the records. */
export interface BatchItems {
  readonly items: readonly unknown[]
  readonly keys: readonly string[]
}

/** A chunk of a batch's items, as it is stored. */
export interface ItemsChunk extends BatchItems {
  /** The index of its first item; after the chunk before, where that is not given. */
  readonly at?: number
}

/** What a batch has done, by its records. */
export interface RestoredBatch {
  /** Steps that are done, by the item's key; under '' those that all items share. */
  readonly views: ReadonlyMap<string, ReadonlyMap<string, StepView>>
  /** What became of items that are not run again. */
  readonly outcomes: ReadonlyMap<string, ItemOutcome>
  /** Keys of items that are run again although an outcome is recorded, which will not hold; '' stands for the one of all. */
  readonly outdated: ReadonlySet<string>
  /** Steps and items whose results were found. */
  readonly found: number
  /** Records of steps that have not ended, as they are to be written if nothing else becomes of them. */
  readonly open: readonly StepRecord[]
}

/** The records of a batch that are of its steps. */
export function stepsOfBatch(steps: readonly StepRecord[]): readonly StepRecord[] {
  return steps.filter(({ step }) => !ownSteps.has(step))
}

/** @throws SerializationError */
export async function headOfBatch({ id, inputs }: ExecutionRecord, encoding: ValueEncoding): Promise<BatchHead> {
  return (await decodePresent(inputs, ['execution', id, 'inputs'], encoding)) as BatchHead
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

/** Why items that fitted the graph when the batch began don't fit it any more. */
export function misfitsOfItems(
  { leaves }: BatchHead,
  items: readonly unknown[],
  { inputs, plan }: Pick<BatchFrame, 'inputs' | 'plan'>,
): readonly string[] {
  if (items.length === 0 || leaves === undefined) return []
  const { graph } = plan.whole.index
  const given = leaves.filter(
    (name) => !inputs.takes(name) && items.some((item) => isRecord(item) && Object.hasOwn(item, name)),
  )
  const made = new Set(given.filter((name) => requireIndex(graph).producers.has(name)))
  const missing = plan.item.plan.leaves.filter(({ isRequired, type }) => isRequired && !leaves.includes(type.name))
  return [
    ...nowMade('input of its items', [...made], graph),
    ...given.filter((name) => !made.has(name)).map((name) => `its items give "${name}", which nothing needs now`),
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

/** What was done of a batch. @throws SerializationError for damaged records */
export async function restoreBatch(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  plan: BatchPlan,
  encoding: ValueEncoding,
  cause: ResumeCause,
  head: Pick<BatchHead, 'retries' | 'retried'>,
  turn: Turn,
): Promise<RestoredBatch> {
  const isRetried = isRetriedBy(head)
  const { retries = 0 } = head
  const outcomes = new Map<string, ItemOutcome>()
  const outdated = new Set<string>()
  for (const step of steps) {
    if (turn.mustYield()) await turn.next()
    if (step.step === targetStep) outdated.add('')
    if (step.step !== itemStep) continue
    // Of an item that succeeded, others may want what its steps made.
    const isUsed = step.status === 'completed' ? !plan.needsAll : step.attempt > retries || !isRetried(step.item)
    const outcome = isUsed ? await outcomeOf(record.id, step, encoding) : undefined
    if (outcome === undefined) outdated.add(step.item)
    else outcomes.set(step.item, outcome)
  }
  const specs = specsByName(plan.whole.index)
  const views = new Map<string, Map<string, StepView>>()
  let found = outcomes.size
  const open: StepRecord[] = []
  for (const step of stepsOfBatch(steps)) {
    if (turn.mustYield()) await turn.next()
    const maxAttempts = specs.get(step.step)?.maxAttempts ?? 1
    const isLeft = outcomes.has(step.item) || (step.status === 'failed' && isRetried(step.item))
    const view = isLeft ? undefined : await viewOf(record, step, encoding, cause, maxAttempts)
    if (isUnfinished(step)) open.push(await openRecordOf(record, step, view, encoding))
    if (view === undefined) continue
    found++
    const known = views.get(step.item)
    if (known === undefined) views.set(step.item, new Map([[step.step, view]]))
    else known.set(step.step, view)
  }
  return { views, outcomes, outdated, found, open }
}

/** The results of a batch that is completed, from its records. @throws SerializationError for damaged records */
export async function batchOutputOf(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
  turn: Turn,
): Promise<readonly unknown[]> {
  const { id, target } = record
  const { onError, total } = await headOfBatch(record, encoding)
  const written = await itemsOfBatch(id, steps, total, encoding, turn)
  if (typeof written === 'number')
    throw new SerializationError(`batch "${id}" is damaged: only ${written} of its ${total} items are there`, {
      executionId: id,
    })
  const outcomes = new Map<string, ItemOutcome>()
  for (const step of steps) {
    if (turn.mustYield()) await turn.next()
    if (step.step !== itemStep && step.step !== targetStep) continue
    const outcome = await outcomeOf(id, step, encoding)
    if (outcome !== undefined) outcomes.set(step.item, outcome)
  }
  for (const { step, item, type, status, output } of steps) {
    if (turn.mustYield()) await turn.next()
    if (type !== target || ownSteps.has(step) || output === undefined || outcomes.has(item)) continue
    if (status === 'completed' || status === 'cached')
      outcomes.set(item, { value: await encoding.decode(output, ['step', id, step, item, 'output']) })
  }
  return written.keys.map((key) => {
    const outcome = outcomes.get(key) ?? outcomes.get('')
    if (outcome === undefined)
      throw new SerializationError(`batch "${id}" is damaged: the result of its item "${key}" is not there`, {
        executionId: id,
      })
    return onError === 'collect' ? outcome : outcome.value
  })
}

/** The items of a batch, or how many of them are there, where its process died before all were written. @throws SerializationError */
export async function itemsOfBatch(
  id: string,
  steps: readonly StepRecord[],
  total: number,
  encoding: ValueEncoding,
  turn?: Turn,
): Promise<BatchItems | number> {
  const chunks = steps.filter(({ step }) => step === itemsStep)
  const items: unknown[] = []
  const keys: string[] = []
  let next = 0
  for (const { step, item, output } of chunks.toSorted((one, other) => Number(one.item) - Number(other.item))) {
    const chunk = await decodePresent(output, ['step', id, step, item, 'output'], encoding)
    if (!isRecord(chunk)) continue
    const { keys: more, items: moreItems, at = next } = chunk as unknown as ItemsChunk
    if (turn?.mustYield(more.length) === true) await turn.next()
    for (const [index, key] of more.entries()) {
      keys[at + index] = key
      items[at + index] = moreItems[index]
    }
    next = at + more.length
  }
  // Holes are not counted.
  const written = keys.reduce((count) => count + 1, 0)
  return written < total ? written : { items, keys }
}

async function outcomeOf(
  id: string,
  { step, item, status, output, error }: StepRecord,
  encoding: ValueEncoding,
): Promise<ItemOutcome | undefined> {
  const identity = ['step', id, step, item]
  if (status === 'completed') return { value: await decodePresent(output, [...identity, 'output'], encoding) }
  return error === undefined ? undefined : { error: await encoding.decodeError(error, [...identity, 'error']) }
}
