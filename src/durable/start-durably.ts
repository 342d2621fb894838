import type { AnyGraph } from '../core/graph/graph-index.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { checkExecuteOptions } from '../runtime/execution/execution-options.ts'
import { startOptionNames } from './context/call-options.ts'
import type { DocketContext } from './context/docket-context.ts'
import { beginWithoutWaiting } from '../runtime/environment/current-step.ts'
import { requireTransactions } from './context/require-transactions.ts'
import { handleOf } from './handle-of.ts'
import { problemsOfStart } from './context/start-problems.ts'
import type { AnyHandle, AnyStart } from './start-calls.ts'
import { beginExecution } from './start/begin-execution.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/** Starts an execution. @throws (as rejection) as `Docket.start` does */
export async function startDurably(
  context: DocketContext,
  starter: ExecutionStarter,
  graph: AnyGraph,
  target: AnyDataType,
  inputs: unknown,
  options: AnyStart = {},
): Promise<AnyHandle> {
  const { transaction, ...startOptions } = options
  checkExecuteOptions('start', startOptions, startOptionNames, problemsOfStart(startOptions, transaction))
  requireTransactions(context, 'start', transaction)
  const begun = await beginWithoutWaiting(() =>
    beginExecution(context, starter, { graph, target, inputs, options: startOptions, transaction }),
  )
  return handleOf(context, begun, graph, target, startOptions, transaction !== undefined)
}
