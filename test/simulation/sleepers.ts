import { isTerminal, isTerminalStep } from '../../src/core/contracts/statuses.ts'
import type { StepStatus } from '../../src/core/contracts/statuses.ts'
import { isDenied } from './denied-steps.ts'
import { lookAnywayMs } from './life.ts'
import type { Life } from './life.ts'
import { isNeededStill } from './needed-steps.ts'
import type { Simulation } from './run-seed.ts'
import type { SimulatedDocket } from './simulated-docket.ts'
import type { SimulatedStep } from './simulated-step.ts'

const lookEveryMs = 1_000
// Looks at the mailbox, and the ways to the store and back.
const awakeMs = 1_500
// Looks for events that nobody has delivered, and for messages.
const deliveredMs = 6_000

/** Nobody sleeps past a wake: what is due, or has a signal, goes on soon, where its owner lives and nothing hinders it. */
export function watchSleepers(simulation: Simulation): void {
  const { scheduler, history, profile } = simulation
  // Who can't reach the store, or waits for it for long, can't say what is due.
  const isDisturbed = profile.rates.error > 0
  const undisturbedSince = new Map<SimulatedDocket, number>()
  const late = new Map<Life, string>()
  const look = (): void => {
    const { now } = scheduler
    for (const docket of simulation.dockets)
      if (!docket.isUsable) undisturbedSince.delete(docket)
      else if (!undisturbedSince.has(docket)) undisturbedSince.set(docket, now)
    for (const life of history.lives.values()) {
      if (life.owner === undefined) lookAtParked(life)
      if (
        life.kind === 'batch' ||
        isTerminal(life.status) ||
        life.status === 'compensating' ||
        life.owner === undefined
      )
        continue
      const owner = simulation.dockets.find(({ process }) => life.owner!.startsWith(`${process.name}:`))!
      // What a process has by a call that it had given up, it finds when it looks what the store thinks.
      const knownSince = life.ownedSince + (life.unheardEpoch === life.epoch ? lookAnywayMs : 0)
      const since = Math.max(undisturbedSince.get(owner) ?? Infinity, knownSince)
      const before = now - awakeMs - simulation.slackMs
      if (since > before || !history.isAlive(life.owner) || late.has(life)) continue
      if (owner.lost.has(`${life.id} ${life.epoch}`) || history.timetable?.mayBeCancelled(life) === true) continue
      if (isBeingCancelled(history.lives.values(), life)) continue
      const what = overdueOf(simulation, life, before)
      if (what === undefined) continue
      late.set(life, what)
      history.violate(`${life.id} sleeps on in ${life.owner}: ${what}`)
    }
    scheduler.after(lookEveryMs, look)
  }
  /** Somebody wakes it for an event that it waits for, and needs: where a process dies between the values of a race and its decision, what lost stays on record as it was until the end. */
  const lookAtParked = (life: Life): void => {
    if (isTerminal(life.status) || life.status === 'compensating' || late.has(life)) return
    // What is ready waits until there is a slot for it.
    if (simulation.features.hasQueues) return
    const before = scheduler.now - deliveredMs - simulation.slackMs
    const isThere = ([docket, since]: readonly [SimulatedDocket, number]): boolean =>
      !docket.isWatcher && since < before && history.versions?.fits(life, [docket]) !== false
    const isAnybodyThere = [...undisturbedSince].some(isThere)
    const mustGoOn = (step: string): boolean => isOpen(simulation, life, step, before)
    const event = isAnybodyThere ? history.broadcasts?.unreached(life, before, mustGoOn) : undefined
    if (event === undefined) return
    late.set(life, event)
    history.violate(`${life.id} is parked, and nobody wakes it: ${event}`)
  }
  if (!isDisturbed) scheduler.after(0, look)
}

/** Of what is cancelled while nobody runs it, the children are undone first: until then whoever has taken it for that writes nothing of it. */
function isBeingCancelled(lives: Iterable<Life>, { id, epoch, ownedSince, steps }: Life): boolean {
  if (epoch === 1 || [...steps.values()].some(({ at }) => at >= ownedSince)) return false
  return [...lives].some(({ parent, status }) => parent === id && status === 'compensating')
}

/** Whether a step is needed still, and can go on. */
function isOpen(simulation: Simulation, life: Life, name: string, before: number): boolean {
  const { steps } = simulation.graphs.find((graph) => life.target.startsWith(`${graph.name}.`))!
  const at = steps.findIndex((step) => step.name === name)
  const statusOf = (step: string): StepStatus | undefined => life.steps.get(step)?.record.status
  return isNeededStill(steps, at, statusOf) && !lacksInput(simulation, steps, life, at, before)
}

/** What should have happened before a time. */
function overdueOf(simulation: Simulation, life: Life, before: number): string | undefined {
  const { history } = simulation
  const mustGoOn = (step: string): boolean => isOpen(simulation, life, step, before)
  for (const [step, dueAt] of life.due)
    if (dueAt < before && mustGoOn(step)) return `${step} was due ${history.now - dueAt} ms ago`
  const written = history.machines?.mail.unheard(life, before)
  if (written !== undefined && mustGoOn(written.step)) return `${written.id} came ${history.now - written.at} ms ago`
  const event = history.broadcasts?.unreached(life, before, mustGoOn)
  if (event !== undefined) return event
  const letter = history.letters?.unheard(life, before)
  // Whoever does not know the graph may send what nothing waits for.
  if (letter === undefined || !history.letters!.isSignal(letter.signal) || !mustGoOn(letter.signal)) return undefined
  return `signal ${letter.id} came ${history.now - letter.at} ms ago`
}

/**
 * Whether something that a step is made of is on no record, and is made anew since its execution changed hands: its wait goes on once that is there. That is so too
 * of what was skipped because a step had failed that ended well on record, late.
 */
function lacksInput(
  simulation: Simulation,
  steps: readonly SimulatedStep[],
  life: Life,
  at: number,
  before: number,
): boolean {
  const statusOf = (step: string): StepStatus | undefined => life.steps.get(step)?.record.status
  const isThere = (index: number): boolean => {
    const step = steps[index]!
    if (step.scope !== undefined)
      return isTerminalStep(statusOf(step.name) ?? 'pending') || isDenied(steps, index, statusOf)
    if (statusOf(step.name) === 'completed') return true
    return simulation.calls.all.some(
      (call) =>
        call.life === life &&
        call.step.name === step.name &&
        (call.value !== undefined || call.isHopeless || call.attempt >= step.maxAttempts) &&
        call.endedAt! >= life.ownedSince &&
        call.endedAt! < before,
    )
  }
  return steps[at]!.ports.some(({ from }) => 'step' in from && !isThere(from.step))
}
