import { append } from '../../core/append.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { isTerminal, isTerminalStep } from '../../core/contracts/statuses.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'
import type { LiveSteps } from './live-steps.ts'
import { ItemsReader, itemsStep } from './batch-items.ts'
import type { StoredBatch } from './present-batch.ts'
import { keptBeside } from './undo-records.ts'
import { headOfBatch } from './batch-head.ts'
import { isRetriedBy, itemStep, stepsOfBatch, targetStep } from './restore-batch.ts'
import type { BatchHead } from './batch-head.ts'
import type { StepPages } from './step-pages.ts'

/**
 * What became of an item. `cancelled`: its batch ended before it did. `retrying`: a step of it waits for its next attempt; `waiting`: all of
 * its steps that have begun do, for that, a time, or something from outside, or they have ended and the next ones wait for the other items (`all(T)`). Of
 * these, only the process that runs the batch knows. `unknown`: there is no record of it, so that only that process knows.
 */
export type ItemStatus =
  'pending' | 'running' | 'waiting' | 'retrying' | 'completed' | 'failed' | 'cancelled' | 'unknown'

/** What is known of one item of a batch. */
export interface ItemInfo {
  /** Its name in the records: what `key` gave, or its index. */
  readonly key: string
  /** Its place in the items that the batch was started with. */
  readonly index: number
  /** What became of it. */
  readonly status: ItemStatus
  /** What a failed one failed with. */
  readonly error: unknown
}

/** What is known of a batch as a whole. */
export interface BatchInfo {
  /** How many items it was started with. */
  readonly total: number
  /** How many of its items are on record. Until all are, nothing of it runs. */
  readonly written: number
  /** How many items there are of each status. */
  readonly counts: Readonly<Record<ItemStatus, number>>
  /** A hundred items at most: those that failed first, then those that are under way, then the others. */
  readonly items: readonly ItemInfo[]
}

/** A batch as it is in the process that runs it. */
export interface LiveBatch {
  /** How many of its items have begun. */
  readonly started: number
  /** The steps of items under way, by the items' keys; under '' those that all items share. */
  readonly steps: ReadonlyMap<string, LiveSteps>
}

const mostItems = 100
const precedence: readonly ItemStatus[] = [
  'failed',
  'retrying',
  'running',
  'waiting',
  'unknown',
  'pending',
  'cancelled',
  'completed',
]

/** What of an item's records counts, as bits: of very many items nothing else is kept. */
const known = {
  any: 1,
  completed: 2,
  failed: 4,
  made: 8,
  failedStep: 16,
  retrying: 32,
  open: 64,
  waiting: 128,
  working: 256,
} as const

// What a smaller batch has is kept as it comes: it need not be read once more for what is shown of it.
const mostKept = 500

/**
 * What the records of a batch come to, and of the process that runs it what that knows besides; with the records of steps that are shown: of what
 * all items share, and of the items that are. @throws SerializationError for damaged ones
 */
export async function batchInfoOf(
  { record, pages }: StoredBatch,
  encoding: ValueEncoding,
  live: LiveBatch | undefined,
  turn: Turn,
): Promise<{
  readonly batch: BatchInfo
  readonly steps: readonly StepRecord[]
  readonly undos: readonly StepRecord[]
}> {
  const { id } = record
  const head = await headOfBatch(record, encoding)
  const { total } = head
  const isOutdated = outdatedIn(head)
  const reader = new ItemsReader(id, total, encoding, turn, false)
  const bits = new Map<string, number>()
  let kept: StepRecord[] | undefined = []
  let isTargetDone = false
  await pages(async (steps) => {
    for (const step of steps) {
      if (turn.mustYield()) await turn.next()
      if (step.step === itemsStep) await reader.take(step)
      else if (keptBeside(step) !== undefined) continue
      else if (!isOutdated(step)) bits.set(step.item, (bits.get(step.item) ?? 0) | bitsOf(step, record.target))
      isTargetDone ||= step.step === targetStep && step.status === 'completed'
    }
    if (kept !== undefined) append(kept, steps)
    if (kept !== undefined && kept.length > mostKept) kept = undefined
  })
  const found = await reader.done(total)
  const keys = typeof found === 'number' ? [] : found.keys
  const counts = Object.fromEntries(precedence.map((status) => [status, 0])) as Record<ItemStatus, number>
  const first = Object.fromEntries(precedence.map((status) => [status, []])) as unknown as Record<
    ItemStatus,
    Omit<ItemInfo, 'error'>[]
  >
  for (const [index, key] of keys.entries()) {
    if (turn.mustYield()) await turn.next()
    const of = bits.get(key) ?? 0
    const status = outcomeOf(of) ?? (isTargetDone ? 'completed' : unfinishedStatusOf(record, of, key, index, live))
    counts[status]++
    if (first[status].length < mostItems) first[status].push({ key, index, status })
  }
  const shown = precedence.flatMap((status) => first[status]).slice(0, mostItems)
  const isShown = new Set(['', ...shown.map(({ key }) => key)])
  const records = kept?.filter(({ item }) => isShown.has(item)) ?? (await recordsOf(pages, isShown))
  const byItem = Map.groupBy(
    records.filter((step) => !isOutdated(step)),
    ({ item }) => item,
  )
  const items = await Promise.all(
    shown.map(async (item) => ({ ...item, error: await errorOf(id, item, byItem.get(item.key) ?? [], encoding) })),
  )
  const written = typeof found === 'number' ? found : total
  const steps = stepsOfBatch(records).filter((record) => keptBeside(record) === undefined)
  return { batch: { total, written, counts, items }, steps, undos: records.filter(isUndo) }
}

