import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { OwnerState } from '../../core/contracts/owner-state.ts'
import { describeThrown } from '../../core/thrown.ts'
import { dateOf } from './date-of.ts'
import { destinationOf } from './graph-hash.ts'
import { spanOf } from './span-of.ts'
import type { StepInfo, StepWait } from './step-info.ts'
import { waitText, waitTexts } from './wait-text.ts'

/** The process that has the right to run an execution, and whether it lives. */
export interface LeaseInfo {
  /** The process's name and a random id, as in the records. */
  readonly owner: string
  /** Whether that is the docket that was called. */
  readonly isHere: boolean
  /** Whether it lives, by the store's clock. */
  readonly isAlive: boolean
  /** When it renewed its lease last; undefined where the store has forgotten it. */
  readonly renewedAt: Date | undefined
  /** When its lease runs out, or ran out, unless it renews it; undefined where the store has forgotten it. */
  readonly expiresAt: Date | undefined
}

/** @param state what the store knows of the owner @param now the time of day */
export function leaseInfoOf(owner: string, state: OwnerState | undefined, here: string, now: number): LeaseInfo {
  const { isAlive = false, sinceRenewalMs, leaseLeftMs } = state ?? {}
  return {
    owner,
    isHere: owner === here,
    isAlive,
    renewedAt: sinceRenewalMs === undefined ? undefined : new Date(now - sinceRenewalMs),
    expiresAt: leaseLeftMs === undefined ? undefined : new Date(now + leaseLeftMs),
  }
}

/** What the docket that was called can do about an execution that nobody runs. */
export interface Willingness {
  readonly knowsGraph: boolean
  readonly takesOver: boolean
  readonly isClosing: boolean
  /** What it waits for in its queue, whoever is to go on with it. */
  readonly waitsFor: StepWait | undefined
  /** Why its records don't fit here, and whether that is about this version of the program. */
  readonly misfit: { readonly reasons: readonly string[]; readonly mayFitElsewhere: boolean }
}

/** An end that is not written, and what the store said to it. */
interface Unwritten {
  readonly status: 'failed' | 'cancelled'
  readonly refusal: unknown
}

const ended = { completed: 'it has completed', failed: 'it has failed', cancelled: 'it was cancelled' } as const

/** Which process runs an execution, or why none does, in a sentence for people. */
export function situationOf(
  record: ExecutionRecord,
  lease: LeaseInfo | undefined,
  willingness: Willingness,
  steps: readonly StepInfo[],
  now: number,
  unwritten?: Unwritten,
): string {
  const { status } = record
  const destination = destinationOf(record)
  if (destination !== undefined) return `it ${destination}`
  if (status === 'completed' || status === 'failed' || status === 'cancelled')
    return lease?.isAlive === true
      ? `${ended[status]}; process "${lease.owner}" still has functions of it that did not listen to their signal`
      : ended[status]
  if (unwritten !== undefined) {
    const { status: end, refusal } = unwritten
    const why = refusal === undefined ? '' : `, which the store refuses (${describeThrown(refusal)})`
    return `${ended[end]} in this process, and that is not written yet${why}; it is tried again until the store takes it`
  }
  if (lease?.isAlive === true) {
    const process = lease.isHere ? 'this process' : `process "${lease.owner}"`
    return `it runs in ${process}, which renewed its lease ${agoOf(lease.renewedAt, now)}${runningSteps(steps, now)}${nextAttempt(steps, now)}${awaited(steps)}`
  }
  return `${whyNobody(record, lease, now)}; ${whoWill(record, willingness)}${nextAttempt(steps, now)}${awaited(steps)}`
}

/** What steps wait for that nothing here can hurry: times, and what comes from outside. */
function awaited(steps: readonly StepInfo[]): string {
  const waits = waitTexts(steps)
  const more = waits.length - mostShown
  const shown = waits.slice(0, mostShown).join(', ')
  return waits.length === 0 ? '' : `; it waits for ${shown}${more > 0 ? `, and ${more} more` : ''}`
}

