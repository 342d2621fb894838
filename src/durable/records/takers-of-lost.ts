import { append } from '../../core/append.ts'
import { isRace } from '../../core/graph/plan.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { PersistedExecution, StepView } from '../../runtime/execution/execution-view.ts'

type Undos = PersistedExecution['head']['undos']

const ended: ReadonlySet<string> = new Set(['completed', 'cached', 'failed', 'cancelled', 'skipped'])

/** What is on record of an execution, or of an item of a batch. */
interface OnRecord {
  readonly views: ReadonlyMap<string, StepView>
  readonly undos: Undos
  /** Signals that nobody can send any more, since their step has lost its race. */
  readonly closedSignals: ReadonlySet<string>
}

/**
 * Why a graph that has changed can't go on with what a race has made needless in the graph as it was: a step that has come since takes the value of one that lost, and was
 * undone for that. It would wait for ever. What was only given up begins anew.
 */
export function takersOfLost(plan: Plan, known: OnRecord): readonly string[] {
  if (plan.racers === undefined) return []
  const reasons: string[] = []
  for (const taker of openSteps(plan, known.views))
    for (const slot of taker.portSlots) {
      const producer = plan.steps[plan.producers[slot]!]
      const what = producer && lossOf(producer, known)
      if (what === undefined) continue
      reasons.push(
        `step "${taker.spec.name}" takes "${plan.types[slot]!.name}", but ${what}, since it had lost a race before there was such a step; leave it to the version that it began with`,
      )
    }
  return reasons
}

function lossOf({ spec: { name } }: PlanStep, { undos, closedSignals }: OnRecord): string | undefined {
  if (closedSignals.has(name)) return `signal "${name}" is waited for no more`
  const status = undos?.[name]?.status
  // Pending: what it did is uncertain, and no more.
  return status === undefined || status === 'pending' ? undefined : `what step "${name}" did is undone`
}

/** Steps that have not ended, and that the outcome is made of. */
function openSteps(plan: Plan, views: OnRecord['views']): readonly PlanStep[] {
  const found = new Set<PlanStep>()
  const slots = [...plan.wanted]
  for (let slot = slots.pop(); slot !== undefined; slot = slots.pop()) {
    const step = plan.steps[plan.producers[slot]!]
    if (step === undefined || found.has(step) || hasWhatItNeeds(plan, step, views)) continue
    found.add(step)
    append(slots, step.portSlots)
  }
  return [...found]
}

/** Whether a step has ended, or is a race that is decided: where no record says so, by the first of its inputs that is there. */
function hasWhatItNeeds(plan: Plan, step: PlanStep, views: OnRecord['views']): boolean {
  const view = views.get(step.spec.name)
  if (view !== undefined && (ended.has(view.status) || view.first !== undefined)) return true
  if (!isRace(step)) return false
  return step.portSlots.some((slot) => {
    const producer = plan.steps[plan.producers[slot]!]
    const status = producer && views.get(producer.spec.name)?.status
    return producer === undefined || status === 'completed' || status === 'cached'
  })
}
