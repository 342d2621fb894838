import type { ExecutionPlan } from '../durable/execution-plan.ts'
import type { ExecutionDetails } from '../durable/records/execution-info.ts'
import { defined, isoOf } from './defined.ts'
import { rowOf } from './execution-row.ts'
import type { ActView, ExecutionRow, ExecutionView, ValueRef } from './protocol.ts'
import { stepViewOf } from './step-view.ts'

/** One execution as the page shows it: no values. */
export function executionViewOf(
  details: ExecutionDetails,
  plan: ExecutionPlan | undefined,
  acts: readonly ActView[],
  seq: number,
): ExecutionView {
  const refTo = (type: string): ValueRef => ({ type, isSensitive: details.sensitive.includes(type) })
  const stepOf = stepsByChild(details)
  const planned = new Map(plan?.steps.map((step) => [step.name, step]))
  const given = [...Object.keys(details.inputs), ...Object.keys(details.overrides)]
  return {
    ...rowOf(details),
    ...defined<Omit<ExecutionView, keyof ExecutionRow>>({
      kind: details.batch === undefined ? 'execution' : 'batch',
      situation: details.situation,
      headers: details.headers,
      deadline: isoOf(details.deadline),
      forkedFrom: details.forkedFrom,
      inputs: given.map(refTo),
      output: details.status === 'completed' ? refTo(details.target) : undefined,
      steps: details.steps.map((step) => stepViewOf(step, planned.get(step.step))),
      children: details.children.map(({ id, graph, target, status }) =>
        defined<ExecutionView['children'][number]>({ id, graph, target, status, step: stepOf(id) }),
      ),
      items: itemsOf(details),
      acts,
      seq,
    }),
  }
}

/** Which step has begun a child, by the child's id: that of the parent, the item, the step, and what a function calls it. */
function stepsByChild({ id, steps }: ExecutionDetails): (child: string) => string | undefined {
  const known = new Map(
    steps.map(({ step, item }) => [[id, item, step].filter((part) => part !== undefined).join('/'), step] as const),
  )
  return (child) => {
    // The longest that fits, since names of steps may have what stands between the parts.
    for (let end = child.length; end > id.length; end--) {
      const step = end === child.length || '/~'.includes(child[end]!) ? known.get(child.slice(0, end)) : undefined
      if (step !== undefined) return step
    }
    return undefined
  }
}

function itemsOf({ batch }: ExecutionDetails): ExecutionView['items'] {
  if (batch === undefined) return undefined
  const { total, counts } = batch
  const { completed, failed, running, waiting, retrying } = counts
  return { total, completed, failed, running: running + waiting + retrying }
}
