import { isRace, takersOf } from '../../core/graph/plan.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import { lostSteps } from '../../runtime/execution/lost-steps.ts'
import type { UndoRecords } from './undo-records.ts'
import { undoStatusOf } from './undo-records.ts'

type Views = ReadonlyMap<string, StepView>

/** Steps with a result, or a winner, that is made of what was undone: it is no more to be served than that. */
export function madeOfUndone(plan: Plan, { undos }: Pick<UndoRecords, 'undos'>, views: Views): readonly string[] {
  const isUndone = ({ spec }: PlanStep): boolean => {
    const undo = undos.get(spec.name)
    const status = undo === undefined ? undefined : undoStatusOf(undo)
    return status === 'undone' || status === 'failed'
  }
  const undone = plan.steps.filter(isUndone)
  const found = new Set(undone)
  for (const { outputSlot } of found)
    for (const position of takersOf(plan, outputSlot)) {
      const taker = plan.steps[position]!
      if (!isRace(taker) || winningSlot(taker, views) === outputSlot) found.add(taker)
    }
  for (const step of undone) found.delete(step)
  return [...found].map(({ spec }) => spec.name).filter((step) => views.has(step))
}

/** Steps whose races are lost: what they did is undone, or about to be. */
export function lostOf(plan: Plan, views: Views): ReadonlySet<string> {
  if (plan.racers === undefined) return new Set()
  const races = plan.steps.filter(isRace)
  const winners = new Map<number, number>()
  for (const race of races) {
    const slot = winningSlot(race, views)
    if (slot !== undefined) winners.set(race.position, slot)
  }
  const state = { winners, dropped: new Set<number>() }
  const lost = races.filter(({ position }) => winners.has(position)).flatMap((race) => lostSteps(plan, race, state))
  return new Set(lost.map((position) => plan.steps[position]!.spec.name))
}

function winningSlot({ spec, portNames, portSlots }: PlanStep, views: Views): number | undefined {
  const view = views.get(spec.name)
  const port = view?.first?.port ?? view?.winner
  return port === undefined ? undefined : portSlots[portNames.indexOf(port)]
}
