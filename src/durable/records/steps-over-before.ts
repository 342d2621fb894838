import { RaceLostError } from '../../core/errors.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'
import { lostToRaces, unneededSteps } from '../../runtime/execution/unneeded-steps.ts'
import type { LiveSteps } from './live-steps.ts'
import { requiredBy } from './required-by.ts'
import type { StepInfo } from './step-info.ts'

/** How a step ended in an earlier life of its execution, as far as it can be concluded. */
export type EndBefore = Pick<StepInfo, 'status' | 'error'>

/**
 * By position, the steps that never begin in the process that has taken an execution over, since nobody needs them any more: they had their value, have lost a
 * race, were skipped, or nothing is known of them.
 */
export function stepsOverBefore(
  live: Omit<LiveSteps, 'startedAt' | 'owner' | 'childOf'>,
): ReadonlyMap<number, EndBefore> {
  const { plan, states, isWithheld } = live
  const isOpen = (position: number): boolean => {
    const state = states[position]
    if (state === undefined) return true
    // A race that has what it needs waits for nothing more, and may run.
    const mayRun = plan.steps[position]!.spec.kind === 'race' && statusOf(state) !== 'pending'
    return !state.hasEnded && !mayRun && isWithheld(position)
  }
  if (!plan.steps.some(({ position }) => isOpen(position))) return new Map()
  const unneeded = unneededSteps(plan, states).filter(isOpen)
  if (unneeded.length === 0) return new Map()
  const hadValue = stepsWithValue(live)
  const losses = lossesOf(live, lostToRaces(plan, states))
  const ends = new Map<number, EndBefore>()
  // Steps stand after those that they need.
  for (const position of unneeded) {
    if (hadValue.has(position)) ends.set(position, { status: 'completed', error: undefined })
    else if (losses.has(position)) ends.set(position, { status: 'cancelled', error: losses.get(position) })
    else ends.set(position, { status: isSkipped(live, position, ends) ? 'skipped' : 'unknown', error: undefined })
  }
  return ends
}

/** Whether something that a step needs has failed, or was skipped. */
function isSkipped(
  { plan, states }: Pick<LiveSteps, 'plan' | 'states'>,
  position: number,
  ends: ReadonlyMap<number, EndBefore>,
): boolean {
  return requiredBy(plan, position).some((producer) => {
    const state = states[producer]
    const status = state?.hasEnded === true ? statusOf(state) : ends.get(producer)?.status
    return status === 'failed' || status === 'skipped'
  })
}

/** Steps of which something was made that is there, or that has begun. */
function stepsWithValue({
  plan,
  states,
  winners,
}: Pick<LiveSteps, 'plan' | 'states' | 'winners'>): ReadonlySet<number> {
  const found = new Set<number>()
  // Steps stand after those that they need.
  for (const { position } of plan.steps.toReversed()) {
    const state = states[position]
    if (state?.hasOutput !== true && (state?.attempt ?? 0) === 0 && !found.has(position)) continue
    const winner = winners.get(position)
    const needed = winner === undefined ? requiredBy(plan, position) : [plan.producers[winner]!]
    for (const producer of needed) found.add(producer)
  }
  return found
}

/** What each of these steps was given up for; of a race that has failed, nothing was. */
function lossesOf(
  { plan, winners, place }: Pick<LiveSteps, 'plan' | 'winners' | 'place'>,
  lost: ReadonlySet<number>,
): ReadonlyMap<number, RaceLostError> {
  const errors = new Map<number, RaceLostError>()
  for (const [position, winner] of winners) {
    const { spec, portNames, portSlots } = plan.steps[position]!
    const port = portNames[portSlots.indexOf(winner)]!
    const open = portSlots.filter((slot) => slot !== winner)
    for (let slot = open.pop(); slot !== undefined; slot = open.pop()) {
      const loser = plan.producers[slot]!
      if (!lost.has(loser) || errors.has(loser)) continue
      const step = plan.steps[loser]!
      const { name } = plan.types[winner]!
      errors.set(loser, new RaceLostError(spec.name, port, name, { ...place, step: step.spec.name }))
      for (const slot of step.portSlots) open.push(slot)
    }
  }
  return errors
}
