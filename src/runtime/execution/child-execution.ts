import type { ReleaseCause } from '../../../machines/index.ts'
import { DocketClosedError, ExecutionCancelledError, LeaseLostError } from '../../core/errors.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { hasDeclaredNames } from '../../core/graph/graph-index.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import { isAlwaysRecorded } from '../../core/graph/step-spec.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { processCache } from '../results/result-cache.ts'
import { requestDigestOf } from '../results/execution-memory.ts'
import { undoingsOf } from '../results/undoings.ts'
import { kindOf } from '../steps/step-kinds.ts'
import type { ChildRequest, RunningChild, WorkingStep } from '../steps/step-work.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import { Emitter } from './emitter.ts'
import type { CancelReason } from './end-reason.ts'
import { keyNameOfStep } from '../steps/key-names.ts'
import type { ChildParent, ExecutionSetup, ResolvedOptions } from './execution-setup.ts'

/** An execution that has begun, as its parent sees it. */
interface Child {
  readonly place: ErrorPlace
  start(leafValues: readonly unknown[], areChecked: boolean): void
  cancel(error: CancelReason): void
  release(error: CancelReason, cause: ReleaseCause): void
}

/** The execution that a child is begun for. */
interface Parent extends ChildParent {
  readonly item: number | undefined
  readonly setup: ExecutionSetup
}

/** Begins an execution for a step of another one: in the same process, unless the parent is durable. */
export function beginChildOf(
  parent: Parent,
  request: ChildRequest,
  make: (setup: ExecutionSetup) => Child,
): RunningChild {
  const { setup } = parent
  const { step, plan, leafValues, onCompleted, onFailed } = request
  const id = childIdOf(parent, step)
  if (setup.children !== undefined) {
    const sources = request.queue === undefined ? undefined : sourcesOf(setup, request)
    return setup.children.begin(parent, id, sources === undefined ? request : { ...request, sources }, setup.itemKey)
  }
  const child = make({
    plan,
    options: optionsOf(parent, id, step, plan),
    cache: plan.hasExecutionScope ? processCache : undefined,
    requestDigest: plan.hasExecutionScope ? requestDigestOf(plan, leafValues) : undefined,
    undoings: undoingsOf(plan, id),
    shared: setup.shared,
    persistOf: setup.persistOf,
    isChild: true,
    onCompleted,
    onFailed,
  })
  child.start(leafValues, true)
  return { stop: (reason) => stop(parent, child, reason) }
}

/** Where the values that a child begins with are on record: those that its parent was given, and those that its recorded steps have made. */
function sourcesOf(
  { plan, part, persistOf }: ExecutionSetup,
  { step, plan: { leaves } }: ChildRequest,
): ChildRequest['sources'] {
  const own = part === undefined ? plan.steps.find(({ spec }) => spec.name === step) : undefined
  if (own === undefined) return undefined
  return leaves.map(({ type }) => {
    const port = own.spec.ports.find(({ name }) => name === type.name)
    const slot = port === undefined ? undefined : plan.slots.get(port.type)
    if (slot === undefined) return undefined
    const producer = plan.steps[plan.producers[slot]!]
    if (producer === undefined) return plan.isLeaf[slot] ? { input: port!.type } : undefined
    const { spec } = producer
    return isAlwaysRecorded(spec) || (spec.persist ?? persistOf?.(spec)) !== undefined ? { step: spec.name } : undefined
  })
}

/** Ends children, and what other services do, that an earlier process has begun, or a durable function has left, where their parent fails. */
export function cancelOrphans(parent: ParentOfMany, reason: unknown): void {
  const { plan, runs, setup, recorder } = parent
  // A batch ends as a whole.
  if (setup.part === undefined) recorder?.failing(reason)
  if (setup.children === undefined) return
  for (const { spec, position } of plan.steps) {
    // Its function may have left some, and have returned since.
    if (spec.kind === 'durable') endChildrenOf(parent, spec.name, reason)
    const run = runs[position]
    // A child may go on though its step has failed: the process in which it did may have died before it could end that.
    const mayBeOpen = run?.hasEnded === true ? spec.kind === 'subgraph' && !run.hasOutput : run?.isWorking !== true
    if (mayBeOpen) abandonWork(parent, spec, run, reason)
  }
}

