import type { AnyGraph } from '../../core/graph-index.ts'
import { isRecord } from '../../core/is-record.ts'
import { requireIndex } from '../../core/plan.ts'
import type { ExecutionRecord, StepRecord } from '../../core/store.ts'
import type { ValueEncoding } from '../../core/value-encoding.ts'
import type { ItemOutcome } from '../batch-setup.ts'
import type { StepView } from '../execution-journal.ts'
import { decodePresent, misfitsOf, viewOf } from './restored-execution.ts'
import type { ResumeCause } from './restored-execution.ts'

/** Records of a batch under names that no step has: its items in chunks, what became of each item, and what became of all where that is the same. */
export const itemsStep = '$items'
export const itemStep = '$item'
export const targetStep = '$target'

const ownSteps: ReadonlySet<string> = new Set([itemsStep, itemStep, targetStep])

/** What a batch is asked for, besides its items. */
export interface BatchHead {
  readonly shared: Readonly<Record<string, unknown>>
  readonly concurrency: number
  readonly onError: 'fail' | 'collect'
  readonly total: number
}

/** A chunk of a batch's items, as it is stored. */
export interface ItemsChunk {
  readonly keys: readonly string[]
  readonly items: readonly unknown[]
}

/** A batch as its records tell. */
export interface RestoredBatch extends BatchHead {
  readonly items: readonly unknown[]
  readonly keys: readonly string[]
  /** Steps that are done, by the item's key; under '' those that all items share. */
  readonly views: ReadonlyMap<string, ReadonlyMap<string, StepView>>
  readonly outcomes: ReadonlyMap<string, ItemOutcome>
  /** Steps and items whose results were found. */
  readonly found: number
}

/** Puts a batch together from its records, or tells why they don't fit this graph. @throws SerializationError for damaged records */
export async function restoreBatch(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  graph: AnyGraph,
  encoding: ValueEncoding,
  cause: ResumeCause,
): Promise<RestoredBatch | { readonly reasons: readonly string[] }> {
  const ofSteps = steps.filter(({ step }) => !ownSteps.has(step))
  const reasons = misfitsOf(record, ofSteps, graph)
  if (reasons.length > 0) return { reasons }
  const head = (await encoding.decode(record.inputs, ['execution', record.id, 'inputs'])) as BatchHead
  const { items, keys } = await itemsOf(record.id, steps, encoding)
  if (items.length < head.total)
    return {
      reasons: [`only ${items.length} of its ${head.total} items were written before its process died; start it again`],
    }
  const outcomes = await outcomesOf(record.id, steps, encoding, cause)
  const index = requireIndex(graph)
  const views = new Map<string, Map<string, StepView>>()
  let found = outcomes.size
  for (const step of ofSteps) {
    // Of an item that is done nothing else is needed.
    if (outcomes.has(step.item)) continue
    const view = await viewOf(record, step, encoding, cause, index.producers.get(step.type)?.maxAttempts ?? 1)
    if (view === undefined) continue
    found++
    const known = views.get(step.item)
    if (known === undefined) views.set(step.item, new Map([[step.step, view]]))
    else known.set(step.step, view)
  }
  return { ...head, items, keys, views, outcomes, found }
}

/** The results of a batch that is completed, from its records. */
export async function batchOutputOf(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
): Promise<readonly unknown[]> {
  const { id, target } = record
  const { onError } = (await encoding.decode(record.inputs, ['execution', id, 'inputs'])) as BatchHead
  const { keys } = await itemsOf(id, steps, encoding)
  const outcomes = await outcomesOf(id, steps, encoding, 'release')
  for (const { step, item, type, status, output } of steps) {
    if (type !== target || step === itemStep || output === undefined || outcomes.has(item)) continue
    if (status === 'completed' || status === 'cached')
      outcomes.set(item, { value: await encoding.decode(output, ['step', id, step, item, 'output']) })
  }
  return keys.map((key) => {
    const outcome = outcomes.get(key) ?? outcomes.get('')!
    return onError === 'collect' ? outcome : outcome.value
  })
}

async function itemsOf(
  id: string,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
): Promise<{ readonly items: unknown[]; readonly keys: string[] }> {
  const chunks = steps.filter(({ step }) => step === itemsStep)
  const items: unknown[] = []
  const keys: string[] = []
  for (const { step, item, output } of chunks.toSorted((one, other) => Number(one.item) - Number(other.item))) {
    const chunk = await decodePresent(output, ['step', id, step, item, 'output'], encoding)
    if (!isRecord(chunk)) continue
    const { keys: more, items: moreItems } = chunk as unknown as ItemsChunk
    for (const key of more) keys.push(key)
    for (const one of moreItems) items.push(one)
  }
  return { items, keys }
}

async function outcomesOf(
  id: string,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
  cause: ResumeCause,
): Promise<Map<string, ItemOutcome>> {
  const outcomes = new Map<string, ItemOutcome>()
  for (const { step, item, status, output, error } of steps) {
    if (step !== itemStep) continue
    const identity = ['step', id, step, item]
    if (status === 'completed')
      outcomes.set(item, { value: await decodePresent(output, [...identity, 'output'], encoding) })
    // A batch that is asked for again tries anew what failed.
    else if (cause !== 'end' && error !== undefined)
      outcomes.set(item, { error: await encoding.decodeError(error, [...identity, 'error']) })
  }
  return outcomes
}
