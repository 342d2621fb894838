import { checkpointIdentity } from '../core/contracts/checkpoint-record.ts'
import type { CheckpointRecord } from '../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { SerializationError } from '../core/errors.ts'
import { requireIndex } from '../core/graph/plan.ts'
import type { ValueEncoding } from '../core/values/value-encoding.ts'
import { keyNameOfStep } from '../runtime/steps/key-names.ts'
import type { DocketContext } from './context/docket-context.ts'
import { dateOf } from './records/date-of.ts'
import { specsByName } from './records/restore-execution.ts'
import type { CheckpointInfo, StepInfo } from './records/step-info.ts'
import { readInputs } from './records/stored-inputs.ts'
import { keyNamesOf } from './records/stored-names.ts'
import type { StoredNames } from './records/stored-names.ts'

const mostCheckpoints = 1_000

/** The same steps of a record under present names, those that are durable functions with what is on record of their verbs. @throws StoreError, SerializationError for what can't be read, unless the encoding is a lenient one */
export async function withCheckpoints(
  context: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph | undefined,
  steps: readonly StepInfo[],
  encoding: ValueEncoding,
): Promise<readonly StepInfo[]> {
  const { store } = context.connection
  if (graph === undefined || store.readCheckpoints === undefined) return steps
  const index = requireIndex(graph)
  const specs = specsByName(index)
  const areShown = ({ step, item, status }: StepInfo): boolean =>
    specs.get(step)?.kind === 'durable' && item === undefined && status !== 'pending'
  if (!steps.some(areShown)) return steps
  const $names = await namesOf(record, encoding)
  const named = { plan: { index }, keyNames: keyNamesOf(record, $names) }
  return Promise.all(
    steps.map((info) =>
      areShown(info) ? withOwn(context, record.id, keyNameOfStep(named, info.step), info, encoding) : info,
    ),
  )
}

/** The names that keys are made of; undefined where the inputs beside which they stand can't be read, which details say elsewhere. */
async function namesOf(record: ExecutionRecord, encoding: ValueEncoding): Promise<StoredNames | undefined> {
  try {
    return (await readInputs(record, encoding)).$names
  } catch (error) {
    if (error instanceof SerializationError) return undefined
    throw error
  }
}

/** `step`: what it was called first. */
async function withOwn(
  { connection }: DocketContext,
  id: string,
  step: string,
  info: StepInfo,
  encoding: ValueEncoding,
): Promise<StepInfo> {
  const { store } = connection
  const request = { execution: id, of: { step, item: '' }, limit: mostCheckpoints }
  const records = await connection.patiently(() => store.readCheckpoints!(request))
  const infoOf = async (record: CheckpointRecord): Promise<CheckpointInfo> => ({
    name: record.name,
    kind: record.kind,
    status: record.status,
    generation: record.generation,
    value: record.value && (await encoding.decode(record.value, checkpointIdentity(id, record))),
    error: record.error && (await encoding.decodeError(record.error, checkpointIdentity(id, record, 'error'))),
    at: new Date(record.at),
    dueAt: dateOf(record.dueAt),
  })
  // What is on record of the function itself is none of its verbs.
  const checkpoints = await Promise.all(records.filter(({ name }) => !name.startsWith('$')).map(infoOf))
  const open = checkpoints.filter(({ status }) => status === 'open').map(({ name }) => name)
  const { waitsFor } = info
  return { ...info, checkpoints, waitsFor: waitsFor?.kind === 'verbs' ? { ...waitsFor, verbs: open } : waitsFor }
}
