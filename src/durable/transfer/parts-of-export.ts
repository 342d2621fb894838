import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { itemsStep } from '../records/batch-items.ts'
import { checkGivenValues, requireExport } from './check-export.ts'
import { recordsByType } from './close-values.ts'
import { checkpointValues, executionValues, stepValues } from './execution-parts.ts'
import type { ExecutionParts, ValueField } from './execution-parts.ts'
import type { ExportedExecution, ExportedValue } from './exported-execution.ts'
import { jsonOf, storedOf } from './portable-value.ts'

/**
 * The records of a document, encoded for a store. What a step made, and the document has closed, is left out with its record: the step begins anew. `values`: in the
 * place of inputs that are closed, by type.
 * @throws OptionError for what is no such document, and for closed inputs that `values` lacks; SerializationError
 */
export async function partsOfExport(
  given: unknown,
  encoding: ValueEncoding,
  values: Readonly<Record<string, unknown>> = {},
): Promise<ExecutionParts> {
  const { execution, steps, checkpoints } = checkImport(given, values)
  const id = execution['id'] as string
  const reader = new Reader(id, encoding)
  const inputs = openedValue(execution['inputs'] as ExportedValue, values)
  const record = (await reader.read({ ...execution, inputs }, executionValues))!
  const known: StepRecord[] = []
  for (const step of steps) {
    const output = step['step'] === itemsStep ? openedValue(step['output'] as ExportedValue, values) : step['output']
    const read = await reader.read({ ...step, output }, stepValues)
    if (read !== undefined) known.push(read as unknown as StepRecord)
  }
  const names = new Set(known.map(({ step }) => step))
  const beside: CheckpointRecord[] = []
  for (const checkpoint of checkpoints) {
    const read = await reader.read(checkpoint, checkpointValues)
    // What is beside a step that begins anew is of another life; so is a row of which a part is closed.
    if (read !== undefined && (read['step'] === '' || names.has(read['step'] as string)))
      beside.push(read as unknown as CheckpointRecord)
  }
  return { record: record as unknown as ExecutionRecord, steps: known, checkpoints: beside }
}

/** @throws OptionError for a document that is none, for closed inputs of which no value is given, and for values that are needed nowhere */
export function checkImport(given: unknown, values: Readonly<Record<string, unknown>> = {}): ExportedExecution {
  const document = requireExport(given)
  const closed = new Set<string>()
  const look = (value: unknown): void => {
    if (isRecord(value) && 'json' in value) opened(value['json'], {}, closed)
  }
  look(document.execution['inputs'])
  for (const step of document.steps) if (step['step'] === itemsStep) look(step['output'])
  checkGivenValues(values, closed)
  return document
}

/** A document of inputs with other values in the place of closed ones; `missing` gets the types that have none. */
function opened(document: unknown, values: Readonly<Record<string, unknown>>, missing: Set<string>): unknown {
  if (!isRecord(document)) return document
  return Object.fromEntries(
    Object.entries(document).flatMap(([name, value]) => {
      if (isClosed(value)) {
        if (Object.hasOwn(values, name)) return [[name, jsonOf(values[name])]]
        missing.add(name)
        return []
      }
      if (name === 'items' && Array.isArray(value)) return [[name, value.map((one) => opened(one, values, missing))]]
      return [[name, recordsByType.includes(name) ? opened(value, values, missing) : value]]
    }),
  )
}

function openedValue(value: ExportedValue, values: Readonly<Record<string, unknown>>): ExportedValue {
  return 'json' in value ? { json: opened(value.json, values, new Set()) } : value
}

function isClosed(value: unknown): boolean {
  return isRecord(value) && value['$closed'] === 'sensitive'
}

class Reader {
  readonly #id: string
  readonly #encoding: ValueEncoding

  constructor(id: string, encoding: ValueEncoding) {
    this.#id = id
    this.#encoding = encoding
  }

  /** Undefined where a part of it that counts is closed. */
  async read<Record extends object>(
    given: Readonly<{ [name: string]: unknown }>,
    fields: readonly ValueField<Record>[],
  ): Promise<Readonly<{ [name: string]: unknown }> | undefined> {
    const made: { [name: string]: unknown } = { ...given }
    for (const field of fields) {
      const value = given[field.name]
      made[field.name] = undefined
      if (value === undefined) continue
      const identity = field.identityOf(this.#id, given as Record)
      const stored: StoredValue | undefined = await storedOf(
        value as ExportedValue,
        { identity, isError: field.isError },
        this.#encoding,
      )
      if (stored === undefined && (field.name === 'output' || field.name === 'value') && 'step' in given)
        return undefined
      made[field.name] = stored
    }
    return made
  }
}
