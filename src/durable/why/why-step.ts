import { namesText as namesOf, stepName } from '../../core/alike-reasons.ts'
import { isTerminal, isTerminalStep } from '../../core/contracts/statuses.ts'
import { RaceLostError, StepSkippedError } from '../../core/errors.ts'
import { spanOf } from '../records/span-of.ts'
import type { StepInfo } from '../records/step-info.ts'
import { causeChain, rootText } from './cause-chain.ts'
import { executionState, isSilent } from './execution-state.ts'
import { isNeedless } from './needless-steps.ts'
import { codeOfWait, fieldsOfWait, inSpan, textOfWait } from './step-waits.ts'
import { trailOf } from './step-trail.ts'
import type { TrailEnd } from './step-trail.ts'
import { infosOf, planStepOf, producersOf, requiredBy } from './why-facts.ts'
import type { WhyFacts } from './why-facts.ts'
import { present } from './why.ts'
import type { FoundReason, Why } from './why.ts'

const mostReasons = 20

/** Why a step is where it is. */
export function whyStep(facts: WhyFacts, info: StepInfo): Why {
  const { step, item, status, attempt = 0 } = info
  const found = reasonOf(facts, info)
  const text = `${stepName({ step, item })} ${found.text}`
  return present({
    attempt: attempt > 0 ? attempt : undefined,
    ...found,
    text,
    execution: facts.record.id,
    step,
    item,
    status,
  })
}

function reasonOf(facts: WhyFacts, info: StepInfo): FoundReason {
  if (info.undo !== undefined) return undoReason(facts, info, info.undo)
  switch (info.status) {
    case 'completed':
      return completedReason(facts, info)
    case 'cached':
      return cachedReason(facts, info)
    case 'failed':
      return failedReason(facts, info)
    case 'skipped':
      return skippedReason(facts, info)
    case 'cancelled':
      return cancelledReason(facts, info)
    default:
      return openReason(facts, info)
  }
}

function undoReason({ now }: WhyFacts, { attempt }: StepInfo, undo: NonNullable<StepInfo['undo']>): FoundReason {
  const { status, endedAt, startedAt, dueAt, error, isUncertain } = undo
  const what = isUncertain ? 'may have done something, which nobody knows' : 'did its work'
  const causes = error === undefined ? {} : { causes: causeChain(error) }
  if (status === 'undone')
    return { code: 'step.undone', since: endedAt, text: `${what}, and that was undone${atText(endedAt)}`, ...causes }
  if (status === 'failed')
    return {
      code: 'step.undoFailed',
      since: endedAt,
      text: `${what}, and that could not be undone, and is not tried again: ${rootText(causeChain(error))}`,
      ...causes,
    }
  const next = dueAt === undefined ? '' : `; the next attempt is ${inSpan(dueAt, now)}`
  return {
    code: 'step.undoing',
    since: startedAt,
    ...(dueAt !== undefined && { until: dueAt }),
    attempt,
    text: `${what}, and that is being undone (attempt ${undo.attempt})${next}`,
    ...causes,
  }
}

function completedReason(facts: WhyFacts, info: StepInfo): FoundReason {
  const deaths = deathsOf(info)
  const took =
    info.startedAt === undefined || info.endedAt === undefined
      ? ''
      : `, ${spanOf(Math.max(0, info.endedAt.getTime() - info.startedAt.getTime()))} after it had begun`
  const plain: FoundReason = {
    code: 'step.completed',
    since: info.endedAt,
    text: `has its value${atText(info.endedAt)}${took}`,
  }
  if (deaths.length > 0) return ranAgain(plain, info, deaths)
  const { overrides } = facts.details
  const type = planStepOf(facts.plan, info.step)?.spec.output.name
  return type !== undefined && Object.hasOwn(overrides, type)
    ? { ...plain, text: `did not run: the value of "${type}" was given in overrides` }
    : plain
}

