import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isRecord } from '../../core/is-record.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { beginWithoutWaiting } from '../../runtime/environment/current-step.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { beginExecution } from '../start/begin-execution.ts'
import type { ExecutionStarter } from '../start/start-execution.ts'
import { identityOf, runInputsOf } from './declare-schedule.ts'
import { runIdOf } from './nominal-times.ts'

/**
 * Starts the execution of a nominal time, unless it is there: then it is left alone, whatever has become of it. @returns its id
 * @throws OptionError, InputError, GraphError, SerializationError, StoreError, and what interceptors throw
 */
export async function startRun(
  context: DocketContext,
  starter: ExecutionStarter,
  record: ScheduleRecord,
  nominalTime: number,
): Promise<string> {
  const stored = await context.connection.encoding.decode(record.inputs, identityOf(record.name))
  const { $drawing: drawing, ...inputs } = isRecord(stored) ? stored : {}
  const drawn = drawing === undefined ? undefined : context.drawn.draw(drawing, record.graph)
  const { graph, target } = targetOf(record, drawn ?? context.graphOf(record.graph))
  const id = runIdOf(record.name, nominalTime)
  await beginWithoutWaiting(() =>
    beginExecution(context, starter, {
      graph,
      target,
      by: 'schedule',
      inputs: runInputsOf(record.rule, inputs, nominalTime),
      options: { ...record.rule.start, id },
      write: (request) => starter.startNew(request),
    }),
  )
  return id
}

/** Graph and target as this docket has them, which may have had other names. @throws OptionError where it has none */
function targetOf(
  { name, graph: graphName, target: targetName }: Pick<ScheduleRecord, 'name' | 'graph' | 'target'>,
  graph: AnyGraph | undefined,
): { readonly graph: AnyGraph; readonly target: AnyDataType } {
  if (graph === undefined)
    throw new OptionError(`schedule "${name}": this docket does not know graph "${graphName}"; give it to createDocket`)
  const { producers, former } = requireIndex(graph)
  const target = producers.get(targetName) ?? producers.get(former?.types.get(targetName) ?? '')
  if (target !== undefined) return { graph, target: target.output }
  throw new OptionError(
    `schedule "${name}": no step of graph "${graph.name}" produces "${targetName}"; declare the schedule anew, or delete it`,
  )
}
