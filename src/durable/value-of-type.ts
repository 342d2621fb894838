import { checkpointIdentity } from '../core/contracts/checkpoint-record.ts'
import { didYouMean } from '../core/closest-name.ts'
import { OptionError } from '../core/errors.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { requireIndex } from '../core/graph/plan.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { StoredValue } from '../core/contracts/stored-value.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import type { AnyMachineStep, MachineView } from '../core/language/machine-step.ts'
import { machineStateOf } from '../runtime/steps/machine-state.ts'
import { keptStateOf } from './records/kept-state.ts'
import type { StoreConnection } from '../runtime/store-access/store-connection.ts'
import type { DocketContext } from './context/docket-context.ts'
import { checkpointBeside } from './records/checkpoint-beside.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { shownRecords } from './records/present-names.ts'
import { decodePresent, readInputs } from './records/stored-inputs.ts'
import { publishedPlace } from './records/published-value.ts'
import { splitUndoRecords } from './records/undo-records.ts'

/** What is known of a data type in an execution, as of one commit. */
export interface FoundValue {
  /** The execution's record. */
  readonly record: ExecutionRecord
  /** Where the value stands: what has another text or other bytes is another value. Undefined as long as there is none. */
  readonly stored: StoredValue | undefined
  /** The value. @throws SerializationError */
  read(): unknown
}

/**
 * The value of a data type in an execution, as of the last commit, from any process: what it was given, or what a step has made that is on record.
 * @throws ExecutionConflictError where there is no such execution; OptionError for a batch, and for a type that its graph does not have;
 * SerializationError, StoreError
 */
export async function findValue(
  context: DocketContext,
  call: 'get' | 'watch',
  id: string,
  { name }: AnyDataType,
): Promise<FoundValue> {
  const { connection, clock } = context
  const { encoding } = connection
  await connection.readyBy()
  const known = await context.recordOf(id)
  if (known === undefined) throw noSuchExecution(id)
  if (known.kind === 'batch')
    throw new OptionError(`${call}: "${id}" is a batch, whose items have a value each: see details()`)
  const { steps: rows } = splitUndoRecords(await context.stepsOf(id))
  const graph = context.graphOf(known)
  const { record, steps } = await shownRecords({ record: known, steps: rows }, graph, encoding, clock)
  const made = steps.find(({ type, status }) => type === name && (status === 'completed' || status === 'cached'))
  if (made !== undefined) {
    const { step, item, output: stored } = made
    return { record, stored, read: () => decodePresent(stored, ['step', id, step, item, 'output'], encoding) }
  }
  const { output, inputs } = record
  if (record.status === 'completed' && record.target === name && output !== undefined)
    return { record, stored: output, read: () => encoding.decode(output, ['execution', id, 'output']) }
  const { $checked } = await readInputs(record, encoding)
  if (Object.hasOwn($checked, name)) return { record, stored: inputs, read: () => $checked[name] }
  const published = await publishedValue(connection, id, name)
  if (published.stored === undefined && graph !== undefined) requireTypeOf(graph, call, name)
  return { record, ...published }
}

/** Nothing is ever there of a name that the graph does not have: that is no value that is not there yet. @throws OptionError */
function requireTypeOf(graph: AnyGraph, call: 'get' | 'watch', name: string): void {
  const { types, specs } = requireIndex(graph)
  const shown = specs.flatMap(({ publishes }) => publishes.map((type) => type.name))
  if (types.has(name) || shown.includes(name)) return
  const receiver = specs.find(({ receives }) => receives.some((type) => type.name === name))
  if (receiver !== undefined)
    throw new OptionError(
      `${call}: step "${receiver.name}" receives any number of "${name}", so that there is no one value of it; show what they come to by publish, or by a query`,
    )
  const known = [...types.keys(), ...shown]
  throw new OptionError(
    `${call}: graph "${graph.name}" has no type "${name}"${didYouMean(name, known) || `; it has: ${known.join(', ')}`}`,
  )
}

/** What a step has shown of a type. */
async function publishedValue(
  { store, encoding }: StoreConnection,
  id: string,
  type: string,
): Promise<Omit<FoundValue, 'record'>> {
  const place = publishedPlace(type, '')
  const stored = (await checkpointBeside(store, id, place))?.value
  return { stored, read: () => stored && decodePresent(stored, checkpointIdentity(id, place), encoding) }
}

/** What the machine of a step is at, as of the last commit; undefined where it has not begun. @throws as `findValue` */
export async function findMachine(
  context: DocketContext,
  id: string,
  { name }: AnyMachineStep,
): Promise<MachineView | undefined> {
  const { connection, clock } = context
  const { encoding } = connection
  await connection.readyBy()
  const known = await context.recordOf(id)
  if (known === undefined) throw noSuchExecution(id)
  if (known.kind === 'batch') throw new OptionError(`get: "${id}" is a batch, whose items have a machine each`)
  const { steps: rows } = splitUndoRecords(await context.stepsOf(id))
  const graph = context.graphOf(known)
  const { steps } = await shownRecords({ record: known, steps: rows }, graph, encoding, clock)
  const record = steps.find(({ step }) => step === name)
  if (record === undefined && graph !== undefined) requireStepOf(graph, name)
  if (record?.output === undefined) return undefined
  const { step, item, status, output } = record
  const kept = await decodePresent(output, ['step', id, step, item, 'output'], encoding)
  if (status === 'completed' || status === 'cached')
    return { status: 'done', value: undefined, context: undefined, output: kept }
  const { snapshot } = machineStateOf(keptStateOf(kept)) ?? {}
  if (snapshot === undefined) return undefined
  const { value, context: own } = snapshot as { readonly value: unknown; readonly context: unknown }
  return { status: 'active', value, context: own, output: undefined }
}

/** @throws OptionError */
function requireStepOf(graph: AnyGraph, name: string): void {
  const known = requireIndex(graph).specs.map((spec) => spec.name)
  if (known.includes(name)) return
  const hint = didYouMean(name, known) || `; it has: ${known.join(', ')}`
  throw new OptionError(`get: graph "${graph.name}" has no step "${name}"${hint}`)
}
