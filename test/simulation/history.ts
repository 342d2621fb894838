import type {
  AcquiredExecution,
  ExecutionCommit,
  ExecutionRecord,
  NewExecution,
  ResultClaim,
  ResultCommit,
  ResultState,
  StepRecord,
} from '../../src/core/store.ts'
import { isTerminal } from '../../src/core/statuses.ts'
import type { ExecutionStatus } from '../../src/core/statuses.ts'
import type { Scheduler } from './scheduler.ts'

/** One execution from its creation to its deletion, as the store has seen it. */
export interface Life {
  readonly id: string
  readonly number: number
  owner: string | undefined
  epoch: number
  status: ExecutionStatus
  output: unknown
  endedAt: number | undefined
  /** When somebody asked for its end. */
  cancelledAt: number | undefined
  /** How often it ended and began again. */
  reopened: number
  readonly steps: Map<string, { readonly record: StepRecord; readonly value: unknown; readonly at: number }>
}

interface KeptResult {
  readonly value: unknown
  readonly owner: string
  readonly at: number
  readonly expiresAt: number
}

/** What the store was told and did, kept outside of everything; whatever must never happen is noted at once. */
export class History {
  readonly lives = new Map<string, Life>()
  /** Values of completed executions, those too that were deleted. */
  readonly outputs = new Map<string, Set<unknown>>()
  readonly results = new Map<string, KeptResult>()
  readonly claims = new Map<string, { readonly owner: string; readonly epoch: number }>()
  readonly #endedClaims = new Map<string, string>()
  readonly violations: string[] = []
  readonly log: string[] = []
  readonly #leases = new Map<string, number>()
  readonly #scheduler: Scheduler
  readonly #isVerbose: boolean
  readonly #startedAt: number
  #lives = 0

  constructor(scheduler: Scheduler, isVerbose: boolean) {
    this.#scheduler = scheduler
    this.#isVerbose = isVerbose
    this.#startedAt = scheduler.now
  }

