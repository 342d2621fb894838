import type { ActorLogic, AnyActorRef, EventObject } from 'xstate'
import type { AnyDataType } from '../core/language/data-type.ts'
import { DocketClosedError, ExecutionCancelledError } from '../core/errors.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { planOf, requireIndex, requireTarget } from '../core/graph/plan.ts'
import type { LogicSnapshot } from '../runtime/actors/execution-actor.ts'
import { executionDrawing } from '../runtime/actors/execution-logic.ts'
import { ExecutionSnapshot } from '../runtime/actors/execution-snapshot.ts'
import type { ExecutionStatus } from '../runtime/execution/execution-view.ts'
import { endedSnapshotOf, persistedOf, readPersisted, requireOwn } from '../runtime/actors/persisted-snapshot.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { OverridingOptions } from './context/start-options.ts'
import { ExecutionHandle } from './execution-handle.ts'
import { executionRequest } from './start/execution-request.ts'
import type { ExecutionStarter } from './start/start-execution.ts'

/** Shows the actor what the execution looks like now. */
interface Mirrored extends EventObject {
  readonly type: '@docket.mirrored'
  readonly snapshot: LogicSnapshot
}

/** How far an actor has got with its execution. */
interface Following {
  isWritten: boolean
  isStopped: boolean
}

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
  const followed = new WeakMap<AnyActorRef, Following>()

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

  const cancel = (id: string): void => void new ExecutionHandle(context, id).cancel().catch(() => {})

  const follow = async (self: AnyActorRef, following: Following, id: string, input: unknown): Promise<unknown> => {
    await starter.start(executionRequest(context, graph, target, input ?? {}, { ...options, id }))
    following.isWritten = true
    if (following.isStopped) cancel(id)
    const actor = context.owned.get(id)?.actor
    const showActive = (snapshot: LogicSnapshot): void => {
      if (snapshot.status === 'active') show(self, following, snapshot)
    }
    const subscription = actor?.subscribe({ next: showActive, error: () => {} })
    if (actor !== undefined) showActive(actor.getSnapshot())
    try {
      return await new ExecutionHandle(context, id).result()
    } finally {
      subscription?.unsubscribe()
    }
  }

  return {
    config: executionDrawing,
    getInitialSnapshot: (_, input) => snapshotOf(idOf(input), input, 'pending', undefined, undefined),
    start: (snapshot, { self }) => {
      if (snapshot.status !== 'active') return
      const { executionId: id } = snapshot.context
      const { input } = snapshot
      const following: Following = { isWritten: false, isStopped: false }
      followed.set(self, following)
      // What ended here has shown its steps up to the end.
      const end = (value: ExecutionStatus, output: unknown, error: unknown): void => {
        const last = context.owned.get(id)?.actor?.getSnapshot() ?? (self.getSnapshot() as LogicSnapshot)
        const snapshot = last.endedAs(value, output, error) as LogicSnapshot
        show(self, following, snapshot)
      }
      follow(self, following, id, input).then(
        (output) => end('completed', output, undefined),
        (error: unknown) => end(endStatusOf(error), undefined, error),
      )
    },
    transition: (snapshot, event, { self }) => {
      if (event.type === '@docket.mirrored') return (event as Mirrored).snapshot
      if (event.type !== 'xstate.stop') return snapshot
      const following = followed.get(self)
      // What was refused, or has ended, stands for nothing that could be cancelled.
      if (following !== undefined) {
        following.isStopped = true
        if (following.isWritten && snapshot.status === 'active') cancel(snapshot.context.executionId)
      }
      return snapshot.stopped() as LogicSnapshot
    },
    getPersistedSnapshot: persistedOf,
    // The records are the truth: of a snapshot, only whose it is counts.
    restoreSnapshot: (snapshot) => {
      const persisted = readPersisted(snapshot)
      requireOwn(persisted, graph.name, target.name, new Set(specs.map(({ name }) => name)))
      return snapshot.status === 'active'
        ? snapshotOf(persisted.head.executionId, persisted.input, 'pending', undefined, undefined)
        : (endedSnapshotOf(persisted, snapshot.status === 'stopped') as LogicSnapshot)
    },
  }
}

function requireIndexOf(graph: AnyGraph, target: AnyDataType): ReturnType<typeof requireIndex> {
  const index = requireIndex(graph)
  requireTarget(index, target)
  return index
}

/** What its actor ends as. An execution whose docket was closed has not failed: only what showed it here is stopped. */
function endStatusOf(error: unknown): ExecutionStatus {
  return error instanceof ExecutionCancelledError || error instanceof DocketClosedError ? 'cancelled' : 'failed'
}

function show(self: AnyActorRef, { isStopped }: Following, snapshot: LogicSnapshot): void {
  if (!isStopped) self.send({ type: '@docket.mirrored', snapshot } satisfies Mirrored)
}