function ranAgain(plain: FoundReason, { attempt }: StepInfo, deaths: readonly Death[]): FoundReason {
  const owners = deaths.flatMap(({ owner }) => (owner === undefined ? [] : [owner]))
  const named = owners.map((owner) => `"${owner}"`).join(', ')
  const who = owners.length === 0 ? 'a process' : owners.length === 1 ? `process ${named}` : `processes ${named}`
  return {
    ...plain,
    code: 'step.ranAgain',
    deadOwners: owners,
    text: `${plain.text}; it was run again, this is attempt ${attempt}: ${who} died during an earlier one`,
  }
}

type Death = StepInfo['attempts'][number]

/** Attempts that died with their process: they have no end, and are not the last one. */
function deathsOf({ attempts }: StepInfo): readonly Death[] {
  return attempts.slice(0, -1).filter(({ endedAt }) => endedAt === undefined)
}

function cachedReason({ record, plan, persistOf }: WhyFacts, info: StepInfo): FoundReason {
  const spec = planStepOf(plan, info.step)?.spec
  const persist = spec === undefined ? undefined : persistOf(spec)
  const { forkedFrom } = record
  const isFork = forkedFrom !== undefined && info.startedAt !== undefined && info.startedAt.getTime() < record.createdAt
  if (isFork)
    return {
      code: 'step.cached',
      since: info.endedAt,
      from: forkedFrom,
      text: `did not run: execution "${forkedFrom}", of which this is a fork, had made its value`,
    }
  const ttl = persist?.ttlMs
  const lasts = ttl === undefined ? 'for as long as it is not deleted' : `for ${spanOf(ttl)} each`
  const remembered =
    persist === undefined
      ? ''
      : `; results of it are remembered ${lasts}${persist.scope === 'global' ? ', for all executions' : ''}`
  return {
    code: 'step.cached',
    since: info.endedAt,
    text: `did not run: an equal call had made its value before${remembered}`,
  }
}

function failedReason({ plan }: WhyFacts, info: StepInfo): FoundReason {
  const causes = causeChain(info.error)
  const { maxAttempts } = planStepOf(plan, info.step)?.spec ?? {}
  const of = maxAttempts === undefined || maxAttempts === Infinity ? '' : ` of ${maxAttempts}`
  const times = (info.attempt ?? 0) > 0 ? ` in attempt ${info.attempt}${of}` : ''
  return {
    code: 'step.failed',
    since: info.endedAt,
    ...attemptsAtMost(maxAttempts),
    causes,
    text: `failed${times}${atText(info.endedAt)}: ${rootText(causes)}`,
  }
}

function skippedReason(facts: WhyFacts, info: StepInfo): FoundReason {
  const { error, endedAt } = info
  if (error instanceof StepSkippedError && error.step === info.step)
    return { code: 'step.conditionFalse', since: endedAt, text: 'was skipped: its `when` said no' }
  const ends = trailOf(facts, info, (name) => requiredBy(facts, name), {
    isEnd: (one) => one.status === 'failed' || isConditionFalse(one) || isLoser(one),
    isFollowed: (one) => one.status === 'skipped' || one.status === 'cancelled',
  })
  const causes = causeChain(error)
  const because = becauseOf(facts, ends)
  const [first] = ends
  const inputs = missingInputs(facts, info)
  const which = inputs.length === 0 ? 'an input of it never came' : `its input from ${namesText(inputs)} never came`
  const root =
    first === undefined
      ? causes.length === 0
        ? ''
        : `: ${rootText(causes)}`
      : `: ${because[0]!.text}${first.path.length > 2 ? ` (by way of ${namesText(first.path.slice(1, -1))})` : ''}`
  return { code: 'step.inputFailed', since: endedAt, causes, because, text: `was skipped: ${which}${root}` }
}

function isConditionFalse({ step, status, error }: StepInfo): boolean {
  return status === 'skipped' && error instanceof StepSkippedError && error.step === step
}

function isLoser({ error }: StepInfo): boolean {
  return error instanceof RaceLostError
}

/** Steps that it needs and that have ended without a value. */
function missingInputs(facts: WhyFacts, info: StepInfo): readonly string[] {
  return requiredBy(facts, info.step).filter((name) =>
    infosOf(facts, name, info.item).some(
      ({ status }) => isTerminalStep(status) && status !== 'completed' && status !== 'cached',
    ),
  )
}

