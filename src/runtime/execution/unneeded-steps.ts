import type { Plan } from '../../core/graph/plan.ts'
import type { StepState } from './step-state.ts'

/** Positions of steps that have not ended, and that nobody unfinished needs: what they led to is there already. */
export function unneededSteps(plan: Plan, runs: readonly (StepState | undefined)[]): readonly number[] {
  const isMade = (position: number): boolean => runs[position]?.hasOutput === true
  const needed = new Set<number>()
  const open = plan.wanted.map((slot) => plan.producers[slot]!)
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    if (position === -1 || isMade(position) || needed.has(position)) continue
    needed.add(position)
    // A race that is decided has what it needs.
    if (runs[position]?.first !== undefined) continue
    for (const slot of plan.steps[position]!.portSlots) open.push(plan.producers[slot]!)
  }
  return plan.steps.flatMap(({ position }) => (needed.has(position) || isMade(position) ? [] : [position]))
}
