import type { Snapshot } from 'xstate'
import { compiledStep } from '../../../machines/index.ts'
import { isRecord } from '../../core/is-record.ts'
import type { First } from '../../core/language/race.ts'
import { SerializationError } from '../../core/errors.ts'
import { unbegunStep } from '../execution/execution-view.ts'
import type {
  ExecutionContext,
  ExecutionStatus,
  PersistedExecution,
  StepView,
  UndoView,
} from '../execution/execution-view.ts'
import { ExecutionSnapshot } from './execution-snapshot.ts'
import { persistError, reviveError } from './persisted-error.ts'

/**
 * A persisted snapshot in XState's shape: the steps that have begun are its children. JSON-safe as far as the values are. `came`: what came
 * from outside, since the snapshot was taken too.
 */
export function persistedOf(
  snapshot: ExecutionSnapshot<unknown>,
  came: Partial<Pick<ExecutionContext, 'signals' | 'unread' | 'states' | 'steps'>> = snapshot.context,
): Snapshot<unknown> {
  const { status, value, output, error } = snapshot
  const { signals: _, unread: __, states: ___, ...context } = snapshot.context
  const { steps: known, ...taken } = context
  const steps = { ...known, ...came.steps }
  const head = {
    ...taken,
    ...(came.signals !== undefined && { signals: came.signals }),
    ...(came.unread !== undefined && { unread: came.unread }),
    ...(came.states !== undefined && { states: came.states }),
  }
  const children: Record<string, unknown> = {}
  for (const [step, view] of Object.entries(steps)) {
    if (view.status === 'pending' && view.first === undefined) continue
    const state = compiledStep.states.indexOf(view.status as (typeof compiledStep.states)[number])
    const { attempt, startedAt, endedAt, dueAt, first } = view
    const record = {
      state,
      step,
      attempt,
      startedAt,
      endedAt,
      dueAt,
      output: view.output,
      error: persistError(view.error),
    }
    children[step] = { src: 'step', snapshot: compiledStep.snapshotOf(record), ...(first !== undefined && { first }) }
  }
  return {
    status,
    value,
    context: head.undos === undefined ? head : { ...head, undos: withErrors(head.undos, persistError) },
    input: snapshot.input,
    output,
    error: persistError(error),
    children,
    historyValue: {},
  } as unknown as Snapshot<unknown>
}

/** Reads what `persistedOf` wrote. @throws SerializationError when it is something else */
export function readPersisted(snapshot: Snapshot<unknown>): PersistedExecution {
  const { value, context, children, input, output, error } = snapshot as unknown as Record<string, unknown>
  if (
    typeof value !== 'string' ||
    !isRecord(context) ||
    typeof context['executionId'] !== 'string' ||
    !isRecord(children)
  ) {
    throw new SerializationError(
      'this is not the persisted snapshot of an execution; give what getPersistedSnapshot() returned',
    )
  }
  const steps = new Map<string, StepView>()
  for (const [step, child] of Object.entries(children)) {
    const inner = isRecord(child) && isRecord(child['snapshot']) ? child['snapshot'] : undefined
    const known = inner?.['context']
    const status = inner?.['value']
    if (
      !isRecord(known) ||
      typeof status !== 'string' ||
      !compiledStep.states.includes(status as (typeof compiledStep.states)[number])
    ) {
      throw new SerializationError(
        `the persisted snapshot of execution "${context['executionId']}" has no usable record of step "${step}"`,
        { executionId: context['executionId'], step },
      )
    }
    const first = (child as { readonly first?: First }).first
    const states: unknown = context['states']
    const keptState = isRecord(states) ? states[step] : undefined
    const view: StepView = { ...(known as unknown as StepView), status, error: reviveError(known['error']), keptState }
    steps.set(step, first === undefined ? view : { ...view, first })
  }
  // What was detached before it was gone on with has not begun again.
  for (const [step, keptState] of Object.entries(isRecord(context['states']) ? context['states'] : {}))
    if (!steps.has(step)) steps.set(step, { ...unbegunStep, keptState })
  return {
    value: value as ExecutionStatus,
    head: headOf(context as unknown as PersistedExecution['head']),
    input,
    output,
    error: reviveError(error),
    steps,
  }
}

function headOf(head: PersistedExecution['head']): PersistedExecution['head'] {
  return head.undos === undefined ? head : { ...head, undos: withErrors(head.undos, reviveError) }
}

function withErrors(
  undos: Readonly<Record<string, UndoView>>,
  change: (error: unknown) => unknown,
): Readonly<Record<string, UndoView>> {
  return Object.fromEntries(Object.entries(undos).map(([step, undo]) => [step, { ...undo, error: change(undo.error) }]))
}

/** Whether an execution goes on when its snapshot is restored: one that was released has not ended. */
export function goesOn({ status }: Snapshot<unknown>, { value }: PersistedExecution): boolean {
  return status === 'active' || (status === 'error' && value === 'released')
}

/** The snapshot of an execution that had ended when it was persisted. */
export function endedSnapshotOf(
  { value, head, input, output, error, steps }: PersistedExecution,
  isStopped: boolean,
): ExecutionSnapshot<unknown> {
  const mark = { base: [...steps.values()], entries: [], length: 0 }
  return new ExecutionSnapshot(
    { value, output, error, head, input, names: [...steps.keys()], mark, host: undefined },
    isStopped,
  )
}

/** Makes sure that a snapshot belongs to this graph and target, and that each of its steps is still there. @throws SerializationError */
export function requireOwn(
  { head, steps }: PersistedExecution,
  graph: string,
  target: string,
  names: ReadonlySet<string>,
): void {
  const whose = `the persisted snapshot of execution "${head.executionId}"`
  if (head.graph !== graph || head.target !== target) {
    const place = { graph, executionId: head.executionId }
    throw new SerializationError(
      `${whose} is of "${head.target}" of graph "${head.graph}", not of "${target}" of graph "${graph}"; restore it with the logic that made it`,
      place,
    )
  }
  const gone = [...steps.keys()].filter((name) => !names.has(name))
  if (gone.length === 0) return
  throw new SerializationError(
    `${whose} has records of steps that graph "${graph}" no longer has: ${gone.join(', ')}; what they did would be done again. Bring them back, or start anew`,
    { graph, executionId: head.executionId },
  )
}
