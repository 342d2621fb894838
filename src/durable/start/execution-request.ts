import type { AnyDataType } from '../../core/language/data-type.ts'
import { durationMs } from '../../core/duration.ts'
import { ExecutionConflictError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { ExecutionRecord, NewExecution } from '../../core/contracts/store.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { ExecuteOptions } from '../../runtime/execution/execution-options.ts'
import { checkLeaves } from '../../runtime/inputs/given-inputs.ts'
import { deadlineMs } from '../../runtime/environment/time-limit.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'
import { graphHashOf } from '../records/graph-hash.ts'
import { machineVersion } from '../records/machine-version.ts'
import type { BatchItems } from '../records/restore-batch.ts'

/** What a call to start an execution says besides graph, target and inputs. */
export type StartOptions = Pick<
  ExecuteOptions,
  'id' | 'headers' | 'timeout' | 'deadline' | 'signal' | 'observers' | 'logger'
>

/** How a caller follows an execution that it starts, or goes on with, here. */
export type CallerOptions = Pick<StartOptions, 'signal' | 'observers' | 'logger' | 'deadline'> & {
  /** The items of a batch, in case that its process died before all of them were written. */
  readonly batch?: BatchItems & { readonly chunkEnds: readonly number[] }
}

/** Something that is about to exist: an execution or a batch. */
export interface StartRequest {
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly asked: string
  readonly watch: CallerOptions
  /** The record that it begins with; without an owner, anybody may begin it. @throws InputError, SerializationError */
  newRecord(owner: string | undefined): Promise<NewExecution>
  /** Begins it here, once the record is written. */
  begin(created: NewExecution): Promise<void>
}

/** An execution that is about to exist. */
export interface ExecutionRequest {
  readonly graph: AnyGraph
  readonly target: AnyDataType
  readonly given: GivenInputs
  readonly asked: string
  readonly options: StartOptions & { readonly id: string }
}

export function callerOptionsOf({ signal, observers, logger, deadline }: StartOptions): CallerOptions {
  return { signal, observers, logger, deadline }
}

/** The leaf values as the schemas make them. @throws InputError */
export async function checkedLeaves({ given, options }: ExecutionRequest): Promise<readonly unknown[]> {
  const { plan, leafValues } = given
  const values = new Array<unknown>(plan.types.length)
  const place = { graph: plan.index.graph.name, executionId: options.id }
  const error = await checkLeaves(plan, leafValues, values, () => place)
  if (error !== undefined) throw error
  return plan.leaves.map(({ slot }) => values[slot])
}

/** The record that an execution begins with; without an owner, anybody may begin it. @throws SerializationError */
export async function newRecordOf(
  request: ExecutionRequest,
  values: readonly unknown[],
  owner: string | undefined,
  encoding: ValueEncoding,
  createdAt: number,
): Promise<NewExecution> {
  const { graph, target, given, options, asked } = request
  const { plan, leafValues } = given
  const named = (list: readonly unknown[]): Record<string, unknown> => {
    const record: Record<string, unknown> = {}
    for (const [i, { type }] of plan.leaves.entries()) if (list[i] !== undefined) record[type.name] = list[i]
    return record
  }
  const isConverted = values.some((value, i) => value !== leafValues[i])
  const versions = plan.leaves.flatMap(({ type: { name, version } }) =>
    version === undefined ? [] : [[name, version]],
  )
  const inputs =
    isConverted || versions.length > 0
      ? { $given: named(leafValues), $checked: named(values), $versions: Object.fromEntries(versions) }
      : named(leafValues)
  return {
    id: options.id,
    kind: 'execution',
    graph: graph.name,
    target: target.name,
    asked,
    inputs: await encoding.encode(inputs, ['execution', options.id, 'inputs']),
    headers: options.headers ?? {},
    graphHash: graphHashOf(plan.index),
    machineVersion,
    parent: undefined,
    timeoutMs: options.timeout === undefined ? undefined : durationMs(options.timeout),
    deadline: deadlineMs(options.deadline),
    owner,
    createdAt,
    // Its owner begins it as soon as it is there.
    startedAt: owner === undefined ? undefined : createdAt,
  }
}

/** Makes sure that an id stands for what is asked for. @throws ExecutionConflictError */
export function requireSame(
  { id, graph, target, asked }: StartRequest,
  known: Pick<ExecutionRecord, 'graph' | 'target' | 'asked'>,
): void {
  if (known.graph === graph && known.target === target && known.asked === asked) return
  const what =
    known.graph !== graph || known.target !== target
      ? `for "${known.target}" of graph "${known.graph}"`
      : 'with other inputs'
  throw new ExecutionConflictError(
    `execution "${id}" was started before ${what}; use another id, or ask for the same`,
    {
      graph,
      executionId: id,
    },
  )
}
