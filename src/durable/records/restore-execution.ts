import { DocketError, LeaseLostError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import { recordedInputs, split } from '../../runtime/inputs/given-inputs.ts'
import type { PersistedExecution } from '../../runtime/execution/execution-view.ts'
import { machineVersion } from './machine-version.ts'
import { decodePresent, readInputs } from './stored-inputs.ts'

/** An execution as its records tell, ready to go on. */
export interface RestoredExecution {
  readonly plan: Plan
  /** As the caller gave them. */
  readonly inputs: unknown
  /** Checked already, when it was created. */
  readonly leafValues: readonly unknown[]
  readonly persisted: PersistedExecution
  readonly inputHashes: ReadonlyMap<string, string>
}

/** Why an execution went on here. */
export type ResumeCause = 'death' | 'release' | 'end'

/** The plan of a stored execution; undefined where its inputs can't be read or no longer fit the graph. */
export async function planOfRecord(
  record: ExecutionRecord,
  graph: AnyGraph,
  encoding: ValueEncoding,
): Promise<Plan | undefined> {
  const target = requireIndex(graph).types.get(record.target)
  if (target === undefined) return undefined
  try {
    const { $checked, $overrides } = await readInputs(record, encoding)
    return recordedInputs(graph, target, $checked, $overrides).plan
  } catch (error) {
    if (!(error instanceof DocketError)) throw error
    return undefined
  }
}

/**
 * Puts an execution together from its records, or tells why they don't fit this graph.
 * @throws SerializationError for damaged records
 */
export async function restoreExecution(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  graph: AnyGraph,
  encoding: ValueEncoding,
  cause: ResumeCause,
): Promise<RestoredExecution | { readonly reasons: readonly string[] }> {
  const reasons = misfitsOf(record, steps, graph)
  if (reasons.length > 0) return { reasons }
  const { $given, $checked, $versions, $overrides } = await readInputs(record, encoding)
  const [inputs] = split($given, $overrides)
  const changed = [...changedInputs($given, $versions, graph), ...nowMade('input', Object.keys(inputs), graph)]
  if (changed.length > 0) return { reasons: changed }
  let given
  try {
    given = recordedInputs(graph, requireIndex(graph).types.get(record.target)!, $checked, $overrides)
  } catch (error) {
    if (!(error instanceof DocketError)) throw error
    return { reasons: [describeThrown(error)] }
  }
  const views = new Map<string, StepView>()
  const inputHashes = new Map<string, string>()
  const names = new Set(given.plan.steps.map(({ spec }) => spec.name))
  for (const step of steps) {
    if (!names.has(step.step)) continue
    const maxAttempts = given.plan.index.producers.get(step.type)?.maxAttempts ?? 1
    const view = await viewOf(record, step, encoding, cause, maxAttempts)
    if (view === undefined) continue
    views.set(step.step, view)
    if (view.endedAt !== undefined && step.inputHash !== undefined) inputHashes.set(step.step, step.inputHash)
  }
  const { id, target } = record
  const total = given.plan.steps.length
  const startedAt = cause === 'end' ? undefined : record.startedAt
  const persisted: PersistedExecution = {
    value: 'pending',
    head: { executionId: id, graph: graph.name, target, total, settled: 0, startedAt, endedAt: undefined },
    input: $given,
    output: undefined,
    error: undefined,
    steps: views,
  }
  return { plan: given.plan, inputs: $given, leafValues: given.leafValues, persisted, inputHashes }
}

// A record that somebody edited, or that a newer version wrote, may have another.
const stepStatuses: Readonly<Record<StepStatus, true>> = {
  pending: true,
  claiming: true,
  running: true,
  retrying: true,
  waiting: true,
  completed: true,
  cached: true,
  failed: true,
  cancelled: true,
  skipped: true,
}

/** Inputs whose data type has another version now. Those that a migration made are as the graph wants them. */
function changedInputs(
  given: Readonly<Record<string, unknown>>,
  versions: Readonly<Record<string, string>> | undefined,
  graph: AnyGraph,
): readonly string[] {
  if (versions === undefined) return []
  const { types } = requireIndex(graph)
  return Object.keys(given).flatMap((name) => {
    const now = types.get(name)?.version
    const then = versions[name]
    return now === then
      ? []
      : [`input "${name}" was given in version ${then ?? '(none)'}, and is version ${now ?? '(none)'} now`]
  })
}

/** Values that callers gave, and that steps make now: what somebody said from outside must not take a step's place. */
export function nowMade(what: string, names: readonly string[], graph: AnyGraph): readonly string[] {
  const { producers } = requireIndex(graph)
  return names.flatMap((name) => {
    const producer = producers.get(name)
    return producer === undefined
      ? []
      : [`${what} "${name}" was given by its caller, and step "${producer.name}" makes it now`]
  })
}

/** What of the records does not fit the graph as it is now. */
export function misfitsOf(record: ExecutionRecord, steps: readonly StepRecord[], graph: AnyGraph): readonly string[] {
  const index = requireIndex(graph)
  const reasons: string[] = []
  if (record.machineVersion > machineVersion)
    reasons.push(
      `it was written by a newer version (format ${record.machineVersion}, this one knows ${machineVersion})`,
    )
  if (!index.types.has(record.target)) reasons.push(`the graph has no type "${record.target}" any more`)
  const specs = new Map(index.specs.map((spec) => [spec.name, spec]))
  for (const { step, type, typeVersion, status } of steps) {
    if (!Object.hasOwn(stepStatuses, status))
      reasons.push(`step "${step}" has the status "${String(status)}", which this version does not know`)
    if (status !== 'completed' && status !== 'cached') continue
    const spec = specs.get(step)
    if (spec === undefined) reasons.push(`step "${step}" has a result, but the graph has no such step any more`)
    else if (spec.output.name !== type)
      reasons.push(`step "${step}" made "${type}", and makes "${spec.output.name}" now`)
    else if (spec.output.version !== typeVersion)
      reasons.push(
        `step "${step}" made version ${typeVersion ?? '(none)'} of "${type}", which is version ${spec.output.version ?? '(none)'} now`,
      )
  }
  return reasons
}

/** What a record tells of its step; undefined where it begins anew. */
export async function viewOf(
  { id }: ExecutionRecord,
  record: StepRecord,
  encoding: ValueEncoding,
  cause: ResumeCause,
  maxAttempts: number,
): Promise<StepView | undefined> {
  const { step, item, status, attempt, startedAt, endedAt, dueAt, output, error } = record
  const identity = ['step', id, step, item]
  const view = { status, attempt, startedAt, endedAt, dueAt, output: undefined, error: undefined }
  if (status === 'completed' || status === 'cached')
    return { ...view, output: await decodePresent(output, [...identity, 'output'], encoding) }
  // An execution that is asked for again tries anew what failed.
  if (cause === 'end') return undefined
  const thrown = error === undefined ? undefined : await encoding.decodeError(error, [...identity, 'error'])
  if (status === 'retrying' || status === 'failed') return { ...view, error: thrown }
  if (status !== 'running') return undefined
  // What a process gave up was no attempt; what it died of was.
  if (cause === 'release') return { ...view, attempt: attempt - 1 }
  if (attempt < maxAttempts) return view
  const death = new LeaseLostError(`the process died during attempt ${attempt} of ${maxAttempts} of step "${step}"`, {
    executionId: id,
    step,
    attempt,
  })
  return { ...view, status: 'failed', endedAt: startedAt, error: death }
}
