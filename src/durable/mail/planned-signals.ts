import { didYouMean } from '../../core/closest-name.ts'
import { OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { planOf, requireIndex } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { graphHashOf } from '../records/graph-hash.ts'
import { readInputs } from '../records/stored-inputs.ts'

/** An execution, as far as its handle knows it. */
interface PlannedExecution {
  readonly id: string
  readonly graph: string | undefined
  readonly target?: string | undefined
}

/**
 * That a step of an execution waits for a type, by its plan where it lives here, or can be made here, or else by what its record says of the plan. Where
 * neither is known, anything may be sent. @throws OptionError for what no step waits for, StoreError
 */
export async function requirePlanned(
  context: DocketContext,
  { id, graph: name, target }: PlannedExecution,
  type: string,
): Promise<void> {
  const plan = context.owned.get(id)?.liveSteps?.plan
  const graph = name === undefined ? undefined : context.graphOf(name)
  // Mostly it does, and nothing is to be read.
  if ((plan ?? planWithout(graph, target))?.signalSteps.some(({ spec }) => spec.output.name === type) === true) return
  const waited = plan === undefined ? await recorded(context, id, graph) : namesOf(plan)
  if (waited === undefined || waited.includes(type)) return
  const hint = didYouMean(type, waited) || `; it waits for: ${waited.join(', ') || 'none'}`
  throw new OptionError(`no step that execution "${id}" needs waits for a signal "${type}"${hint}`, { executionId: id })
}

function namesOf({ signalSteps }: Plan): readonly string[] {
  return signalSteps.map(({ spec }) => spec.output.name)
}

/** The plan of a target for which nothing is overridden; undefined where the graph is not known here, or has no such type. */
function planWithout(graph: AnyGraph | undefined, target: string | undefined): Plan | undefined {
  if (graph === undefined || target === undefined) return undefined
  const type = requireIndex(graph).types.get(target)
  return type === undefined ? undefined : planOf(graph, type)
}

/** What its record says; undefined where that does not hold for the graph that it goes on with. */
async function recorded(
  context: DocketContext,
  id: string,
  graph: AnyGraph | undefined,
): Promise<readonly string[] | undefined> {
  const { connection } = context
  await connection.readyBy()
  const record = await context.recordOf(id)
  if (record === undefined || record.kind === 'batch') return undefined
  const { $waits } = await readInputs(record, connection.encoding).catch(() => ({ $waits: undefined }))
  if ($waits?.graph === record.graphHash) return $waits.signals
  if (graph === undefined || graphHashOf(requireIndex(graph)) !== record.graphHash) return undefined
  const plan = planWithout(graph, record.target)
  return plan && namesOf(plan)
}
