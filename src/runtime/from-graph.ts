import type { ActorLogic, EventObject, Snapshot } from 'xstate'
import { executionMachine } from '../../machines/index.ts'
import type { AnyDataType, TypedDataType, ValueOf } from '../core/data-type.ts'
import type { InputsOf, TargetOf } from '../core/graph.ts'
import { InputError } from '../core/errors.ts'
import type { AnyGraph } from '../core/graph-index.ts'
import { planOf, requireIndex, requireTarget } from '../core/plan.ts'
import { fullClockOf } from './clock.ts'
import { ExecutionActor } from './execution-actor.ts'
import type { LogicScope, LogicSnapshot } from './execution-actor.ts'
import { checkExecuteOptions, executeOptionNames } from './execution-options.ts'
import type { ExecuteOptions } from './execution-options.ts'
import { randomId, resolveOptions } from './execution-setup.ts'
import { hostOf } from './execution-snapshot.ts'
import type { ExecutionSnapshot } from './execution-snapshot.ts'
import { givenInputs } from './leaf-values.ts'
import type { GivenInputs } from './leaf-values.ts'
import { endedSnapshotOf, persistedOf, readPersisted, requireOwn } from './persisted-execution.ts'
import type { PersistedExecution } from './persisted-execution.ts'

/** How executions of one piece of actor logic run. Id and clock are the actor's own. */
export type LogicOptions = Omit<ExecuteOptions, 'id' | 'clock'>

/** Actor logic that makes one value: what `fromGraph` gives. */
export type GraphLogic<Inputs, Output> = ActorLogic<ExecutionSnapshot<Output> & Snapshot<Output>, EventObject, Inputs>

const logicOptionNames = executeOptionNames.filter((name) => name !== 'id' && name !== 'clock')

/**
 * Wraps a graph and a target into XState actor logic, as `fromPromise` wraps a function: create it with `createActor`, wait
 * for it with `toPromise`, invoke or spawn it in a machine. The actor's input is the record that `execute` takes, its output
 * the target's value. Each step is a child actor of the step machine, found in `snapshot.children` by the step's name, and
 * in the actor system as `<executionId>/<step>`. Stopping the actor cancels the execution.
 *
 * @throws OptionError for wrong options, GraphError for an unknown target; wrong inputs put the actor into status 'error' when it starts
 */
export function fromGraph<G extends AnyGraph, T extends TypedDataType>(
  graph: G,
  target: TargetOf<G, T>,
  options?: LogicOptions,
): GraphLogic<InputsOf<G, T>, ValueOf<T>> {
  return logicOf(graph, target as AnyDataType, options) as unknown as GraphLogic<InputsOf<G, T>, ValueOf<T>>
}

function logicOf(
  graph: AnyGraph,
  target: AnyDataType,
  options: LogicOptions = {},
): ActorLogic<LogicSnapshot, EventObject> {
  checkExecuteOptions('fromGraph', options, logicOptionNames)
  const index = requireIndex(graph)
  requireTarget(index, target)

  const begin = (scope: LogicScope, input: unknown, persisted?: PersistedExecution): LogicSnapshot => {
    const id = persisted?.head.executionId ?? randomId(options.random)
    const { given, refusal } = readInputs(graph, target, input ?? {})
    const clock = fullClockOf('clock' in scope.self ? (scope.self.clock as never) : undefined)
    return new ExecutionActor(
      scope,
      input,
      given,
      resolveOptions(index, target.name, { ...options, id }, clock),
      persisted,
      refusal,
    ).snapshot()
  }

  return {
    // Inspectors draw any logic that has a config as that machine.
    config: executionMachine.config,
    getInitialSnapshot: begin,
    start: (snapshot) => {
      if (snapshot.status === 'active') actorOf(snapshot)?.start()
    },
    transition: (snapshot, event) => {
      const actor = actorOf(snapshot)
      if (actor === undefined) return snapshot
      return event.type === 'xstate.stop' ? actor.stop() : (actor.take(event) ?? snapshot)
    },
    getPersistedSnapshot: persistedOf,
    restoreSnapshot: (snapshot, scope) => {
      const persisted = readPersisted(snapshot)
      requireOwn(persisted, graph.name, target.name, new Set(index.specs.map(({ name }) => name)))
      return snapshot.status === 'active'
        ? begin(scope, persisted.input, persisted)
        : (endedSnapshotOf(persisted, snapshot.status === 'stopped') as LogicSnapshot)
    },
  }
}

/** An actor can't throw when it is made: wrong inputs make one that fails when it starts. */
function readInputs(
  graph: AnyGraph,
  target: AnyDataType,
  input: unknown,
): { readonly given: GivenInputs; readonly refusal: InputError | undefined } {
  try {
    return { given: givenInputs(graph, target, input), refusal: undefined }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { given: { plan: planOf(graph, target), leafValues: [] }, refusal: error }
  }
}

/** The execution is found through the snapshot: a map from actors to executions would cost more than all of its steps. */
function actorOf(snapshot: LogicSnapshot): ExecutionActor | undefined {
  const host = hostOf(snapshot)
  return host instanceof ExecutionActor ? host : undefined
}
