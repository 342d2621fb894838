import type { ReleaseCause } from '../../../machines/index.ts'
import { DocketClosedError, ExecutionCancelledError, LeaseLostError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { processCache } from '../results/result-cache.ts'
import { requestDigestOf } from '../results/execution-memory.ts'
import { undoingsOf } from '../results/undoings.ts'
import type { ChildRequest, RunningChild } from '../steps/step-work.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import { Emitter } from './emitter.ts'
import type { CancelReason } from './end-reason.ts'
import type { ExecutionSetup, ResolvedOptions } from './execution-setup.ts'

/** An execution that has begun, as its parent sees it. */
interface Child {
  readonly place: ErrorPlace
  start(leafValues: readonly unknown[], areChecked: boolean): void
  cancel(error: CancelReason): void
  release(error: CancelReason, cause: ReleaseCause): void
}

/** The execution that a child is begun for. */
interface Parent {
  readonly id: string
  readonly item: number | undefined
  readonly options: ResolvedOptions
  readonly setup: ExecutionSetup
  /** Why it goes on elsewhere; undefined where it does not. */
  readonly released: ReleaseCause | undefined
}

/** Begins an execution for a step of another one, in the same process. */
export function beginChildOf(
  parent: Parent,
  { step, plan, leafValues, onCompleted, onFailed }: ChildRequest,
  make: (setup: ExecutionSetup) => Child,
): RunningChild {
  const { setup } = parent
  const id = childIdOf(parent, step)
  const child = make({
    plan,
    options: optionsOf(parent, id, step, plan),
    cache: plan.hasExecutionScope ? processCache : undefined,
    requestDigest: plan.hasExecutionScope ? requestDigestOf(plan, leafValues) : undefined,
    undoings: undoingsOf(plan, id),
    shared: setup.shared,
    persistOf: setup.persistOf,
    onCompleted,
    onFailed,
  })
  child.start(leafValues, true)
  return { stop: (reason) => stop(parent, child, reason) }
}

/** The same whenever the step's attempts begin, so that what the child persists is found again; another one once what it did was undone. */
function childIdOf({ id, item, setup }: Parent, step: string): string {
  const undoings = setup.undoings?.of(step, item) ?? 0
  const parts = [id, setup.itemKey ?? item, undoings === 0 ? step : `${step}~${undoings}`]
  return parts.filter((part) => part !== undefined).join('/')
}

function optionsOf(
  { id: parent, item, options }: Parent,
  id: string,
  step: string,
  { index, target }: ChildRequest['plan'],
): ResolvedOptions {
  const observers: readonly Observer[] = [...index.graph.observers, ...options.observers]
  const about = { executionId: parent, step, item }
  return {
    ...options,
    id,
    emitter: observers.length === 0 ? undefined : new Emitter(id, index.graph.name, target.name, observers, about),
    timeoutMs: index.timeoutMs,
    spentMs: undefined,
    deadline: undefined,
    signal: undefined,
  }
}

/** What goes on elsewhere with its parent undoes nothing here. */
function stop({ released }: Parent, child: Child, reason: unknown): void {
  if (reason instanceof LeaseLostError) child.release(reason, released ?? 'lease-lost')
  else if (reason instanceof DocketClosedError) child.release(reason, released ?? 'close')
  else {
    const error =
      reason instanceof ExecutionCancelledError
        ? reason
        : new ExecutionCancelledError('the step that this execution is part of has ended', child.place, {
            cause: reason,
          })
    if (released === undefined) child.cancel(error)
    else child.release(error, released)
  }
}
