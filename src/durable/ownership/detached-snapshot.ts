import type { Snapshot } from 'xstate'
import { ExecutionConflictError } from '../../core/errors.ts'
import type { ExecutionActorRef } from '../../runtime/actors/execution-logic.ts'

/** The persisted snapshot of an execution that no docket has any more. */
export function detachedSnapshotOf(actor: ExecutionActorRef, signals: object | undefined): Snapshot<unknown> {
  const snapshot = actor.getPersistedSnapshot() as Snapshot<unknown> & { readonly context: object }
  const { isDurable: _, ...context } = snapshot.context as { readonly isDurable?: true }
  return Object.assign({}, snapshot, { context: signals === undefined ? context : { ...context, signals } })
}

export function hasEndedError(id: string): ExecutionConflictError {
  return new ExecutionConflictError(`execution "${id}" has ended: there is nothing to detach`, { executionId: id })
}
