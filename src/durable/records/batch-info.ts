import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { isTerminal, isTerminalStep } from '../../core/contracts/statuses.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import type { LiveSteps } from './open-steps.ts'
import { writtenItemsOf } from './batch-items.ts'
import { inOnePage } from './step-pages.ts'
import { headOfBatch, isRetriedBy, itemStep, stepsOfBatch, targetStep } from './restore-batch.ts'

/**
 * What became of an item. `cancelled`: its batch ended before it did. `retrying`: a step of it waits for its next attempt. `unknown`: there is
 * no record of it, so that only the process that runs the batch knows.
 */
export type ItemStatus = 'pending' | 'running' | 'retrying' | 'completed' | 'failed' | 'cancelled' | 'unknown'

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
  'unknown',
  'pending',
  'cancelled',
  'completed',
]

/** What the records of a batch come to, and of the process that runs it what that knows besides. @throws SerializationError for damaged ones */
export async function batchInfoOf(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
  live: LiveBatch | undefined,
  turn: Turn,
): Promise<BatchInfo> {
  const { id } = record
  const head = await headOfBatch(record, encoding)
  const { total, retries = 0 } = head
  const found = await writtenItemsOf(id, inOnePage(steps), total, encoding, turn)
  const keys = typeof found === 'number' ? [] : found.keys
  const isRetried = isRetriedBy(head)
  const isOutdated = ({ step, item, status, attempt }: StepRecord): boolean =>
    step === itemStep && status === 'failed' && attempt <= retries && isRetried(item)
  const records = Map.groupBy(
    steps.filter((step) => !isOutdated(step)),
    ({ item }) => item,
  )
  const isTargetDone = steps.some(({ step, status }) => step === targetStep && status === 'completed')
  const all = keys.map((key, index) => {
    const known = outcomeOf(records.get(key) ?? [], record.target) ?? (isTargetDone ? 'completed' : undefined)
    return { key, index, status: known ?? unfinishedStatusOf(record, records.get(key) ?? [], key, index, live) }
  })
  const counts = Object.fromEntries(precedence.map((status) => [status, 0])) as Record<ItemStatus, number>
  for (const { status } of all) counts[status]++
  const first = precedence.flatMap((status) => all.filter((item) => item.status === status)).slice(0, mostItems)
  const items = await Promise.all(
    first.map(async (item) => ({ ...item, error: await errorOf(id, item, records.get(item.key) ?? [], encoding) })),
  )
  return { total, written: typeof found === 'number' ? found : total, counts, items }
}

/** The step records of a batch that are shown: of what all items share, and of the items that are. */
export function shownSteps(steps: readonly StepRecord[], { items }: BatchInfo): readonly StepRecord[] {
  const shown = new Set(['', ...items.map(({ key }) => key)])
  return stepsOfBatch(steps).filter(({ item }) => shown.has(item))
}

function outcomeOf(records: readonly StepRecord[], target: string): 'completed' | 'failed' | undefined {
  const outcome = records.find(({ step }) => step === itemStep)?.status
  if (outcome === 'completed' || outcome === 'failed') return outcome
  const isMade = records.some(({ type, status }) => type === target && (status === 'completed' || status === 'cached'))
  return isMade ? 'completed' : undefined
}

function unfinishedStatusOf(
  { status }: ExecutionRecord,
  records: readonly StepRecord[],
  key: string,
  index: number,
  live: LiveBatch | undefined,
): ItemStatus {
  if (isTerminal(status)) return records.some((step) => step.status === 'failed') ? 'failed' : 'cancelled'
  if (live !== undefined && index >= live.started) return 'pending'
  const isRetrying = records.some((step) => step.status === 'retrying')
  const isUnderWay = live?.steps.has(key) ?? records.some((step) => !isTerminalStep(step.status))
  if (isUnderWay) return isRetrying ? 'retrying' : 'running'
  return records.length > 0 ? 'running' : 'unknown'
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