const mostShown = 5

/** Which step runs, and for how long; of several the one that has for longest. */
function runningSteps(steps: readonly StepInfo[], now: number): string {
  const running = steps.filter(({ status }) => status === 'running')
  if (running.length === 0) return ''
  const first = running.reduce((oldest, step) => (sinceOf(step) < sinceOf(oldest) ? step : oldest))
  const { attempt = 0, since } = first
  const which = attempt > 1 ? ` (attempt ${attempt})` : ''
  const duration = since === undefined ? '' : ` for ${spanOf(Math.max(0, now - since.getTime()))}`
  const others = running.length === 1 ? '' : `, and ${running.length - 1} more`
  return `; ${nameOf(first)}${which} has been running${duration}${others}`
}

function sinceOf({ since }: StepInfo): number {
  return since?.getTime() ?? Infinity
}

/** Which step waits for its next attempt, and until when; of several the one that is due first. */
function nextAttempt(steps: readonly StepInfo[], now: number): string {
  let count = 0
  let first: { readonly step: StepInfo; readonly at: Date } | undefined
  for (const step of steps) {
    if (step.waitsFor?.kind !== 'retry') continue
    count++
    const { at } = step.waitsFor
    if (first === undefined || at < first.at) first = { step, at }
  }
  if (first === undefined) return ''
  const { step, at } = first
  const leftMs = at.getTime() - now
  const due = leftMs > 0 ? `due in ${spanOf(leftMs)} (${at.toISOString()})` : 'due now'
  const others =
    count === 1 ? '' : `, and ${count - 1} more ${count === 2 ? 'waits for its' : 'wait for their'} next attempt`
  return `; ${nameOf(step)} waits for attempt ${(step.attempt ?? 0) + 1}, ${due}${others}`
}

function nameOf({ step, item }: StepInfo): string {
  return `step "${step}"${item === undefined ? '' : ` of item "${item}"`}`
}

function whyNobody({ startedAt, parkedAt }: ExecutionRecord, lease: LeaseInfo | undefined, now: number): string {
  if (parkedAt !== undefined) return `it is parked, and nobody runs it${sinceText(dateOf(parkedAt))}`
  if (lease === undefined)
    return `nobody runs it: ${startedAt === undefined ? 'it has not begun yet' : 'the process that ran it has given it up'}`
  const when = lease.expiresAt === undefined ? 'long ago' : agoOf(lease.expiresAt, now)
  return `nobody runs it: the lease of its process "${lease.owner}" ran out ${when}`
}

function sinceText(since: Date | undefined): string {
  return since === undefined ? '' : `, since ${since.toISOString()}`
}

function whoWill(
  { graph, parkedAt, queue }: ExecutionRecord,
  { knowsGraph, takesOver, isClosing, misfit, waitsFor }: Willingness,
): string {
  if (!knowsGraph)
    return `this docket does not know graph "${graph}"; one that has it in createDocket({ graphs }) goes on with it`
  if (misfit.reasons.length > 0) {
    const outlook = misfit.mayFitElsewhere
      ? 'another version may'
      : 'it is looked at again later, in case that is mended'
    return `this docket can't go on with it (${misfit.reasons.join('; ')}); ${outlook}`
  }
  if (isClosing) return 'this docket is closing; another one goes on with it'
  if (waitsFor !== undefined) return `in its queue "${queue}" it waits for ${waitText(waitsFor)}`
  if (parkedAt !== undefined) return 'a process goes on with it when what it waits for comes'
  if (!takesOver)
    return 'this docket takes nothing over (takeOver: false); one that does, and that it fits, goes on with it'
  return 'this docket goes on with it in a moment, unless another one does'
}

function agoOf(time: Date | undefined, now: number): string {
  if (time === undefined) return 'at an unknown time'
  return `${spanOf(Math.max(0, now - time.getTime()))} ago`
}