  /** Notes what happened, where somebody will read it. */
  tell(line: () => string): void {
    if (this.#isVerbose) this.log.push(`${((this.#scheduler.now - this.#startedAt) / 1_000).toFixed(4)} ${line()}`)
  }

  violate(message: string): void {
    const at = ((this.#scheduler.now - this.#startedAt) / 1_000).toFixed(4)
    this.violations.push(`${message} (at ${at} s)`)
    this.tell(() => `VIOLATION: ${message}`)
  }

  isAlive(owner: string | undefined): boolean {
    return owner !== undefined && (this.#leases.get(owner) ?? -Infinity) > this.#scheduler.now
  }

  /** When an owner's lease ran out, or will. */
  leaseEnd(owner: string): number {
    return this.#leases.get(owner) ?? -Infinity
  }

  renewed(owner: string, leaseMs: number, isAlive: boolean): void {
    if (isAlive) this.#leases.set(owner, this.#scheduler.now + leaseMs)
  }

  ended(owner: string): void {
    this.#leases.set(owner, this.#scheduler.now)
  }

  created(created: readonly NewExecution[], answers: readonly (ExecutionRecord | undefined)[]): void {
    for (const [index, { id, owner, startedAt }] of created.entries()) {
      if (answers[index] !== undefined) continue
      this.lives.set(id, {
        id,
        number: ++this.#lives,
        owner,
        epoch: owner === undefined ? 0 : 1,
        status: startedAt === undefined ? 'pending' : 'running',
        output: undefined,
        endedAt: undefined,
        cancelledAt: undefined,
        reopened: 0,
        steps: new Map(),
      })
    }
  }

  committed(commits: readonly ExecutionCommit[], answers: readonly boolean[]): void {
    for (const [index, commit] of commits.entries()) if (answers[index]!) this.#committed(commit)
  }

  #committed({ id, owner, epoch, steps, head }: ExecutionCommit): void {
    const life = this.lives.get(id)
    if (life === undefined || life.owner !== owner || life.epoch !== epoch) {
      this.violate(`${owner} wrote to ${id} in epoch ${epoch}, which is ${life?.owner}'s in epoch ${life?.epoch}`)
      return
    }
    for (const record of steps) {
      const known = life.steps.get(record.step)
      const value: unknown = record.output === undefined ? undefined : JSON.parse(String(record.output))
      if (known !== undefined && hasCompleted(known.record)) {
        if (!hasCompleted(record)) continue
        if (known.value !== value)
          this.violate(`${id}: the result ${String(known.value)} of ${record.step} was replaced by ${String(value)}`)
      }
      life.steps.set(record.step, { record, value, at: this.#scheduler.now })
    }
    if (head === undefined) return
    const { status } = head
    if (status !== undefined && status !== life.status) {
      if (life.status === 'completed') this.violate(`${id} was completed, and became ${status}`)
      if (isTerminal(life.status) && !isTerminal(status)) {
        life.reopened++
        life.cancelledAt = undefined
        life.endedAt = undefined
      }
      if (isTerminal(status)) life.endedAt = this.#scheduler.now
      life.status = status
    }
    if (status === 'completed') {
      life.output = JSON.parse(String(head.output))
      const outputs = this.outputs.get(id) ?? new Set()
      this.outputs.set(id, outputs.add(life.output))
    }
    if (head.isReleased === true) life.owner = undefined
  }

  acquired(owner: string, acquired: readonly AcquiredExecution[]): void {
    for (const { execution } of acquired) {
      const { id, epoch } = execution
      const life = this.lives.get(id)!
      if (epoch <= life.epoch) this.violate(`${id}: epoch ${epoch} after ${life.epoch}`)
      if (life.owner !== owner && this.isAlive(life.owner))
        this.violate(`${owner} was given ${id} while ${life.owner} was alive`)
      life.owner = owner
      life.epoch = epoch
    }
  }

  deleted(executions: readonly { readonly id: string }[], answers: readonly boolean[]): void {
    for (const [index, { id }] of executions.entries()) if (answers[index]!) this.lives.delete(id)
  }

  posted(execution: string, kind: string): void {
    const life = this.lives.get(execution)
    if (life !== undefined && kind === 'cancel' && !isTerminal(life.status)) life.cancelledAt ??= this.#scheduler.now
  }

  claimed(claims: readonly ResultClaim[], answers: readonly ResultState[]): void {
    for (const [index, { key, owner }] of claims.entries()) {
      const answer = answers[index]!
      if (answer.status === 'claimed') this.claims.set(key, { owner, epoch: answer.epoch })
    }
  }

  committedResults(commits: readonly ResultCommit[], answers: readonly boolean[]): void {
    const { now } = this.#scheduler
    for (const [index, { key, owner, epoch, outcome }] of commits.entries()) {
      if (!answers[index]!) continue
      const claim = this.claims.get(key)
      const end = `${outcome.status} ${outcome.status === 'completed' ? String(outcome.output) : ''}`
      // The same again, because an answer was lost.
      if (this.#endedClaims.get(`${key} ${owner} ${epoch}`) === end) continue
      this.#endedClaims.set(`${key} ${owner} ${epoch}`, end)
      if (claim?.owner !== owner || claim.epoch !== epoch)
        this.violate(`${owner} ended the claim of ${claim?.owner ?? 'nobody'} on ${key}`)
      this.claims.delete(key)
      if (outcome.status !== 'completed') continue
      const kept = this.resultAt(key)
      if (kept !== undefined) this.violate(`result ${key} was made twice: ${String(kept.value)} and ${outcome.output}`)
      const value: unknown = JSON.parse(String(outcome.output))
      this.results.set(key, { value, owner, at: now, expiresAt: now + (outcome.ttlMs ?? Infinity) })
    }
  }

  /** The global result that holds now. */
  resultAt(key: string): KeptResult | undefined {
    const kept = this.results.get(key)
    return kept === undefined || kept.expiresAt <= this.#scheduler.now ? undefined : kept
  }
}

export function hasCompleted({ status }: StepRecord): boolean {
  return status === 'completed' || status === 'cached'
}
