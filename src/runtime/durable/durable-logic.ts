import type { ActorLogic, EventObject } from 'xstate'
import type { AnyDataType } from '../../core/data-type.ts'
import type { AnyGraph } from '../../core/graph-index.ts'
import { requireIndex, requireTarget } from '../../core/plan.ts'
import { ExecutionActor } from '../execution-actor.ts'
import type { LogicScope, LogicSnapshot } from '../execution-actor.ts'
import { executionLogic } from '../execution-logic.ts'
import { randomId } from '../execution-setup.ts'
import type { Execution } from '../execution.ts'
import { readInputs } from '../from-graph.ts'
import type { PersistedExecution } from '../persisted-execution.ts'
import type { DurableRuntime } from './durable-runtime.ts'
import type { StartOptions } from './execution-request.ts'
import { ExecutionHandle } from './execution-handle.ts'

/**
 * Actor logic whose executions are durable. The actor mirrors the execution: it begins when that is written down, tells its steps
 * if they run in this process, and ends as it ends, wherever it runs.
 */
export function durableLogic(
  runtime: DurableRuntime,
  graph: AnyGraph,
  target: AnyDataType,
  idOf: (input: unknown) => string | undefined,
  options: Omit<StartOptions, 'id' | 'signal'>,
): ActorLogic<LogicSnapshot, EventObject> {
  const index = requireIndex(graph)
  requireTarget(index, target)
  const begin = (scope: LogicScope, input: unknown, persisted?: PersistedExecution): LogicSnapshot => {
    const id = persisted?.head.executionId ?? idOf(input) ?? randomId(runtime.options.random)
    const { given, refusal } = readInputs(graph, target, input ?? {})
    const startOptions = { ...options, id }
    let isWritten = false
    let isOver = false
    const cancel = (): void => void new ExecutionHandle(runtime, id).cancel().catch(() => {})
    return new ExecutionActor({
      scope,
      input,
      given,
      options: runtime.optionsOf(given.plan, startOptions),
      refusal,
      setup: {
        onFailed: () => {
          // Stopped from outside: so is what it stands for, once it exists. What was refused stands for nothing.
          if (isWritten && !isOver) cancel()
        },
      },
      begin: (execution: Execution) => {
        const end = (outcome: { readonly output: unknown } | { readonly error: unknown }): void => {
          isOver = true
          if (!execution.hasEnded) execution.endWith(outcome)
        }
        void (async () => {
          const request = runtime.request(graph, target, input ?? {}, startOptions)
          await runtime.start(request)
          isWritten = true
          if (execution.hasEnded) cancel()
          return new ExecutionHandle(runtime, id).result()
        })().then(
          (output) => end({ output }),
          (error: unknown) => end({ error }),
        )
      },
    }).snapshot()
  }
  return executionLogic(index, target, begin)
}
