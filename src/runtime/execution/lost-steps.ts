import type { Plan, PlanStep } from '../../core/graph/plan.ts'

/** What is known of the races of an execution. */
export interface RaceState {
  /** By position, of the races that are decided, the slot of the port that won. */
  readonly winners: ReadonlyMap<number, number>
  /** Steps that were given up because a race was decided. */
  readonly dropped: ReadonlySet<number>
}

/** Positions of the steps that a decided race has made needless: they lead to ports that lost, and to nothing that the outcome is made of. */
export function lostSteps(plan: Plan, race: PlanStep, { winners, dropped }: RaceState): readonly number[] {
  const winner = winners.get(race.position)
  const above = stepsAbove(
    plan,
    race.portSlots.filter((slot) => slot !== winner),
    (position) => plan.steps[position]!.portSlots,
  )
  const needed = stepsAbove(plan, plan.wanted, (position) => {
    if (dropped.has(position)) return []
    const first = winners.get(position)
    return first === undefined ? plan.steps[position]!.portSlots : [first]
  })
  return [...above].filter((position) => dropped.has(position) || !needed.has(position))
}

/** The steps that lead to these slots; `needs`: the slots that a step is made of. */
function stepsAbove(
  { producers }: Plan,
  slots: readonly number[],
  needs: (position: number) => readonly number[],
): ReadonlySet<number> {
  const found = new Set<number>()
  const open = [...slots]
  for (let slot = open.pop(); slot !== undefined; slot = open.pop()) {
    const position = producers[slot]!
    if (position === -1 || found.has(position)) continue
    found.add(position)
    for (const need of needs(position)) open.push(need)
  }
  return found
}
