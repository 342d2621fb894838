import type { AnyDataType } from '../core/language/data-type.ts'
import { InputError } from '../core/errors.ts'
import type { Execute } from '../core/graph/calls.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import type { Plan } from '../core/graph/plan.ts'
import { checkExecuteOptions, executeOptionNames } from './execution/execution-options.ts'
import type { ExecuteOptions, Overriding, Signalling } from './execution/execution-options.ts'
import { forgetCall, memoryOf } from './results/execution-memory.ts'
import { resolveOptions } from './execution/execution-setup.ts'
import { Execution } from './execution/execution.ts'
import { refuseEvents } from './steps/event-step.ts'
import { inboxOf } from './steps/inbox.ts'
import type { MemoryInbox } from './steps/inbox.ts'
import { refuseSharedLimits } from './steps/shared-limits.ts'
import { requireGivenSignals } from './steps/signal-step.ts'
import { Signals } from './steps/signals.ts'
import { undoingsOf } from './results/undoings.ts'
import { standsAlone } from './inputs/drawn-args.ts'
import { givenInputs } from './inputs/given-inputs.ts'
import { givenSignals, problemOfSignals } from './inputs/given-signals.ts'
import type { StartSignals } from './inputs/given-signals.ts'
import { isPromise } from '../core/own-promise.ts'

const optionNames = [...executeOptionNames, 'signals']
const noMemory = { cache: undefined, requestDigest: undefined }

/**
 * Makes the value of `target`: finds the steps that lead to it, runs independent ones in parallel, and gives the value.
 * Steps begin before the call returns; nothing begins when the inputs or options are wrong.
 *
 * @param graph made by `graph` or `untypedGraph`
 * @param target the data type to make
 * @param inputs values by type name: the leaves that the target needs, which are what no step makes
 * @param options besides how it runs, `overrides`: values for types that steps make, which then do not run; `signals`: values for those that steps wait for
 * @throws (as rejection) InputError, OptionError, GraphError before anything runs; StepError when a step failed, its cause
 * being what the step threw; ExecutionTimeoutError; ExecutionCancelledError; ExecutionConflictError
 */
export const execute = ((
  graph: AnyGraph,
  target: AnyDataType,
  inputs: unknown,
  options?: ExecuteOptions & Overriding & Signalling,
): Promise<unknown> =>
  // What is thrown inside rejects the promise.
  new Promise((resolve, reject) => {
    if (inputs === undefined && standsAlone(graph, target))
      return resolve(execute(graph, graph.results, {}, target as ExecuteOptions | undefined))
    checkExecuteOptions('execute', options, optionNames)
    const { plan, leafValues } = givenInputs(graph, target, inputs, options?.overrides)
    refuseEvents(plan)
    refuseSharedLimits(plan)
    const coming = mayGetSignals(plan, options) ? comingOf(plan, options) : undefined
    const memory = memoryOf(plan, options?.id, leafValues)
    const onFailed = (error: unknown): void => {
      // Nothing has run: the caller may mend the inputs and use the id again.
      if (error instanceof InputError) forgetCall(plan, options?.id)
      reject(error)
    }
    const resolved = resolveOptions(plan.index, plan.target.name, options)
    const { cache, requestDigest } = memory ?? noMemory
    const undoings = undoingsOf(plan, options?.id)
    const { signals, inbox } = coming ?? nothingComes
    // A literal that spreads two objects takes a tenth of the whole call.
    const execution = new Execution({
      plan,
      options: resolved,
      cache,
      requestDigest,
      undoings,
      signals,
      inbox,
      onCompleted: resolve,
      onFailed,
    })
    if (coming === undefined) execution.start(leafValues)
    else startOnceChecked(execution, leafValues, coming, onFailed)
  })) as unknown as Execute<ExecuteOptions>

/** What comes to an execution with its call, and nothing else. */
interface Coming {
  readonly given: StartSignals
  readonly signals: Signals
  readonly inbox: MemoryInbox | undefined
}

const nothingComes = { signals: undefined, inbox: undefined }

function mayGetSignals({ signalSteps, receivers }: Plan, options: Signalling | undefined): boolean {
  return signalSteps.length > 0 || receivers.length > 0 || options?.signals !== undefined
}

/** Of a plan that waits for signals, or receives messages, what came with the call. @throws InputError, OptionError */
function comingOf(plan: Plan, options: Signalling | undefined): Coming {
  const given = givenSignals(plan, options?.signals)
  requireGivenSignals(plan, given)
  const signals = new Signals(plan.signalSteps.map(({ spec }) => spec.output))
  for (const [type, value] of Object.entries(given)) signals.give(type, value)
  return { given, signals, inbox: inboxOf(plan, given, { isComplete: true }) }
}

// A function of its own: one that makes closures costs memory at each call, whether it comes to them or not.
function startOnceChecked(
  execution: Execution,
  leafValues: readonly unknown[],
  { given, signals, inbox }: Coming,
  onFailed: (error: InputError) => void,
): void {
  const start = (wrong: InputError | undefined): void => {
    if (wrong !== undefined) return onFailed(wrong)
    signals.check()
    inbox?.check()
    execution.start(leafValues)
  }
  const problem = problemOfSignals(execution.plan, given)
  if (isPromise(problem)) void problem.then(start)
  else start(problem)
}
