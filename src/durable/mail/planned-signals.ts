import { didYouMean } from '../../core/closest-name.ts'
import { OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { planOf, requireIndex } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { graphHashOf, unwrittenFork } from '../records/graph-hash.ts'
import { receivedTypes } from '../../runtime/inputs/given-signals.ts'
import { noSuchExecution } from '../records/execution-info.ts'
import { readInputs } from '../records/stored-inputs.ts'
import type { PlannedWaits } from '../records/stored-inputs.ts'

/** An execution, as far as its handle knows it. */
interface PlannedExecution {
  readonly id: string
  readonly graph: string | undefined
  readonly target?: string | undefined
  /** Whether it may have been started in the caller's transaction, and be seen by nobody else yet. @default false */
  readonly mayBeUnseen?: boolean | undefined
}

/** What is sent: what nobody answers, or what is answered. */
export type MessageCall = 'signal' | 'update'

/** How values of a type come: one of them counts, or a step receives any number. */
export type SignalWay = 'signal' | 'received'

/**
 * How a step of an execution gets values of a type, by its plan where it lives here, or can be made here, or else by what its record says of the plan. Where
 * neither is known, anything may be sent. @throws OptionError for what no step waits for, ExecutionConflictError where it is not there, StoreError
 */
export async function requirePlanned(
  context: DocketContext,
  call: MessageCall,
  { id, graph: name, target, mayBeUnseen = false }: PlannedExecution,
  type: string,
): Promise<SignalWay> {
  const plan = context.owned.get(id)?.liveSteps?.plan
  const graph = name === undefined ? undefined : context.graphOf(name)
  // Mostly it does, and nothing is to be read.
  const known = plan ?? planWithout(graph, target)
  const way = known && wayIn(namesOf(known), type)
  if (way !== undefined) return way
  const { waited, before } =
    plan === undefined ? await recorded(context, id, graph, mayBeUnseen) : { waited: namesOf(plan) }
  const found =
    waited === undefined
      ? (wayInGraph(graph, type) ?? (before && wayIn(before, type)) ?? 'signal')
      : wayIn(waited, type)
  if (found !== undefined) return found
  const all = [...waited!.signals, ...(waited!.receives ?? [])]
  const hint = didYouMean(type, all) || `; it waits for: ${all.join(', ') || 'none'}`
  throw new OptionError(`no step that execution "${id}" needs waits for ${messageNamed(call, type)}${hint}`, {
    executionId: id,
  })
}

/** For messages: `a signal "Approval"`. */
export function messageNamed(call: MessageCall, type: string): string {
  return `${call === 'signal' ? 'a signal' : 'an update'} "${type}"`
}

/** The types that come to a plan's steps from outside. */
type AwaitedTypes = Pick<PlannedWaits, 'signals' | 'receives'>

function namesOf(plan: Plan): AwaitedTypes {
  return {
    signals: plan.signalSteps.map(({ spec }) => spec.output.name),
    receives: receivedTypes(plan).map(({ name }) => name),
  }
}

/** How a type comes to steps that wait for these. */
export function wayIn({ signals, receives = [] }: AwaitedTypes, type: string): SignalWay | undefined {
  return signals.includes(type) ? 'signal' : receives.includes(type) ? 'received' : undefined
}

/** How a type comes in any execution of a graph; undefined where the graph is not known here, or gets none such from outside. */
export function wayInGraph(graph: AnyGraph | undefined, type: string): SignalWay | undefined {
  if (graph === undefined) return undefined
  for (const { kind, output, receives } of requireIndex(graph).specs) {
    if (kind === 'signal' && output.name === type) return 'signal'
    if (receives.some(({ name }) => name === type)) return 'received'
  }
  return undefined
}

/** A type that comes to executions of a graph from outside, as the graph declares it. */
export function typeFromOutside(graph: AnyGraph, name: string): AnyDataType | undefined {
  const types = requireIndex(graph).specs.flatMap(({ kind, output, receives }) =>
    kind === 'signal' ? [output] : receives,
  )
  return types.find((type) => type.name === name)
}

/** The plan of a target for which nothing is overridden; undefined where the graph is not known here, or has no such type. */
function planWithout(graph: AnyGraph | undefined, target: string | undefined): Plan | undefined {
  if (graph === undefined || target === undefined) return undefined
  const type = requireIndex(graph).types.get(target)
  return type === undefined ? undefined : planOf(graph, type)
}

/** What its record says: `waited` where that holds for the graph that it goes on with, or else what it waited `before`, which may be another name or another step's by now. */
async function recorded(
  context: DocketContext,
  id: string,
  graph: AnyGraph | undefined,
  mayBeUnseen: boolean,
): Promise<{ readonly waited?: AwaitedTypes | undefined; readonly before?: AwaitedTypes | undefined }> {
  const { connection } = context
  await connection.readyBy()
  const record = await context.recordOf(id)
  // What is taken for a signal, as nothing is known, would be lost on the next one that begins under the id.
  if (record === undefined && !mayBeUnseen) throw noSuchExecution(id)
  if (record === undefined || record.kind === 'batch') return {}
  const { $waits } = await readInputs(record, connection.encoding).catch(() => ({ $waits: undefined }))
  // A fork that is still being written has what its original waits for.
  if ($waits?.graph === record.graphHash || record.graphHash === unwrittenFork) return { waited: $waits }
  if (graph === undefined || graphHashOf(requireIndex(graph)) !== record.graphHash) return { before: $waits }
  const plan = planWithout(graph, record.target)
  return plan === undefined ? {} : { waited: namesOf(plan) }
}
