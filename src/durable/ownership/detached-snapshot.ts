import type { Snapshot } from 'xstate'
import { ExecutionConflictError } from '../../core/errors.ts'
import type { ExecutionActorRef } from '../../runtime/actors/execution-logic.ts'

/** Values that came from outside, for an execution that was detached. */
interface CameToDetached {
  readonly signals: { readonly all: object | undefined } | undefined
  readonly inbox: { readonly unread: readonly object[] } | undefined
}

/** The persisted snapshot of an execution that no docket has any more. */
export function detachedSnapshotOf(actor: ExecutionActorRef, came: CameToDetached | undefined): Snapshot<unknown> {
  const snapshot = actor.getPersistedSnapshot() as Snapshot<unknown> & { readonly context: object }
  const { isDurable: _, ...context } = snapshot.context as { readonly isDurable?: true }
  const [signals, unread] = [came?.signals?.all, came?.inbox?.unread ?? []]
  return Object.assign({}, snapshot, {
    context: { ...context, ...(signals !== undefined && { signals }), ...(unread.length > 0 && { unread }) },
  })
}

export function hasEndedError(id: string): ExecutionConflictError {
  return new ExecutionConflictError(`execution "${id}" has ended: there is nothing to detach`, { executionId: id })
}
