import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import { isRemoteStep } from '../../core/language/remote-step.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'
import type { StepState } from '../../runtime/execution/step-state.ts'
import { attemptsOf } from '../../runtime/execution/past-attempts.ts'
import { attemptInfo } from './attempt-history.ts'
import type { AttemptInfo } from './attempt-history.ts'
import { dateOf } from './date-of.ts'
import type { LiveSteps } from './live-steps.ts'
import { awaitedName, receivesNow, waitOf } from './step-info.ts'
import type { StepInfo, StepWait } from './step-info.ts'
import { stepsOverBefore } from './steps-over-before.ts'
import type { EndBefore } from './steps-over-before.ts'

/** All steps of an execution that lives in this process, as they are at this moment. */
export function liveStepInfos(live: LiveSteps, recorded: readonly StepInfo[], item?: string): readonly StepInfo[] {
  const { plan, states, startedAt, owner, childOf } = live
  const over = stepsOverBefore(live)
  const byName = new Map(recorded.filter((step) => step.item === item).map((step) => [step.step, step]))
  return plan.steps.map((planStep, position) => {
    const state = states[position]
    const { name } = planStep.spec
    const before = over.get(position)
    if (before !== undefined) return { ...overBefore(name, before, byName.get(name)), item }
    if (state === undefined) {
      const steps = producersOf(plan, planStep).filter((producer) => states[producer]?.hasEnded !== true)
      return { ...unrecordedStep(name, 'pending', waitForInputs(plan, steps)), item, since: dateOf(startedAt) }
    }
    const status = statusOf(state)
    return {
      step: name,
      item,
      status,
      attempt: state.attempt,
      output: state.hasOutput ? (byName.get(name)?.output ?? state.output) : undefined,
      error: state.error,
      attempts: liveAttempts(state, owner, byName.get(name)),
      queuedAt: dateOf(state.extras?.queuedAt ?? state.startedAt) ?? byName.get(name)?.queuedAt,
      startedAt: dateOf(state.startedAt),
      endedAt: dateOf(state.endedAt),
      dueAt: dateOf(state.dueAt),
      since: dateOf(liveSince(status, state)),
      waitsFor: liveWait(status, state, childOf),
    }
  })
}

/** A step that never begins here: what its record says of its end holds. */
function overBefore(name: string, { status, error }: EndBefore, recorded: StepInfo | undefined): StepInfo {
  const known = recorded ?? unrecordedStep(name, status, undefined)
  if (isTerminalStep(known.status)) return { ...known, error: error ?? known.error }
  return { ...known, status, error, dueAt: undefined, since: undefined, waitsFor: undefined }
}

/** Of a step that has ended, records know more than the process that has forgotten it. */
function liveAttempts(
  state: StepState,
  owner: string | undefined,
  recorded: StepInfo | undefined,
): readonly AttemptInfo[] {
  const attempts = attemptsOf(state, owner)
  return attempts.length === 0 ? (recorded?.attempts ?? []) : attempts.map(attemptInfo)
}

function liveSince(status: StepInfo['status'], state: StepState): number | undefined {
  if (state.hasEnded) return state.endedAt
  return status === 'running' || status === 'claiming' ? state.attemptStartedAt : state.waitsSince
}

function liveWait(
  status: StepInfo['status'],
  { planStep, dueAt, hasEnded, awaitedKey, awaitedLimits }: StepState,
  childOf: LiveSteps['childOf'],
): StepWait | undefined {
  if (hasEnded || status === 'running') return undefined
  const { kind, name } = planStep.spec
  if (status === 'waiting') {
    if (isRemoteStep(planStep.spec.step)) return waitOf(status, dueAt, { operation: planStep.spec.step.operation })
    if (receivesNow(planStep.spec))
      return waitOf(status, dueAt, { types: planStep.spec.receives.map((type) => type.name) })
    const awaited = awaitedName(planStep.spec)
    const event = awaitedKey === undefined ? undefined : { event: awaited, key: awaitedKey }
    if (kind === 'durable') return waitOf(status, dueAt, { verbs: [] })
    const ofChild = kind === 'subgraph' ? { execution: childOf(name) } : event
    return waitOf(status, dueAt, kind === 'signal' ? { signal: awaited } : ofChild)
  }
  // One whose retry an earlier process scheduled may wait for it with the right to its result.
  if (dueAt !== undefined) return { kind: 'retry', at: new Date(dueAt) }
  if (status === 'queued')
    return awaitedLimits === undefined ? { kind: 'slot' } : waitOf(status, undefined, { limits: awaitedLimits })
  return status === 'claiming' ? { kind: 'result' } : undefined
}

