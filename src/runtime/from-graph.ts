import type { ActorLogic, EventObject, Snapshot } from 'xstate'
import type { AnyDataType, TypedDataType, ValueOf } from '../core/language/data-type.ts'
import type { InputsOf, OverriddenIn, OverrideValue, Overrides } from '../core/graph/graph.ts'
import { isRecord } from '../core/is-record.ts'
import { InputError } from '../core/errors.ts'
import type { OptionError } from '../core/errors.ts'
import type { AppOf, GivenApp, TargetWith } from '../core/graph/app-types.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { planOf, requireIndex, requireTarget } from '../core/graph/plan.ts'
import { fullClockOf } from './environment/clock.ts'
import { ExecutionActor } from './actors/execution-actor.ts'
import type { LogicScope, LogicSnapshot } from './actors/execution-actor.ts'
import { checkExecuteOptions, executeOptionNames } from './execution/execution-options.ts'
import type { ExecuteOptions, Overriding } from './execution/execution-options.ts'
import { eventRefusal } from './steps/event-step.ts'
import { sharingRefusal } from './steps/shared-limits.ts'
import { randomId } from './environment/ids.ts'
import { requireApp, resolveOptions } from './execution/execution-setup.ts'
import { executionLogic } from './actors/execution-logic.ts'
import type { ExecutionSnapshot } from './actors/execution-snapshot.ts'
import { givenInputs, namedLeaves, recordedInputs } from './inputs/given-inputs.ts'
import type { GivenInputs } from './inputs/given-inputs.ts'
import type { PersistedExecution } from './execution/execution-view.ts'

/** How executions of one piece of actor logic run. Id and clock are the actor's own. */
export type LogicOptions = Omit<ExecuteOptions, 'id' | 'clock'>

/** Actor logic that makes one value: what `fromGraph` gives. */
export type GraphLogic<Inputs, Output> = ActorLogic<ExecutionSnapshot<Output> & Snapshot<Output>, EventObject, Inputs>

const logicOptionNames = executeOptionNames.filter((name) => name !== 'id' && name !== 'clock')

/**
 * Wraps a graph and a target into XState actor logic, as `fromPromise` wraps a function: create it with `createActor`, wait
 * for it with `toPromise`, invoke or spawn it in a machine. The actor's input is the record that `execute` takes, its output
 * the target's value; `overrides` are those of all its actors. Each step is a child actor of the step machine, found in `snapshot.children` by the step's name, and
 * in the actor system as `<executionId>/<step>`. Stopping the actor cancels the execution.
 *
 * @throws OptionError for wrong options, GraphError for an unknown target; wrong inputs put the actor into status 'error' when it starts
 */
export function fromGraph<
  G extends AnyGraph,
  T extends TypedDataType,
  Given extends object = Record<never, never>,
  App = never,
>(
  graph: G,
  target: TargetWith<G, T, App>,
  options?: LogicOptions &
    GivenApp<App> &
    GivenApp<AppOf<G>> &
    Overrides<{ readonly [Name in keyof Given]: OverrideValue<G, T, Name, Given[Name]> }>,
): GraphLogic<InputsOf<G, T, never, OverriddenIn<Given>>, ValueOf<T>> {
  return logicOf(graph, target as AnyDataType, options) as never
}

function logicOf(
  graph: AnyGraph,
  target: AnyDataType,
  options: LogicOptions & Overriding & GivenApp<unknown> = {},
): ActorLogic<LogicSnapshot, EventObject> {
  checkExecuteOptions('fromGraph', options, logicOptionNames)
  const index = requireIndex(graph)
  requireApp(index, options.app)
  requireTarget(index, target)

  const begin = (scope: LogicScope, input: unknown, persisted?: PersistedExecution): LogicSnapshot => {
    const id = persisted?.head.executionId ?? randomId(options.random)
    const { given, refusal } = readInputs(graph, target, input ?? {}, options.overrides, persisted)
    const clock = fullClockOf('clock' in scope.self ? (scope.self.clock as never) : undefined)
    const resolved = resolveOptions(index, target.name, { ...options, id }, clock)
    // With the overrides, so that a snapshot has all that its execution was given.
    const shown = given.plan.overridden.length === 0 ? input : namedLeaves(given)
    return new ExecutionActor({ scope, input: shown, given, options: resolved, persisted, refusal }).snapshot()
  }
  return executionLogic(index, target, begin)
}

/** An actor can't throw when it is made: wrong inputs make one that fails when it starts. */
function readInputs(
  graph: AnyGraph,
  target: AnyDataType,
  input: unknown,
  overrides: unknown,
  persisted: PersistedExecution | undefined,
): { readonly given: GivenInputs; readonly refusal: InputError | OptionError | undefined } {
  try {
    // A snapshot has its own values: what its steps have made was made of them.
    const given =
      persisted !== undefined && isRecord(input)
        ? recordedInputs(graph, target, input, persisted.head.overrides ?? [])
        : givenInputs(graph, target, input, overrides)
    // One that goes on may have had its events.
    return {
      given,
      refusal: persisted === undefined ? (eventRefusal(given.plan) ?? sharingRefusal(given.plan)) : undefined,
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { given: { plan: planOf(graph, target), leafValues: [] }, refusal: error }
  }
}