function cancelledReason(facts: WhyFacts, info: StepInfo): FoundReason {
  const { error, endedAt, startedAt } = info
  if (error instanceof RaceLostError)
    return {
      code: 'step.lostRace',
      since: endedAt,
      causes: causeChain(error),
      text: `was stopped: race "${error.race}" was decided by "${error.port}", and nothing else needs what it makes`,
    }
  const began = startedAt === undefined ? 'did not come to a value' : 'was stopped'
  const { details } = facts
  const ending = isTerminal(details.status) || details.status === 'compensating'
  if (!ending) return { code: 'step.cancelled', since: endedAt, causes: causeChain(error), text: began }
  const end = executionState(facts)
  return {
    code: 'step.cancelled',
    since: endedAt,
    causes: end.causes ?? [],
    because: [end],
    text: `${began}: ${end.text}`,
  }
}

function openReason(facts: WhyFacts, info: StepInfo): FoundReason {
  const { details, now, plan } = facts
  const { waitsFor, status, since } = info
  if ((status === 'pending' || status === 'unknown') && isNeedless(facts, info))
    return { code: 'step.notNeeded', since, text: 'is not needed any more: all that takes what it makes has ended' }
  if (waitsFor?.kind === 'inputs' || (status === 'pending' && hasOpenInputs(facts, info)))
    return inputsReason(facts, info)
  const isRun = details.lease?.isAlive === true
  if (status === 'waiting' && waitsFor !== undefined && waitsFor.kind !== 'owner') return waitReason(facts, info)
  if (!isRun && status === 'unknown')
    return {
      code: 'step.unknown',
      since,
      text: 'has no record, and nobody runs its execution: what it made, if it ran, is gone with its process; it runs again where it is needed',
    }
  if (!isRun || facts.unwritten !== undefined || isSilent(facts)) {
    const because = executionState(facts)
    const what = status === 'running' ? 'was running when its process was lost, and does not run' : 'does not run'
    return { code: 'step.notRun', since, because: [because], text: `${what}: ${because.text}` }
  }
  const spec = planStepOf(plan, info.step)?.spec
  if (waitsFor?.kind === 'retry') {
    const causes = causeChain(info.error)
    const of = spec === undefined || spec.maxAttempts === Infinity ? '' : ` of ${spec.maxAttempts}`
    const what = causes.length === 0 ? 'failed' : `failed: ${rootText(causes)}`
    return {
      code: 'step.retrying',
      since,
      until: waitsFor.at,
      waitsFor,
      causes,
      ...attemptsAtMost(spec?.maxAttempts),
      text: `waits for its next attempt, ${inSpan(waitsFor.at, now)} (${waitsFor.at.toISOString()}); attempt ${info.attempt}${of} ${what}`,
    }
  }
  if (status === 'running') return runningReason(facts, info)
  if (waitsFor === undefined || waitsFor.kind === 'owner') {
    const owner = details.lease!.owner
    return {
      code: 'step.unknown',
      since,
      owner,
      text: `has no record: only process "${owner}", which runs the execution, knows what it does; ask it with live: true`,
    }
  }
  return waitReason(facts, info)
}

function waitReason(facts: WhyFacts, info: StepInfo): FoundReason {
  const waitsFor = info.waitsFor!
  const child = waitsFor.kind === 'child' ? facts.children.get(waitsFor.execution) : undefined
  return {
    code: codeOfWait(waitsFor),
    since: info.since,
    waitsFor,
    ...fieldsOfWait(waitsFor),
    ...(child !== undefined && { because: [child] }),
    text: `${textOfWait(waitsFor, info.since, facts.now)}${takenText(facts, info)}${child === undefined ? '' : `; ${child.text}`}`,
  }
}