/**
 * All steps of an execution that has not ended, as far as its records show. What a step without a record does is known to its owner alone,
 * unless it needs a step that is persisted and has not ended: results are committed before any dependant starts. Where it has no owner, what it made
 * is gone, and it begins again where it is needed.
 */
export function recordedStepInfos(
  plan: Plan,
  recorded: readonly StepInfo[],
  { startedAt, owner }: { readonly startedAt: Date | undefined; readonly owner: string | undefined },
  persistOf: (spec: StepSpec) => PersistSpec | undefined,
): readonly StepInfo[] {
  const records = new Map(recorded.map((step) => [step.step, step]))
  const byName = new Map(records)
  const needed = owner === undefined ? neededSteps(plan, records) : undefined
  const isCertainlyOpen: boolean[] = []
  const infos = plan.steps.map((planStep, position) => {
    const { spec } = planStep
    const recorded = byName.get(spec.name)
    byName.delete(spec.name)
    // One that is tried anew has been tried, and has not begun.
    const known = recorded?.status === 'pending' ? undefined : recorded
    const attempts = recorded?.attempts ?? []
    const steps = producersOf(plan, planStep).filter((producer) => isCertainlyOpen[producer])
    isCertainlyOpen[position] =
      known === undefined
        ? steps.length > 0 || persistOf(spec) !== undefined || startedAt === undefined
        : !isTerminalStep(known.status)
    if (known !== undefined) return known
    if (steps.length > 0)
      return { ...unrecordedStep(spec.name, 'pending', waitForInputs(plan, steps)), attempts, since: startedAt }
    const hasNotBegun = startedAt === undefined || (owner === undefined && recorded !== undefined)
    // What needs a value that never came is skipped again, and so is what that leads to.
    const hasInputs = producersOf(plan, planStep).every((at) => hasValue(records.get(plan.steps[at]!.spec.name)))
    const isPending = hasNotBegun || (needed?.has(position) === true && hasInputs)
    if (isPending) isCertainlyOpen[position] = true
    return {
      ...unrecordedStep(spec.name, isPending ? 'pending' : 'unknown', { kind: 'owner' }),
      // It may have been tried, of which nothing is left.
      ...(!hasNotBegun && { attempt: undefined }),
      attempts,
    }
  })
  // A record of a step that the graph no longer has is shown too.
  return [...infos, ...byName.values()]
}

function hasValue(step: StepInfo | undefined): boolean {
  return step?.status === 'completed' || step?.status === 'cached'
}

/** The steps, by position, whose values something still needs that has not ended, or that nothing takes from. */
function neededSteps(plan: Plan, byName: ReadonlyMap<string, StepInfo>): ReadonlySet<number> {
  const taken = new Set<number>()
  const needed = new Set<number>()
  for (const [position, planStep] of [...plan.steps.entries()].toReversed()) {
    const known = byName.get(planStep.spec.name)
    const isOpen = known === undefined || !isTerminalStep(known.status)
    const isNeeded = isOpen && (needed.has(position) || !taken.has(position))
    if (isNeeded) needed.add(position)
    else needed.delete(position)
    for (const producer of producersOf(plan, planStep)) {
      taken.add(producer)
      if (isNeeded) needed.add(producer)
    }
  }
  return needed
}

/** The steps that make what a step needs, by position. */
export function producersOf(plan: Plan, { portSlots }: PlanStep): readonly number[] {
  return [...new Set(portSlots.map((slot) => plan.producers[slot]!))].filter((position) => position !== -1)
}

function waitForInputs(plan: Plan, positions: readonly number[]): StepWait | undefined {
  return positions.length === 0
    ? undefined
    : { kind: 'inputs', steps: positions.map((at) => plan.steps[at]!.spec.name) }
}

/** What is known of a step without a record. */
export function unrecordedStep(step: string, status: StepInfo['status'], waitsFor: StepWait | undefined): StepInfo {
  const never = { queuedAt: undefined, startedAt: undefined, endedAt: undefined, dueAt: undefined, since: undefined }
  return {
    step,
    item: undefined,
    status,
    // What only has not begun was certainly never tried.
    attempt: status === 'pending' || status === 'skipped' ? 0 : undefined,
    output: undefined,
    error: undefined,
    attempts: [],
    ...never,
    waitsFor,
  }
}
