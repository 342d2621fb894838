import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { Drawing } from '../../core/graph/drawing.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { decodePresent, unreadable } from './stored-inputs.ts'
import type { PlannedWaits } from './stored-inputs.ts'
import type { StoredLimits } from './stored-limits.ts'
import type { StoredNames } from './stored-names.ts'

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
  readonly $limits?: StoredLimits | undefined
  /** Names of its types that are sensitive. */
  readonly $sensitive?: readonly string[] | undefined
  /** What its steps wait for, as of the graph that it began with. */
  readonly $waits?: PlannedWaits | undefined
  /** Of a workflow, its drawing. */
  readonly $drawing?: Drawing | undefined
}

/** @throws SerializationError */
export async function headOfBatch({ id, inputs }: ExecutionRecord, encoding: ValueEncoding): Promise<BatchHead> {
  const identity = ['execution', id, 'inputs']
  const stored = await decodePresent(inputs, identity, encoding)
  if (!isHead(stored)) throw unreadable(identity, 'it is not what a batch was started with')
  return stored
}

/** Somebody may have edited the record. */
function isHead(stored: unknown): stored is BatchHead {
  if (!isRecord(stored)) return false
  const { shared, overrides, leaves, concurrency, onError, total, retried } = stored
  const areLists = [leaves, retried].every((list) => list === undefined || isNames(list))
  const areGiven = isRecord(shared) && (overrides === undefined || isRecord(overrides))
  const areCounts = [concurrency, total].every((count) => typeof count === 'number' && count >= 0)
  return areGiven && areLists && areCounts && (onError === 'fail' || onError === 'collect')
}

function isNames(list: unknown): boolean {
  return Array.isArray(list) && list.every((name) => typeof name === 'string')
}
