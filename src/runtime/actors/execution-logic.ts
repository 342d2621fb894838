import type { ActorLogic, ActorRefFrom, EventObject } from 'xstate'
import { executionMachine } from '../../../machines/index.ts'
import type { SignalEvent } from '../../core/language/signal.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { SerializationError } from '../../core/errors.ts'
import type { GraphIndex } from '../../core/graph/graph-index.ts'
import { ExecutionActor } from './execution-actor.ts'
import type { LogicScope, LogicSnapshot } from './execution-actor.ts'
import { hostOf } from './execution-snapshot.ts'
import { endedSnapshotOf, goesOn, persistedOf, readPersisted, requireOwn } from './persisted-snapshot.ts'
import { graphLogicKey } from '../steps/machine-actors.ts'
import type { PersistedExecution } from '../execution/execution-view.ts'

/** Makes an actor's first snapshot: of a new execution, or of one that goes on. */
export type BeginExecution = (scope: LogicScope, input: unknown, persisted?: PersistedExecution) => LogicSnapshot

/** The actor of an execution. */
export type ExecutionActorRef = ActorRefFrom<ReturnType<typeof executionLogic>>

/** What inspectors draw an execution as: they take any logic that has a `config` for the machine of that config. */
export const executionDrawing = executionMachine.config

/** The actor logic of executions of one target, whatever they are begun by. */
export function executionLogic(
  { graph, specs }: GraphIndex,
  target: AnyDataType,
  begin: BeginExecution,
): ActorLogic<LogicSnapshot, EventObject> {
  const logic: ActorLogic<LogicSnapshot, EventObject> = {
    config: executionDrawing,
    getInitialSnapshot: begin,
    start: (snapshot) => {
      if (snapshot.status === 'active') actorOf(snapshot)?.start()
    },
    transition: (snapshot, event) => {
      const actor = actorOf(snapshot)
      if (actor === undefined) return snapshot
      if (event.type === 'docket.signal') actor.signal(event as SignalEvent)
      return event.type === 'xstate.stop' ? actor.stop() : (actor.take(event) ?? snapshot)
    },
    getPersistedSnapshot: (snapshot) => persistedOf(snapshot, actorOf(snapshot)?.persisted()),
    restoreSnapshot: (snapshot, scope) => {
      const persisted = readPersisted(snapshot)
      requireOwn(persisted, graph.name, target.name, new Set(specs.map(({ name }) => name)))
      const isOpen = goesOn(snapshot, persisted)
      if (isOpen && persisted.head.isDurable === true) throw durable(persisted)
      return isOpen
        ? begin(scope, persisted.input, persisted)
        : (endedSnapshotOf(persisted, snapshot.status === 'stopped') as LogicSnapshot)
    },
  }
  return Object.assign(logic, { [graphLogicKey]: true })
}

/** The execution is found through the snapshot: a map from actors to executions would cost more than all of its steps. */
function actorOf(snapshot: LogicSnapshot): ExecutionActor | undefined {
  const host = hostOf(snapshot)
  return host instanceof ExecutionActor ? host : undefined
}

function durable({ head: { executionId, graph } }: PersistedExecution): SerializationError {
  return new SerializationError(
    `execution "${executionId}" is durable: another process may be running it. Go on with it by docket.logic(…), or by docket.start with its id; to take it out of the docket, call detach() of its handle`,
    { graph, executionId },
  )
}