/** What may be sent to a durable function that receives now; of which of these its verb waits is not on record. */
function takenText({ plan }: WhyFacts, { step, checkpoints = [] }: StepInfo): string {
  const receives = planStepOf(plan, step)?.spec.receives ?? []
  const isOpen = checkpoints.some(({ kind, status }) => kind === 'receive' && status === 'open')
  return isOpen && receives.length > 0 ? `; it takes ${namesOf(receives.map(({ name }) => `"${name}"`))}` : ''
}

function runningReason({ details, now, plan }: WhyFacts, info: StepInfo): FoundReason {
  const { attempt = 0, since } = info
  const spec = planStepOf(plan, info.step)?.spec
  const { owner, isHere } = details.lease!
  const where = isHere ? 'this process' : `process "${owner}"`
  const duration = since === undefined ? 'runs' : `has been running for ${spanOf(Math.max(0, now - since.getTime()))}`
  const timeoutMs = spec?.timeoutMs
  const limit =
    spec === undefined
      ? ''
      : timeoutMs === undefined
        ? '; it has no timeout'
        : since === undefined
          ? `; an attempt may take ${spanOf(timeoutMs)}`
          : `; its timeout of ${spanOf(timeoutMs)} is ${inSpan(new Date(since.getTime() + timeoutMs), now)}`
  const plain: FoundReason = {
    code: 'step.running',
    since,
    owner,
    ...attemptsAtMost(spec?.maxAttempts),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(timeoutMs !== undefined && since !== undefined && { until: new Date(since.getTime() + timeoutMs) }),
    text: `${duration} in ${where}${attempt > 1 ? ` (attempt ${attempt})` : ''}${limit}`,
  }
  const deaths = deathsOf(info)
  return deaths.length > 0 ? ranAgain(plain, info, deaths) : plain
}

function hasOpenInputs(facts: WhyFacts, info: StepInfo): boolean {
  return openInputs(facts, info).length > 0
}

function openInputs(facts: WhyFacts, { step, item }: StepInfo): readonly string[] {
  return producersOf(facts, step).filter((name) =>
    infosOf(facts, name, item).some(({ status }) => !isTerminalStep(status) && status !== 'unknown'),
  )
}

function inputsReason(facts: WhyFacts, info: StepInfo): FoundReason {
  const inputs = info.waitsFor?.kind === 'inputs' ? info.waitsFor.steps : openInputs(facts, info)
  const isWaiting = (one: StepInfo): boolean =>
    one.waitsFor?.kind === 'inputs' || (one.status === 'pending' && hasOpenInputs(facts, one))
  const ends = trailOf(facts, info, (name) => producersOf(facts, name), {
    isEnd: (one) => !isTerminalStep(one.status) && !isWaiting(one),
    isFollowed: isWaiting,
  })
  const because = becauseOf(facts, ends)
  const [first] = ends
  const way = first === undefined || first.path.length <= 2 ? '' : `, in the end for ${namesText([first.path.at(-1)!])}`
  const rest = ends.slice(1).map(({ info: { step } }) => step)
  const others = rest.length === 0 ? '' : `; and for ${namesText(rest)}`
  const root = first === undefined ? '' : `: ${because[0]!.text}${others}`
  return {
    code: 'step.waitsForInputs',
    since: info.since,
    waitsFor: { kind: 'inputs', steps: inputs },
    because,
    text: `waits for what ${namesText(inputs)} ${inputs.length === 1 ? 'makes' : 'make'}${way}${root}`,
  }
}

/** The reasons of the ends of a trail; the steps on the way stand in `path`. */
function becauseOf(facts: WhyFacts, ends: readonly TrailEnd[]): readonly Why[] {
  return ends.slice(0, mostReasons).map(({ info, path }) => ({ ...whyStep(facts, info), path }))
}

/** Names of steps in a sentence. */
function namesText(names: readonly string[]): string {
  return namesOf(names.map((name) => `"${name}"`))
}

function attemptsAtMost(maxAttempts: number | undefined): Pick<Why, 'maxAttempts'> {
  return maxAttempts === undefined || maxAttempts === Infinity ? {} : { maxAttempts }
}

function atText(at: Date | undefined): string {
  return at === undefined ? '' : ` at ${at.toISOString()}`
}
