import { checkOptions, describe } from '../../core/check-options.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { infoOf, noSuchExecution } from '../records/execution-info.ts'
import { closedInputs, closedOutput } from './close-values.ts'
import { checkpointValues, executionValues, stepValues, valuesIn } from './execution-parts.ts'
import type { ValueField } from './execution-parts.ts'
import { exportFormat } from './exported-execution.ts'
import type { ExportedExecution, ExportedRecord, ExportedValue, ExportOptions } from './exported-execution.ts'
import { portable } from './portable-value.ts'
import { readParts } from './read-parts.ts'

/** @throws OptionError with all problems */
export function checkExport(options: unknown): void {
  checkOptions('export', options, ['decode'], ({ decode }) => [
    decode !== undefined && typeof decode !== 'boolean' && `decode must be true or false, not ${describe(decode)}`,
  ])
}

/** An execution as plain data, without what is sensitive. @throws ExecutionConflictError, SerializationError, StoreError */
export async function exportExecution(
  context: DocketContext,
  id: string,
  { decode = false }: ExportOptions,
): Promise<ExportedExecution> {
  const { connection, clock } = context
  const { encoding } = connection
  await connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  const graph = context.graphOf(stored)
  const names = (await infoOf(stored, encoding, [], graph)).sensitive
  const sensitive = new Set(names)
  // The records have the names that the types had then.
  const former = graph === undefined ? undefined : requireIndex(graph).former?.types
  for (const [old, present] of former ?? []) if (sensitive.has(present)) sensitive.add(old)
  const { record, steps, checkpoints } = await readParts(context, stored)
  const writer = new Writer(id, encoding, decode)
  const { target } = record
  const closed: ExportedValue = { closed: 'sensitive' }
  return {
    format: exportFormat,
    exportedAt: new Date(clock.now()).toISOString(),
    sensitive: names,
    execution: await writer.write(record, executionValues, (name, value) =>
      name === 'inputs' ? closedInputs(value, sensitive) : name === 'output' && sensitive.has(target) ? closed : value,
    ),
    steps: await writer.all(steps, stepValues, (name, value, step) =>
      name === 'output' ? closedOutput(value, step, { sensitive, target }) : value,
    ),
    // Nothing says of which types they are.
    checkpoints: await writer.all(checkpoints, checkpointValues, (name, value) =>
      name === 'value' && sensitive.size > 0 ? closed : value,
    ),
  }
}

type Close<Record> = (name: string, value: ExportedValue, record: Record) => ExportedValue

class Writer {
  readonly #id: string
  readonly #encoding: ValueEncoding
  readonly #decodes: boolean

  constructor(id: string, encoding: ValueEncoding, decodes: boolean) {
    this.#id = id
    this.#encoding = encoding
    this.#decodes = decodes
  }

  async all<Record extends object>(
    records: readonly Record[],
    fields: readonly ValueField<Record>[],
    close: Close<Record>,
  ): Promise<readonly ExportedRecord[]> {
    const made: ExportedRecord[] = []
    for (const record of records) made.push(await this.write(record, fields, close))
    return made
  }

  async write<Record extends object>(
    record: Record,
    fields: readonly ValueField<Record>[],
    close: Close<Record>,
  ): Promise<ExportedRecord> {
    const made: { [name: string]: unknown } = Object.fromEntries(
      Object.entries(record).filter(([, value]) => value !== undefined),
    )
    for (const { field, stored, identity } of valuesIn(this.#id, record, fields)) {
      const value = await portable({ stored, identity, isError: field.isError }, this.#encoding, this.#decodes)
      made[field.name] = close(field.name, value, record)
    }
    return made
  }
}
