import type { ActorLogic, AnyActorRef, EventObject } from 'xstate'
import type { AnyDataType } from '../core/language/data-type.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { planOf, requireIndex, requireTarget } from '../core/graph/plan.ts'
import type { LogicSnapshot } from '../runtime/actors/execution-actor.ts'
import { executionDrawing } from '../runtime/actors/execution-logic.ts'
import { ExecutionSnapshot } from '../runtime/actors/execution-snapshot.ts'
import type { ExecutionStatus } from '../runtime/execution/execution-view.ts'
import {
  endedSnapshotOf,
  goesOn,
  persistedOf,
  readPersisted,
  requireOwn,
} from '../runtime/actors/persisted-snapshot.ts'
import { goesOnElsewhere, graphLogicKey } from '../runtime/steps/machine-actors.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { OverridingOptions } from './context/start-options.ts'
import { DurableActor } from './durable-actor.ts'
import { beginExecution } from './start/begin-execution.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/**
 * Actor logic whose executions are durable. The actor stands for the execution: it begins when that is written down, shows its
 * steps while they run in this process, and ends as it ends, wherever it runs.
 */
export function durableLogic(
  context: DocketContext,
  starter: ExecutionStarter,
  graph: AnyGraph,
  target: AnyDataType,
  idOf: (input: unknown) => string,
  options: Omit<OverridingOptions, 'id' | 'signal'>,
): ActorLogic<LogicSnapshot, EventObject> {
  const { specs } = requireIndexOf(graph, target)
  const names = planOf(graph, target).steps.map(({ spec }) => spec.name)
  const actors = new WeakMap<AnyActorRef, DurableActor>()

  const snapshotOf = (id: string, input: unknown, value: ExecutionStatus, output: unknown, error: unknown) =>
    new ExecutionSnapshot({
      value,
      output,
      error,
      head: {
        executionId: id,
        isDurable: true,
        graph: graph.name,
        target: target.name,
        total: names.length,
        settled: 0,
        startedAt: undefined,
        endedAt: undefined,
      },
      input,
      names,
      mark: { base: [], entries: [], length: 0 },
      host: undefined,
    }) as unknown as LogicSnapshot

  const logic: ActorLogic<LogicSnapshot, EventObject> = {
    config: executionDrawing,
    getInitialSnapshot: (_, input) => snapshotOf(idOf(input), input, 'pending', undefined, undefined),
    start: (snapshot, scope) => {
      if (snapshot.status !== 'active') return
      const { executionId: id } = snapshot.context
      const actor = new DurableActor(context, starter, scope, id)
      actors.set(scope.self, actor)
      const wanted = { graph, target, inputs: snapshot.input ?? {}, options: { ...options, id } }
      actor.start((by, write) => beginExecution(context, by, { ...wanted, write }))
    },
    transition: (snapshot, event, { self }) => {
      const actor = actors.get(self)
      if (event.type !== 'xstate.stop') return actor?.take(event) ?? snapshot
      actor?.stop(snapshot.status === 'active' && !goesOnElsewhere(self))
      return snapshot.stopped() as LogicSnapshot
    },
    getPersistedSnapshot: (snapshot) => persistedOf(snapshot),
    // The records are the truth: of a snapshot, only whose it is counts.
    restoreSnapshot: (snapshot) => {
      const persisted = readPersisted(snapshot)
      requireOwn(persisted, graph.name, target.name, new Set(specs.map(({ name }) => name)))
      return goesOn(snapshot, persisted)
        ? snapshotOf(persisted.head.executionId, persisted.input, 'pending', undefined, undefined)
        : (endedSnapshotOf(persisted, snapshot.status === 'stopped') as LogicSnapshot)
    },
  }
  return Object.assign(logic, { [graphLogicKey]: true })
}

function requireIndexOf(graph: AnyGraph, target: AnyDataType): ReturnType<typeof requireIndex> {
  const index = requireIndex(graph)
  requireTarget(index, target)
  return index
}
