import { alikeReasons } from '../../core/alike-reasons.ts'
import { isTerminal, isTerminalStep } from '../../core/contracts/statuses.ts'
import type { StepInfo } from '../records/step-info.ts'
import { executionState } from './execution-state.ts'
import type { WhyFacts } from './why-facts.ts'
import { whyStep } from './why-step.ts'
import type { Why } from './why.ts'

const mostReasons = 20
const mostShown = 3

/** Why an execution is where it is, with the steps that it comes from: those that failed, or those that it waits for. */
export function whyExecution(facts: WhyFacts): Why {
  const state = executionState(facts)
  const { details } = facts
  if (isTerminal(details.status)) return withSteps(facts, state, details.steps.filter(isCulprit))
  if (state.code === 'execution.undoing')
    return withSteps(
      facts,
      state,
      details.steps.filter(({ undo }) => undo !== undefined && undo.endedAt === undefined),
    )
  if (state.code !== 'execution.running' && state.code !== 'execution.waits') return state
  const open = details.steps.filter(isAtWork)
  // What has no record may run: its process alone knows.
  const isKnown = state.code === 'execution.waits' || details.steps.every(({ status }) => status !== 'unknown')
  const isWaiting =
    isKnown && open.length > 0 && open.every(({ status }) => status === 'waiting' || status === 'retrying')
  const isForChildren = open.every(({ waitsFor }) => waitsFor?.kind === 'child')
  return withSteps(
    facts,
    {
      ...state,
      ...(isWaiting && { code: isForChildren ? 'execution.waitsForChild' : 'execution.waits' }),
    },
    open,
  )
}

function withSteps(facts: WhyFacts, state: Why, steps: readonly StepInfo[]): Why {
  if (steps.length === 0) return state
  const because = steps.slice(0, mostReasons).map((step) => whyStep(facts, step))
  const isTold = state.code === 'execution.completed' || isTerminal(facts.details.status)
  if (isTold) return { ...state, because }
  const shown = alikeReasons(because).slice(0, mostShown)
  const more = steps.length - shown.reduce((sum, { of }) => sum + of.length, 0)
  const texts = shown.map(({ text }) => text)
  // What is parked says what it waits for by itself.
  const isParked = facts.record.parkedAt !== undefined && because.every(({ because: inner }) => inner === undefined)
  const text = isParked ? state.text : `${state.text}: ${texts.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
  return { ...state, because, text }
}

function isCulprit({ status }: StepInfo): boolean {
  return status === 'failed'
}

/** Whether a step is one of those in which the execution is: not one that waits for others of them. */
function isAtWork({ status, waitsFor }: StepInfo): boolean {
  if (isTerminalStep(status) || status === 'unknown') return false
  return status !== 'pending' || (waitsFor !== undefined && waitsFor.kind !== 'inputs' && waitsFor.kind !== 'owner')
}
