import { isTerminal } from '../../core/contracts/statuses.ts'
import { describeThrown } from '../../core/thrown.ts'
import { destinationOf } from '../records/graph-hash.ts'
import { spanOf } from '../records/span-of.ts'
import { causeChain, rootText } from './cause-chain.ts'
import { unrunReason } from './unrun-reason.ts'
import type { WhyFacts } from './why-facts.ts'
import { present } from './why.ts'
import type { FoundReason, Why } from './why.ts'

/** Why an execution is where it is, whatever its steps do: it has ended, runs, or why nobody runs it. */
export function executionState(facts: WhyFacts): Why {
  const { record, details } = facts
  return present({ ...reasonOf(facts), execution: record.id, status: details.status })
}

function reasonOf(facts: WhyFacts): FoundReason {
  const { record, details, unwritten } = facts
  const { id } = record
  const ended = endOf(facts)
  if (ended !== undefined) return ended
  if (unwritten !== undefined) {
    const why =
      unwritten.refusal === undefined ? '' : `, which the store refuses (${describeThrown(unwritten.refusal)})`
    return {
      code: 'execution.endUnwritten',
      owner: record.owner,
      text: `execution "${id}" has ended as ${unwritten.status} in this process, and that is not written yet${why}`,
    }
  }
  if (details.lease?.isAlive !== true) return unrunReason(facts)
  return isSilent(facts) ? silentReason(facts) : runningReason(facts)
}

function endOf({ record, details }: WhyFacts): FoundReason | undefined {
  const { id, status, endedAt: since, error, startedAt } = details
  const destination = destinationOf(record)
  if (destination !== undefined) return { code: 'execution.detached', since, text: `execution "${id}" ${destination}` }
  if (status === 'completed') {
    const took =
      startedAt === undefined || since === undefined
        ? ''
        : `, ${spanOf(Math.max(0, since.getTime() - startedAt.getTime()))} after it had begun`
    return { code: 'execution.completed', since, text: `execution "${id}" completed at ${since?.toISOString()}${took}` }
  }
  if (!isTerminal(status)) return undefined
  const causes = causeChain(error)
  const root = causes.length === 0 ? '' : `: ${rootText(causes)}`
  const at = since === undefined ? '' : ` at ${since.toISOString()}`
  return status === 'failed'
    ? { code: 'execution.failed', since, causes, text: `execution "${id}" failed${at}${root}` }
    : { code: 'execution.cancelled', since, causes, text: `execution "${id}" was cancelled${at}${root}` }
}

function runningReason({ details, record, now }: WhyFacts): FoundReason {
  const { id, lease, status, error } = details
  const where = lease!.isHere ? 'this process' : `process "${lease!.owner}"`
  const { recoveries } = record
  const deaths =
    recoveries === 0
      ? ''
      : `; ${recoveries} ${recoveries === 1 ? 'process that ran it has' : 'processes that ran it have'} died since a step of it completed last`
  if (status === 'compensating') {
    const causes = causeChain(error)
    const why = causes.length === 0 ? '' : `, after ${rootText(causes)}`
    return {
      code: 'execution.undoing',
      owner: lease!.owner,
      causes,
      text: `execution "${id}" undoes what its steps did, in ${where}${why}${deaths}`,
    }
  }
  const since = details.startedAt
  const begun = since === undefined ? '' : `, begun ${spanOf(Math.max(0, now - since.getTime()))} ago`
  return {
    code: 'execution.running',
    since,
    owner: lease!.owner,
    text: `execution "${id}" runs in ${where}${begun}${deaths}`,
  }
}

/** Whether the owner lives by its lease, and has not renewed that when it should have. */
export function isSilent({ details: { lease }, now }: WhyFacts): boolean {
  if (lease?.isAlive !== true || lease.isHere || lease.renewedAt === undefined || lease.expiresAt === undefined)
    return false
  const leaseMs = lease.expiresAt.getTime() - lease.renewedAt.getTime()
  // It renews three times in each lease: a single renewal may be slow.
  return now - lease.renewedAt.getTime() > (2 * leaseMs) / 3
}

function silentReason({ details: { id, lease }, now }: WhyFacts): FoundReason {
  const { owner, renewedAt, expiresAt } = lease!
  const ago = spanOf(now - renewedAt!.getTime())
  const left = spanOf(Math.max(0, expiresAt!.getTime() - now))
  return {
    code: 'execution.ownerSilent',
    owner,
    since: renewedAt,
    until: expiresAt,
    text: `execution "${id}" is process "${owner}"'s, which has not renewed its lease for ${ago}: it has died, its event loop is blocked, or it can't reach the store; in ${left} its lease runs out, and another one goes on with it`,
  }
}
