import { requireLength } from '../core/check-length.ts'
import { isName, requireReturnedName } from '../core/check-name.ts'
import { describe, refuse } from '../core/check-options.ts'
import { OptionError } from '../core/errors.ts'
import { isWorkflow } from '../core/graph/any-workflow.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { checkExecuteOptions } from '../runtime/execution/execution-options.ts'
import { logicOptionNames, problemsOfCall, problemsOfRefusedKeys } from './context/call-options.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { OverridingOptions } from './context/start-options.ts'
import { durableLogic } from './durable-logic.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

const why =
  'is not for logic: an actor stands for an execution of its own, which ends with it, and can’t become that of another call'
const refusedKeys = {
  onBusy: `${why}; call docket.start in a promise actor`,
  dedupe: `${why}; give it an id by its input, under which it is one execution`,
}

/** Durable actor logic, once its options are checked. @throws as `Docket.logic` does */
export function checkedLogic(
  context: DocketContext,
  starter: ExecutionStarter,
  graph: AnyGraph,
  target: AnyDataType,
  options: Omit<OverridingOptions, 'id' | 'signal'> & { readonly id?: string | ((input: never) => string) },
): ReturnType<typeof durableLogic> {
  const { id, ...rest } = options
  refuse('logic', problemsOfRefusedKeys(rest, refusedKeys))
  checkExecuteOptions('logic', rest, logicOptionNames, problemsOfCall(rest))
  if (id !== undefined && typeof id !== 'function' && !isName(id))
    throw new OptionError(`logic: id must be a non-empty string or a function of the input, not ${describe(id)}`)
  // A workflow is handed on as it is, with the arguments that stand in it.
  const required = context.requireGraph(graph)
  const own = isWorkflow(graph) ? graph : required
  if (typeof id === 'string') requireLength(context.connection.store, 'executionId', 'logic: id', id)
  // What it throws becomes the actor's error.
  const idOf = (input: unknown): string =>
    typeof id === 'function' ? requireReturnedName('logic: id', id(input as never)) : (id ?? context.newId())
  return durableLogic(context, starter, own, target, idOf, rest)
}
