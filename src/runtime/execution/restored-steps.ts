import { compiledStep } from '../../../machines/index.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { StepView } from './execution-view.ts'
import type { LaunchQueue } from './launch-queue.ts'
import type { Races } from './races.ts'
import type { StepHost } from './step-host.ts'
import { StepRun } from './step-run.ts'
import { unneededSteps } from './unneeded-steps.ts'

/** An execution that goes on, before its start. */
interface RestoredHost extends StepHost {
  readonly plan: Plan
  readonly runs: (StepRun | undefined)[]
}

/** Takes over what records or a snapshot say of an execution's steps, and gives those that have ended: they and what only they need never begin again. */
export function restoreSteps(
  host: RestoredHost,
  queue: LaunchQueue,
  races: Races | undefined,
  views: ReadonlyMap<string, StepView>,
): readonly StepRun[] {
  const { plan, runs } = host
  const ended: StepRun[] = []
  for (const [position, step] of plan.steps.entries()) {
    const view = views.get(step.spec.name)
    if (view === undefined) continue
    const run = (runs[position] = new StepRun(host, step))
    run.restore(view)
    if (!run.hasEnded) continue
    ended.push(run)
    queue.withhold(position)
  }
  // What was due first is first, and what is overdue comes before what begins only now: a race is not won by the order of declaration.
  const held = runs.filter((run) => run?.heldUntil !== undefined) as StepRun[]
  if (held.length > 0)
    queue.prefer(
      () => inOrderOfComing(host, held),
      () => valuesUnderWay(runs),
    )
  races?.restore(views)
  const unneeded = unneededSteps(plan, runs)
  // Losers of races that are undone by now.
  for (const run of ended) if (run.state === compiledStep.stateCode.cancelled) races?.withhold([run.planStep.position])
  races?.withhold(unneeded)
  for (const position of unneeded) queue.withhold(position)
  return ended
}

/** Waits in the order in which they end: at a time, or by what has come from outside since. */
function inOrderOfComing({ plan, setup }: RestoredHost, held: readonly StepRun[]): readonly number[] {
  const times = new Map(held.map(({ planStep, heldUntil }) => [planStep.position, heldUntil!]))
  for (const { spec, position } of plan.signalSteps) {
    const cameAt = setup.signals?.cameAt(spec.output.name)
    if (cameAt !== undefined) times.set(position, cameAt)
  }
  for (const { spec, position } of plan.eventSteps) {
    const cameAt = setup.events?.cameAt(spec)
    if (cameAt !== undefined) times.set(position, cameAt)
  }
  return [...times].sort(([, one], [, other]) => one - other).map(([position]) => position)
}

/** Values that are on their way to the store: what has come counts once it is there. */
function valuesUnderWay(runs: readonly (StepRun | undefined)[]): Promise<unknown> | undefined {
  const values = runs.flatMap((run) => run?.persisting ?? [])
  return values.length === 0 ? undefined : Promise.allSettled(values)
}