function isUndo(record: StepRecord): boolean {
  return keptBeside(record)?.as === 'undo'
}

async function recordsOf(pages: StepPages, isShown: ReadonlySet<string>): Promise<readonly StepRecord[]> {
  const records: StepRecord[] = []
  await pages((steps) =>
    append(
      records,
      steps.filter(({ step, item }) => step !== itemsStep && isShown.has(item)),
    ),
  )
  return records
}

/** Finds what an item failed with in a life before the last. */
function outdatedIn(head: BatchHead): (step: StepRecord) => boolean {
  const { retries = 0 } = head
  const isRetried = isRetriedBy(head)
  return ({ step, item, status, attempt }) =>
    step === itemStep && status === 'failed' && attempt <= retries && isRetried(item)
}

function bitsOf({ step, type, status }: StepRecord, target: string): number {
  let bits: number = known.any
  const isDone = status === 'completed' || status === 'cached'
  if (step === itemStep && status === 'completed') bits |= known.completed
  if (step === itemStep && status === 'failed') bits |= known.failed
  if (type === target && isDone) bits |= known.made
  if (status === 'failed') bits |= known.failedStep
  if (status === 'retrying') bits |= known.retrying
  // What is tried anew has not begun.
  if (isTerminalStep(status) || status === 'pending') return bits
  bits |= known.open
  if (status === 'waiting') bits |= known.waiting
  else if (status !== 'retrying') bits |= known.working
  return bits
}

function outcomeOf(bits: number): 'completed' | 'failed' | undefined {
  if ((bits & known.completed) !== 0) return 'completed'
  if ((bits & known.failed) !== 0) return 'failed'
  return (bits & known.made) === 0 ? undefined : 'completed'
}

function unfinishedStatusOf(
  { status }: ExecutionRecord,
  bits: number,
  key: string,
  index: number,
  live: LiveBatch | undefined,
): ItemStatus {
  if (isTerminal(status)) return (bits & known.failedStep) === 0 ? 'cancelled' : 'failed'
  if (live !== undefined && index >= live.started) return 'pending'
  const here = live?.steps.get(key)
  if (here !== undefined && hasOnlyEnded(here, bits)) return 'waiting'
  const waits = here === undefined ? (bits & (known.waiting | known.working)) === known.waiting : waitsHere(here)
  if (waits && (bits & known.waiting) !== 0) return 'waiting'
  const isUnderWay = live === undefined ? (bits & known.open) !== 0 : here !== undefined
  if (isUnderWay) return (bits & known.retrying) === 0 ? 'running' : 'retrying'
  return bits === 0 ? 'unknown' : 'running'
}

function waitsHere({ states }: LiveSteps): boolean {
  return states.every((run) => run === undefined || run.hasEnded || ['waiting', 'retrying'].includes(statusOf(run)))
}

/** Whether something of it has ended and nothing is under way: what it has still to do waits for all items. The states of what has ended may be gone. */
function hasOnlyEnded({ states }: LiveSteps, bits: number): boolean {
  if ((bits & known.open) !== 0 || !states.every((run) => run?.hasEnded !== false)) return false
  return bits !== 0 || states.some((run) => run !== undefined)
}

async function errorOf(
  id: string,
  { status }: { readonly status: ItemStatus },
  records: readonly StepRecord[],
  encoding: ValueEncoding,
): Promise<unknown> {
  if (status !== 'failed') return undefined
  const failed = records.filter((record) => record.error !== undefined)
  const { step, item, error } = failed.find((record) => record.step === itemStep) ?? failed[0] ?? {}
  return error === undefined ? undefined : encoding.decodeError(error, ['step', id, step!, item!, 'error'])
}
