import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { isRecord } from '../../core/is-record.ts'
import { itemsStep } from '../records/batch-items.ts'
import { itemStep, targetStep } from '../records/restore-batch.ts'
import { keptBeside } from '../records/undo-records.ts'
import type { ExportedValue } from './exported-execution.ts'

const closed = { closed: 'sensitive' } as const

/** Documents of inputs, with a marker in the place of each value of a sensitive type: of an execution, of a batch, of its items. */
export function closedInputs(value: ExportedValue, sensitive: ReadonlySet<string>): ExportedValue {
  if (!('json' in value) || sensitive.size === 0) return value
  return { json: closedDocument(value.json, sensitive) }
}

/** The parts of a document of inputs in which values stand by the names of their types, as they do in the document itself. */
export const recordsByType: readonly string[] = ['$checked', '$signals', 'shared', 'overrides']

function closedDocument(document: unknown, sensitive: ReadonlySet<string>): unknown {
  if (!isRecord(document)) return document
  const made: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(document)) {
    if (sensitive.has(name)) made[name] = { $closed: 'sensitive' }
    else if (recordsByType.includes(name)) made[name] = closedDocument(value, sensitive)
    else if (name === 'items' && Array.isArray(value)) made[name] = value.map((one) => closedDocument(one, sensitive))
    else made[name] = value
  }
  return made
}

/**
 * What a step has made, or is at. Where the execution has a sensitive type, only what has a type of its own that is not sensitive is shown: a race's first
 * value, a machine's state and what a function was given have none.
 */
export function closedOutput(
  value: ExportedValue,
  record: StepRecord,
  { sensitive, target }: { readonly sensitive: ReadonlySet<string>; readonly target: string },
): ExportedValue {
  if (sensitive.size === 0) return value
  const { step, status, type } = record
  if (step === itemsStep) return closedInputs(value, sensitive)
  if (step === itemStep || step === targetStep) return sensitive.has(target) ? closed : value
  const isTyped = (status === 'completed' || status === 'cached') && keptBeside(record) === undefined
  return isTyped && !sensitive.has(type) ? value : closed
}
