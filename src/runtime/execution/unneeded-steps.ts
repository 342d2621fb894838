import { isRace } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { withoutValue } from './readiness.ts'
import type { StepState } from './step-state.ts'

type Runs = readonly (StepState | undefined)[]

const nothing: ReadonlySet<number> = new Set()

/** Positions of steps that have not ended, and that nobody unfinished needs: what they led to is there already, or they have lost a race. */
export function unneededSteps(plan: Plan, runs: Runs): readonly number[] {
  const needed = stepsAbove(plan, runs, plan.wanted)
  const lost = lostToRaces(plan, runs)
  return plan.steps.flatMap(({ position }) => {
    const isNeeded = needed.has(position) && !lost.has(position)
    return isNeeded || runs[position]?.hasOutput === true ? [] : [position]
  })
}

/** What led to the inputs of races that are decided, unless something else needs it: what will be skipped does not, nor did it when the race was decided. */
export function lostToRaces(plan: Plan, runs: Runs): ReadonlySet<number> {
  if (plan.racers === undefined) return nothing
  const slots = plan.steps.flatMap((step) => (isRace(step) && isDecided(runs[step.position]) ? step.portSlots : []))
  if (slots.length === 0) return nothing
  const skipped = skippedSteps(plan, runs)
  const needed = stepsAbove(plan, runs, plan.wanted, skipped)
  // To be skipped leads on to others: those that can do without go on then.
  const lost = stepsAbove(plan, runs, slots, nothing, needed)
  return new Set([...lost].filter((position) => !skipped.has(position)))
}

function isDecided(race: StepState | undefined): boolean {
  return race?.first !== undefined || race?.hasEnded === true
}

/** The steps that can't begin any more, as one of their inputs has failed, or is made of one that has. */
function skippedSteps(plan: Plan, runs: Runs): ReadonlySet<number> {
  const unmet = plan.waitsFor.slice()
  return new Set(
    plan.steps.flatMap(({ position, outputSlot }) => {
      const run = runs[position]
      return run?.hasEnded === true && !run.hasOutput ? withoutValue(plan, unmet, outputSlot).skipped : []
    }),
  )
}

/** The steps without a value that lead to these slots. `skipped` ones need nothing; those `but` others need, and what leads to these alone, are left out. */
function stepsAbove(
  plan: Plan,
  runs: Runs,
  slots: readonly number[],
  skipped = nothing,
  but = nothing,
): ReadonlySet<number> {
  const found = new Set<number>()
  const open = slots.map((slot) => plan.producers[slot]!)
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    if (position === -1 || runs[position]?.hasOutput === true) continue
    if (found.has(position) || but.has(position)) continue
    found.add(position)
    // A race that is decided has what it needs, and what has ended without a value needs nothing any more.
    const run = runs[position]
    if (run?.first !== undefined || run?.hasEnded === true || skipped.has(position)) continue
    for (const slot of plan.steps[position]!.portSlots) open.push(plan.producers[slot]!)
  }
  return found
}
