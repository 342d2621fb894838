import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { OwnerState } from '../../core/contracts/owner-state.ts'
import { detachedHash } from './graph-hash.ts'

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
  /** Why its records don't fit here. */
  readonly incompatible: readonly string[]
}

const ended = { completed: 'it has completed', failed: 'it has failed', cancelled: 'it was cancelled' } as const

/** Which process runs an execution, or why none does, in a sentence for people. */
export function situationOf(
  record: ExecutionRecord,
  lease: LeaseInfo | undefined,
  willingness: Willingness,
  now: number,
): string {
  const { status, graphHash } = record
  if (graphHash === detachedHash)
    return 'it was detached from its docket: it goes on from the snapshot of detach(), or nowhere'
  if (status === 'completed' || status === 'failed' || status === 'cancelled')
    return lease?.isAlive === true
      ? `${ended[status]}; process "${lease.owner}" still has functions of it that did not listen to their signal`
      : ended[status]
  if (lease?.isAlive === true) {
    const process = lease.isHere ? 'this process' : `process "${lease.owner}"`
    return `it runs in ${process}, which renewed its lease ${agoOf(lease.renewedAt, now)}`
  }
  return `${whyNobody(lease, now)}; ${whoWill(record, willingness)}`
}

function whyNobody(lease: LeaseInfo | undefined, now: number): string {
  if (lease === undefined) return 'nobody runs it: it was given up, or not begun yet'
  const when = lease.expiresAt === undefined ? 'long ago' : agoOf(lease.expiresAt, now)
  return `nobody runs it: the lease of its process "${lease.owner}" ran out ${when}`
}

function whoWill({ graph }: ExecutionRecord, { knowsGraph, takesOver, isClosing, incompatible }: Willingness): string {
  if (!knowsGraph)
    return `this docket does not know graph "${graph}"; one that has it in createDocket({ graphs }) goes on with it`
  if (incompatible.length > 0)
    return `this docket can't go on with it (${incompatible.join('; ')}); another version may`
  if (isClosing) return 'this docket is closing; another one goes on with it'
  if (!takesOver) return 'this docket takes nothing over (takeOver: false); another one goes on with it'
  return 'this docket goes on with it in a moment, unless another one does'
}

function agoOf(time: Date | undefined, now: number): string {
  if (time === undefined) return 'at an unknown time'
  const ms = Math.max(0, Math.round(now - time.getTime()))
  return ms < 1_000 ? `${ms} ms ago` : `${(ms / 1_000).toFixed(1)} s ago`
}
