import type { AnyDataType } from '../core/language/data-type.ts'
import { InputError } from '../core/errors.ts'
import type { Execute } from '../core/graph/calls.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { checkExecuteOptions } from './execution/execution-options.ts'
import type { ExecuteOptions, Overriding } from './execution/execution-options.ts'
import { forgetCall, memoryOf } from './results/execution-memory.ts'
import { resolveOptions } from './execution/execution-setup.ts'
import { Execution } from './execution/execution.ts'
import { requireNoSignals } from './steps/signal-step.ts'
import { undoingsOf } from './results/undoings.ts'
import { givenInputs } from './inputs/given-inputs.ts'

const noMemory = { cache: undefined, requestDigest: undefined }

/**
 * Makes the value of `target`: finds the steps that lead to it, runs independent ones in parallel, and gives the value.
 * Steps begin before the call returns; nothing begins when the inputs or options are wrong.
 *
 * @param graph made by `graph` or `untypedGraph`
 * @param target the data type to make
 * @param inputs values by type name: the leaves that the target needs, which are what no step makes
 * @param options besides how it runs, `overrides`: values for types that steps make, which then do not run
 * @throws (as rejection) InputError, OptionError, GraphError before anything runs; StepError when a step failed, its cause
 * being what the step threw; ExecutionTimeoutError; ExecutionCancelledError; ExecutionConflictError
 */
export const execute = ((
  graph: AnyGraph,
  target: AnyDataType,
  inputs: unknown,
  options?: ExecuteOptions & Overriding,
): Promise<unknown> =>
  // What is thrown inside rejects the promise.
  new Promise((resolve, reject) => {
    checkExecuteOptions('execute', options)
    const { plan, leafValues } = givenInputs(graph, target, inputs, options?.overrides)
    requireNoSignals(plan)
    const memory = memoryOf(plan, options?.id, leafValues)
    const onFailed = (error: unknown): void => {
      // Nothing has run: the caller may mend the inputs and use the id again.
      if (error instanceof InputError) forgetCall(plan, options?.id)
      reject(error)
    }
    const resolved = resolveOptions(plan.index, plan.target.name, options)
    const { cache, requestDigest } = memory ?? noMemory
    const undoings = undoingsOf(plan, options?.id)
    const calls = { onCompleted: resolve, onFailed }
    new Execution({ plan, options: resolved, cache, requestDigest, undoings, ...calls }).start(leafValues)
  })) as unknown as Execute<ExecuteOptions>
