import { OptionError } from '../core/errors.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import type { DocketContext } from './context/docket-context.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { shownRecords } from './records/present-names.ts'
import { decodePresent, readInputs } from './records/stored-inputs.ts'
import { splitUndoRecords } from './records/undo-records.ts'

/**
 * The value of a data type in an execution, as of the last commit, from any process: what it was given, or what a step has made that is on record.
 * Undefined as long as there is none. @throws ExecutionConflictError where there is no such execution, OptionError for a batch, SerializationError, StoreError
 */
export async function valueOfType(context: DocketContext, id: string, { name }: AnyDataType): Promise<unknown> {
  const { connection, clock } = context
  const { encoding } = connection
  await connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  if (stored.kind === 'batch')
    throw new OptionError(`get: "${id}" is a batch, whose items have a value each: see details()`)
  const { steps: rows } = splitUndoRecords(await context.stepsOf(id))
  const { record, steps } = await shownRecords(
    { record: stored, steps: rows },
    context.graphOf(stored.graph),
    encoding,
    clock,
  )
  const made = steps.find(({ type, status }) => type === name && (status === 'completed' || status === 'cached'))
  if (made !== undefined) return decodePresent(made.output, ['step', id, made.step, made.item, 'output'], encoding)
  if (record.status === 'completed' && record.target === name && record.output !== undefined)
    return encoding.decode(record.output, ['execution', id, 'output'])
  const { $checked } = await readInputs(record, encoding)
  return $checked[name]
}
