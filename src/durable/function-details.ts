import { checkpointIdentity } from '../core/contracts/checkpoint-record.ts'
import type { CheckpointRecord } from '../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { requireIndex } from '../core/graph/plan.ts'
import { keyNameOfStep } from '../runtime/steps/key-names.ts'
import type { DocketContext } from './context/docket-context.ts'
import { dateOf } from './records/date-of.ts'
import { specsByName } from './records/restore-execution.ts'
import type { CheckpointInfo, StepInfo } from './records/step-info.ts'
import { readInputs } from './records/stored-inputs.ts'
import { keyNamesOf } from './records/stored-names.ts'

const mostCheckpoints = 1_000

/** The same steps of a record under present names, those that are durable functions with what is on record of their verbs. @throws StoreError, SerializationError */
export async function withCheckpoints(
  context: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph | undefined,
  steps: readonly StepInfo[],
): Promise<readonly StepInfo[]> {
  const { store, encoding } = context.connection
  if (graph === undefined || store.readCheckpoints === undefined) return steps
  const index = requireIndex(graph)
  const specs = specsByName(index)
  const areShown = ({ step, item, status }: StepInfo): boolean =>
    specs.get(step)?.kind === 'durable' && item === undefined && status !== 'pending'
  if (!steps.some(areShown)) return steps
  const { $names } = await readInputs(record, encoding)
  const named = { plan: { index }, keyNames: keyNamesOf(record, $names) }
  return Promise.all(
    steps.map((info) => (areShown(info) ? withOwn(context, record.id, keyNameOfStep(named, info.step), info) : info)),
  )
}

/** `step`: what it was called first. */
async function withOwn({ connection }: DocketContext, id: string, step: string, info: StepInfo): Promise<StepInfo> {
  const { store, encoding } = connection
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
