import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { PersistedExecution, StepView } from '../../runtime/execution/execution-view.ts'
import { graphHashOf } from './graph-hash.ts'
import { takersOfLost } from './takers-of-lost.ts'
import type { UndoRecords } from './undo-records.ts'

/** What is on record of an execution, under the names of today. */
interface Records {
  readonly steps: readonly StepRecord[]
  readonly views: ReadonlyMap<string, StepView>
  readonly undos: PersistedExecution['head']['undos']
  readonly undoRecords: UndoRecords
}

/** Whether an execution was written last by a process whose graph is another one. */
export function hasChanged({ graphHash }: Pick<ExecutionRecord, 'graphHash'>, { index }: Plan): boolean {
  return graphHash !== graphHashOf(index)
}

/** Why a graph that has changed can't go on with what the graph as it was has done of an execution that has not ended, though each step that has a record is there still. */
export function misfitsOfChange(
  record: ExecutionRecord,
  plan: Plan,
  { steps, views, undos, undoRecords: { inputs } }: Records,
): readonly string[] {
  if (!hasChanged(record, plan)) return []
  const needed = new Set(plan.steps.map(({ spec }) => spec.name))
  const forgotten = steps.flatMap((step) =>
    step.status === 'completed' && inputs.has(step.step) && !needed.has(step.step)
      ? forgottenEffect(step.step, record.target)
      : [],
  )
  if (record.status === 'compensating') return forgotten
  const kinds = new Map(plan.index.specs.map(({ name, kind }) => [name, kind]))
  const closed = steps.filter(({ step, status }) => status === 'cancelled' && kinds.get(step) === 'signal')
  const closedSignals = new Set(closed.map(({ step }) => step))
  return [...forgotten, ...takersOfLost(plan, { views, undos, closedSignals })]
}

/** What nobody would undo: only steps that lead to the target are. */
export function forgottenEffect(step: string, target: string): string {
  return `step "${step}" has done what would have to be undone, but "${target}" does not need it any more; leave it to the version that it began with, or handle it in \`migrate\``
}
