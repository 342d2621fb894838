import type { AnyGraph } from '../core/graph/graph-index.ts'
import type { AnyDataType, TypedDataType } from '../core/language/data-type.ts'
import { AsyncContext } from '../runtime/environment/async-context.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { StartOptions } from './context/start-options.ts'
import type { BegunExecution } from './start/begin-execution.ts'
import { ExecutionHandle } from './execution-handle.ts'

/** The handle of an execution that a caller has started; `isInTransaction`: of its own, so that it may not be there yet. */
export function handleOf<Output>(
  context: DocketContext,
  { id, outcome }: Pick<BegunExecution, 'id'> & Partial<BegunExecution>,
  graph: AnyGraph,
  target: AnyDataType,
  options: Pick<StartOptions, 'signal'> | undefined,
  isInTransaction = false,
): ExecutionHandle<Output, never, never, never> {
  const about = { graph: graph.name, target: target.name, kind: 'execution', isInTransaction, outcome } as const
  return new ExecutionHandle(context, id, { ...about, signal: options?.signal, caller: new AsyncContext() })
}

/** The handle of a batch that a caller has started. */
export function handleOfBatch<Output, Signal extends TypedDataType>(
  context: DocketContext,
  { id, outcome }: BegunExecution,
  graph: AnyGraph,
  target: AnyDataType,
  { signal }: Pick<StartOptions, 'signal'>,
): ExecutionHandle<Output, Signal> {
  const about = { graph: graph.name, target: target.name, kind: 'batch', outcome } as const
  return new ExecutionHandle<Output, Signal>(context, id, { ...about, signal, caller: new AsyncContext() })
}
