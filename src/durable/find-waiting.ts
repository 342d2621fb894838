import type { ExecutionRecord, StepRecord } from '../core/contracts/execution-record.ts'
import { SerializationError } from '../core/errors.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import type { DocketContext } from './context/docket-context.ts'
import { shownRecords } from './records/present-names.ts'
import { stepInfosOf } from './records/step-info.ts'
import type { StepWait } from './records/step-info.ts'
import { splitUndoRecords } from './records/undo-records.ts'
import { readStepsOfMany } from './recovery/steps-of-many.ts'

/** What a step waits for: a signal of a type, an event, under any key or this one, or the time of a timer. */
export type WaitQuery =
  | { readonly signal: string }
  | { readonly event: string; readonly key?: string | undefined }
  | { readonly timer: string }

/** Where an execution stands in lists. */
export type Place = Pick<ExecutionRecord, 'createdAt' | 'id'>

/** Which executions to look through. */
interface Search {
  readonly from: Place | undefined
  /** How many to find at most. */
  readonly limit: number
  /** The newest behind a place. */
  readonly portion: (from: Place | undefined, limit: number) => Promise<readonly ExecutionRecord[]>
}

const firstPortion = 100
const mostLookedAt = 1_000
// What is looked through comes with its inputs: portions grow only while these are small.
const fewCharacters = 1_000_000

/** Looks through executions for those of which a step waits for something. `last`: where it stopped; undefined where there are no more. */
export async function findWaiting(
  context: DocketContext,
  query: WaitQuery,
  { from, limit, portion }: Search,
): Promise<{ readonly found: readonly ExecutionRecord[]; readonly last: Place | undefined }> {
  const found: ExecutionRecord[] = []
  let last = from
  for (let looked = 0, size = firstPortion; looked < mostLookedAt;) {
    const records = await portion(last, size + 1)
    const some = records.slice(0, size)
    const ids = some.map(({ id }) => id)
    const stepsOf = await context.connection.patiently(() => readStepsOfMany(context, ids))
    for (const [index, record] of some.entries()) {
      last = record
      const steps = await stepsOf(record.id)
      if (!Array.isArray(steps) || !(await waitsForIt(context, record, steps as readonly StepRecord[], query))) continue
      found.push(record)
      if (found.length < limit) continue
      return { found, last: index === records.length - 1 ? undefined : record }
    }
    if (records.length <= size) return { found, last: undefined }
    looked += size
    // Each portion waits for the one before it: of few, a server far away makes little.
    if (charactersOf(some) <= fewCharacters) size *= 2
    size = Math.min(size, mostLookedAt - looked)
  }
  return { found, last }
}

/** Of one that can't be read, nobody knows. */
async function waitsForIt(
  context: DocketContext,
  stored: ExecutionRecord,
  rows: readonly StepRecord[],
  query: WaitQuery,
): Promise<boolean> {
  const { clock, connection } = context
  const { encoding } = connection
  if (!rows.some(({ status }) => status === 'waiting')) return false
  const graph = context.graphOf(stored)
  const { steps, undoRecords } = splitUndoRecords(rows)
  const open = steps.filter(({ status }) => status === 'waiting')
  try {
    const isBatch = stored.kind === 'batch'
    const shown = isBatch
      ? { record: stored, steps: open }
      : await shownRecords({ record: stored, steps: open }, graph, encoding, clock)
    const infos = await stepInfosOf(shown.record, shown.steps, encoding, turnOf(clock), graph, undoRecords.counts)
    return infos.some(({ step, waitsFor }) => waitsFor !== undefined && isIt(query, step, waitsFor))
  } catch (error) {
    if (error instanceof SerializationError) return false
    throw error
  }
}

function isIt(query: WaitQuery, step: string, wait: StepWait): boolean {
  if ('signal' in query) return wait.kind === 'signal' && wait.signal === query.signal
  if ('timer' in query) return wait.kind === 'time' && step === query.timer
  return wait.kind === 'event' && wait.event === query.event && (query.key === undefined || wait.key === query.key)
}

/** How large what came with records is, about. */
function charactersOf(records: readonly ExecutionRecord[]): number {
  return records.reduce((sum, { inputs }) => sum + inputs.length, 0)
}