/**
 * Ends children of steps that have ended without them, or are needed no more: the process in which they did may have died before it could. They are
 * looked for in the store. `isNeedless`: whether the step at a position never begins any more.
 */
export function endLeftChildren(parent: ParentOfMany, isNeedless: (position: number) => boolean): void {
  const { plan, runs, setup, place } = parent
  if (setup.children === undefined) return
  for (const { spec, position } of plan.steps) {
    const run = runs[position]
    if (run?.hasOutput === true || run?.isWorking === true) continue
    if (run?.hasEnded !== true && run?.isExhausted !== true && !isNeedless(position)) continue
    const { name, kind } = spec
    const reason = run?.error ?? new ExecutionCancelledError(`step "${name}" of "${parent.id}" needs it no more`, place)
    if (kind === 'durable') endChildrenOf(parent, name, reason)
    else if (kind === 'subgraph') endChildOf(parent, name, reason)
  }
}

/** Ends what an earlier process has begun for a step that is not at work here, and that nobody needs any more. */
export function abandonLost(parent: Parent, run: Run, reason: unknown): void {
  const { spec } = run.planStep
  if (parent.setup.children === undefined || run.hasEnded || run.isWorking) return
  if (spec.kind === 'durable') endChildrenOf(parent, spec.name, reason)
  abandonWork(parent, spec, run, reason)
}

function abandonWork(parent: Parent, spec: StepSpec, run: Run | undefined, reason: unknown): void {
  if (spec.kind === 'subgraph') endChildOf(parent, spec.name, reason)
  else if (run?.heldState !== undefined) kindOf(spec).abandon?.(run)
}

interface Run extends WorkingStep {
  readonly hasEnded: boolean
  readonly hasOutput: boolean
  /** Whether its fallback is all that is left. */
  readonly isExhausted: boolean
  readonly isWorking: boolean
  readonly error: unknown
}

interface ParentOfMany extends Parent {
  readonly plan: Plan
  readonly runs: readonly (Run | undefined)[]
}

/** Ends a child that an earlier process may have begun: it is looked for in the store. */
export function endChildOf(parent: Parent, step: string, reason: unknown): void {
  parent.setup.children?.cancel(parent, childIdOf(parent, step), step, reason, parent.setup.itemKey)
}

/** Ends all children that the function of a step has begun, in whatever generation: they are looked for in the store. */
export function endChildrenOf(parent: Parent, step: string, reason: unknown): void {
  parent.setup.children?.cancelBelow(parent, childIdOf(parent, step), step, reason, parent.setup.itemKey)
}

/** The id of the child that a step of an execution has, or had last. */
export function childIdOf({ id, item, setup }: Pick<Parent, 'id' | 'item' | 'setup'>, step: string): string {
  return childId(id, setup.itemKey ?? item, keyNameOfStep(setup, step), setup.undoings?.of(step, item) ?? 0)
}

/** The same whenever the step's attempts begin, so that the child is found again; another one once what it did was undone. */
export function childId(parent: string, item: string | number | undefined, step: string, undoings: number): string {
  const parts = [parent, item === '' ? undefined : item, undoings === 0 ? step : `${step}~${undoings}`]
  return parts.filter((part) => part !== undefined).join('/')
}

function optionsOf(
  { id: parent, item, options }: Parent,
  id: string,
  step: string,
  { index, target }: ChildRequest['plan'],
): ResolvedOptions {
  const observers: readonly Observer[] = [...index.graph.observers, ...options.observers]
  const about = {
    headers: options.headers,
    hasDeclaredNames: hasDeclaredNames(index),
    parent: { executionId: parent, step, item },
  }
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
