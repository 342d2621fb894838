import type { ResultClaim, ResultCommit, ResultState } from '../../src/core/contracts/result-record.ts'
import type {
  AcquiredExecution,
  ExecutionCommit,
  ExecutionRecord,
  HeadChange,
  NewExecution,
  StepRecord,
} from '../../src/core/contracts/execution-record.ts'
import type { NewMessage } from '../../src/core/contracts/message.ts'
import type { CommitAnswer } from '../../src/core/contracts/store.ts'
import { isTerminal, isTerminalStep } from '../../src/core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import type { Broadcasts } from './broadcasts.ts'
import type { Letters } from './letters.ts'
import { latestEndOf } from './lifetime.ts'
import type { Lifetime } from './lifetime.ts'
import { hasCompleted, isOver, newLife } from './life.ts'
import type { KeptResult, Life } from './life.ts'
import type { MachineLedger } from './machine-ledger.ts'
import type { Moves } from './moves.ts'
import type { Notes } from './notes.ts'
import type { Requests } from './requests.ts'
import type { StartKeys } from './start-keys.ts'
import type { Firings } from './schedules.ts'
import type { OperatedQueues } from './operators.ts'
import type { Looks } from './lookers.ts'
import type { Timetable } from './timetables.ts'
import { isMigrated } from './version-ledger.ts'
import type { Versions } from './version-ledger.ts'
import type { Scheduler } from './scheduler.ts'
import { ledgerOf, recordKey } from './batch-ledger.ts'
import { plainOf, textOf } from './toy-codec.ts'
import { firstNameOf } from './versions.ts'

/** Clocks that are off by a second count as right, and how far they are off is known to half of what the store's answer takes, which is a second at the most. */
export const agreeMs = 1_500

/** What the store was told and did, kept outside of everything; whatever must never happen is noted at once. */
export class History {
  readonly lives = new Map<string, Life>()
  /** Values of completed executions, those too that were deleted. */
  readonly outputs = new Map<string, Set<unknown>>()
  readonly results = new Map<string, KeptResult>()
  readonly claims = new Map<string, { readonly owner: string; readonly epoch: number; readonly at: number }>()
  readonly #endedClaims = new Map<string, string>()
  /** Whether a driver repeated an acquisition by itself: then it is a minute before a process looks what it has. */
  hasHiddenAcquisition = false
  readonly violations: string[] = []
  /** Whether the store has a clock, to which those of processes are compared. */
  hasStoreTime = false
  /** Undefined where nobody sends signals. */
  letters: Letters | undefined
  /** Undefined where no step is a machine. */
  machines: MachineLedger | undefined
  /** Each of them undefined where nothing begins by the clock, or nobody pauses that, pauses queues, or looks at values. */
  firings: Firings | undefined
  timetable: Timetable | undefined
  operated: OperatedQueues | undefined
  looks: Looks | undefined
  /** Undefined where nobody writes to functions. */
  notes: Notes | undefined
  /** Undefined where nobody sends updates. */
  requests: Requests | undefined
  /** Undefined where starts have no keys. */
  keys: StartKeys | undefined
  /** Undefined where nobody emits events. */
  broadcasts: Broadcasts | undefined
  /** Undefined where there is one store. */
  moves: Moves | undefined
  /** Undefined where all processes run the same program. */
  versions: Versions | undefined
  /** How long executions may take, by their ids. */
  readonly lifetimes = new Map<string, Lifetime>()
  /** Values that executions were given for what steps make, by their ids and the steps' names. */
  readonly overrides = new Map<string, Readonly<Record<string, string>>>()
  readonly log: string[] = []
  /** What somebody wanted to be cancelled or deleted at some time. */
  readonly toBeEnded = new Set<string>()
  readonly #retries: { readonly id: string; readonly process: string; endedAt: number }[] = []
  readonly #deletions = new Map<string, number>()
  /** By the numbers of lives. */
  readonly #messages = new Set<string>()
  readonly #leases = new Map<string, number>()
  readonly #scheduler: Scheduler
  readonly #isVerbose: boolean
  readonly startedAt: number
  readonly #barriers: ReadonlySet<string>
  #lives = 0

  /** `barriers` are graphs in which an item that is done may have to be run again for others. */
  constructor(scheduler: Scheduler, isVerbose: boolean, barriers: ReadonlySet<string>) {
    this.#scheduler = scheduler
    this.#isVerbose = isVerbose
    this.#barriers = barriers
    this.startedAt = scheduler.now
  }

  get now(): number {
    return this.#scheduler.now
  }

  /** Notes what happened, where somebody will read it. */
  tell(line: () => string): void {
    if (this.#isVerbose) this.log.push(`${((this.#scheduler.now - this.startedAt) / 1_000).toFixed(4)} ${line()}`)
  }

  violate(message: string): void {
    const at = ((this.#scheduler.now - this.startedAt) / 1_000).toFixed(4)
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

  /** What an execution's time is in a process, at the most. */
  timeIn(process: { readonly now: number }): number {
    return this.hasStoreTime ? this.#scheduler.now + agreeMs : process.now
  }

  renewed(owner: string, leaseMs: number, isAlive: boolean): void {
    if (isAlive) this.#leases.set(owner, this.#scheduler.now + leaseMs)
  }

  ended(owner: string): void {
    this.#leases.set(owner, this.#scheduler.now)
  }

  created(created: readonly NewExecution[], answers: readonly (ExecutionRecord | undefined)[]): void {
    for (const [index, given] of created.entries()) {
      const { id } = given
      if (answers[index] !== undefined) continue
      this.firings?.created(given)
      this.keys?.created(given)
      this.#checkChild(given)
      const life = newLife(given, ++this.#lives, this.overrides.get(id) ?? {}, this.#scheduler.now)
      this.lives.set(id, life)
      this.timetable?.created(life)
    }
  }

  committed(commits: readonly ExecutionCommit[], answers: readonly CommitAnswer[]): void {
    for (const [index, commit] of commits.entries()) if (answers[index] === true) this.#committed(commit)
  }

  #committed(commit: ExecutionCommit): void {
    const { id, owner, epoch, at, steps, head, park } = commit
    const life = this.lives.get(id)
    if (life === undefined || life.owner !== owner || life.epoch !== epoch) {
      this.violate(`${owner} wrote to ${id} in epoch ${epoch}, which is ${life?.owner}'s in epoch ${life?.epoch}`)
      return
    }
    this.#checkDetached(life, commit)
    this.#checkEnded(life, commit)
    for (const record of steps) {
      const key = recordKey(record.step, record.item)
      const known = life.steps.get(key)
      const value = textOf(record.output)
      // A record without a type stands for none: a batch that was undone and begins again drops what its items came to.
      const isThere = known !== undefined && known.record.type !== '' && known.isStale !== true
      if (isThere && hasCompleted(known.record)) {
        // What was undone is found no more.
        if (!hasCompleted(record) && record.type !== '') continue
        if (
          record.type !== '' &&
          known.value !== value &&
          !this.#isProvisional(life, record) &&
          !isMigrated(known.record, record)
        )
          this.violate(`${id}: the result ${String(known.value)} of ${record.step} was replaced by ${String(value)}`)
      }
      // What a life left that has ended is begun anew in the next: a late commit may have brought back that it waited.
      // The note that a function waits may come when it has gone on since.
      const hasGoneOn = known !== undefined && (life.woken.get(record.step) ?? -Infinity) >= known.record.dueAt!
      const isOfNow = known !== undefined && known.at >= life.begunAt && known.hasWoken !== true && !hasGoneOn
      this.#checkTimer(life, isOfNow ? known.record : undefined, record, at)
      const isStale = hasCompleted(record) && isOver(life.steps.get(`$undo ${record.step}`)?.record)
      life.steps.set(key, { record, value, at: this.#scheduler.now, isStale })
      const isDue = record.status === 'waiting' && record.dueAt! > (life.woken.get(record.step) ?? -Infinity)
      if (isDue) life.due.set(key, record.dueAt!)
      else life.due.delete(key)
    }
    this.letters?.committed(life, commit)
    this.machines?.committed(life, commit)
    this.broadcasts?.committed(life, commit)
    if (park !== undefined) {
      life.owner = undefined
      life.sleepsUntil = park.dueAt ?? Infinity
    }
    if (head === undefined) return
    const { status } = head
    // Who goes on with what has ended may give it more time.
    if ('deadline' in head) life.deadline = head.deadline
    if (head.startedAt !== undefined) {
      life.startedAt = head.startedAt
      life.startNotedAt = this.#scheduler.now
    }
    if (head.graphHash === 'detached') life.detachedBy = owner
    if (status !== undefined && status !== life.status) {
      if (life.status === 'completed' && !this.#mayBeginAgain(life, status))
        this.violate(`${id} was completed, and became ${status}`)
      if (isTerminal(life.status) && !isTerminal(status)) {
        life.reopened++
        life.begunAt = this.#scheduler.now
        life.cancelledAt = undefined
        life.endedAt = undefined
      }
      if (isTerminal(status)) {
        life.endedAt = this.#scheduler.now
        life.endedBy = owner
        life.error = this.#nameOfEnd(life, at, head)
      }
      life.status = status
    }
    // The output is given as soon as it is there, though what lost its races is undone still.
    if (status === 'completed' || (status === 'compensating' && head.output !== undefined)) {
      life.output = life.kind === 'batch' ? this.#outputOfBatch(life) : plainOf(head.output)
      const outputs = this.outputs.get(id) ?? new Set()
      this.outputs.set(id, outputs.add(life.output))
    }
    if (head.isReleased === true) life.owner = undefined
  }

  /** A child ends with its parent at the latest. */
  #checkChild({ id, parent, deadline }: NewExecution): void {
    const of = parent === undefined ? undefined : this.lives.get(parent)
    if (of?.deadline === undefined || isTerminal(of.status)) return
    // How long a parent may run is its own: it ends its children.
    const { maxPending, maxRunning } = this.lifetimes.get(of.id) ?? {}
    if (maxPending !== undefined || maxRunning !== undefined) return
    if (deadline === undefined || deadline > of.deadline + agreeMs)
      this.violate(`${id} ends at ${String(deadline)}, and its parent at ${of.deadline}`)
  }

  /** Nothing of what has ended is under way, unless it begins again in that commit. */
  #checkEnded({ id, status }: Life, { owner, steps, head }: ExecutionCommit): void {
    if (!isTerminal(status) || (head?.status !== undefined && !isTerminal(head.status))) return
    const left = steps.find((one) => !one.step.startsWith('$') && one.type !== '' && !isTerminalStep(one.status))
    if (left !== undefined && left.status !== 'pending')
      this.violate(`${owner} wrote that ${left.step} of ${id} is ${left.status}, which is ${status}`)
  }

  /** What was detached stays as it is: from then on it is nobody's, but to be deleted. */
  #checkDetached({ id, status, detachedBy }: Life, { owner, steps, head }: ExecutionCommit): void {
    const isChanged = steps.length > 0 || (head?.status !== undefined && head.status !== status)
    if (detachedBy !== undefined && isChanged)
      this.violate(`${id} was detached by ${detachedBy}, and ${owner} wrote ${head?.status ?? 'steps'} to it`)
  }

  /** A timer that is set is set to that time, and does not fire before it: by the store's clock, or that of the process that fires it where the store has none. */
  #checkTimer(life: Life, known: StepRecord | undefined, { step, item, status, dueAt }: StepRecord, at: number): void {
    // A machine comes from one time to the next, and says so itself.
    if (this.machines?.has(step) === true) return
    // What waits for a signal or a child has a limit at the most.
    const isTimer = this.letters?.isTimer(step) !== false
    if (known?.status !== 'waiting' || known.dueAt === undefined) return
    const times = [known.dueAt, ...(life.moves.get(recordKey(step, item)) ?? [])]
    // Who goes on with a wait that is over looks once more, at any time since it has it: its commit may be long on its way.
    const last = Math.max(known.dueAt, Math.min(at, this.#scheduler.now))
    const first = Math.min(last, Math.max(known.dueAt, life.ownedSince))
    const isOff = dueAt! > last + agreeMs || dueAt! < first - agreeMs
    const isMoved = isTimer ? !times.includes(dueAt!) : isOff && dueAt !== known.dueAt
    if (status === 'waiting' && isMoved)
      this.violate(`${life.id}: ${step} was to fire at ${known.dueAt}, and now at ${String(dueAt)}`)
    const now = this.hasStoreTime ? this.#scheduler.now + agreeMs : at
    const early = Math.min(...times) - now
    if (status === 'completed' && isTimer && early > 0) this.violate(`${life.id}: ${step} fired ${early} ms too early`)
  }

  /** What is completed stays so, but for a batch with items that failed, in a process that was asked to try them again. */
  #mayBeginAgain({ id, kind, owner, output, endedAt }: Life, status: ExecutionStatus): boolean {
    if (status !== 'running' || kind !== 'batch') return false
    const isAsked = this.#retries.some(
      (retry) => retry.id === id && owner?.startsWith(`${retry.process}:`) === true && retry.endedAt >= endedAt!,
    )
    return isAsked && (JSON.parse(output as string) as readonly unknown[]).includes('!')
  }

  /** Notes that a process was asked to retry an execution; gives what to call when it has answered. */
  retried(id: string, process: string): () => void {
    const retry = { id, process, endedAt: Infinity }
    this.#retries.push(retry)
    return () => {
      retry.endedAt = this.#scheduler.now
    }
  }

  /** A value that no step keeps is made anew in each life of a batch, and nobody sees it before the end. */
  #isProvisional({ target }: Life, { step }: StepRecord): boolean {
    return step === '$target' || (step === '$item' && this.#barriers.has(target.slice(0, target.indexOf('.'))))
  }

  #outputOfBatch(life: Life): string {
    const { outputs, missing } = ledgerOf(life)
    if (missing.length > 0) this.violate(`${life.id} was completed without ${missing.join(', ')}`)
    return outputs
  }

  /** The name of the error that an execution ends with. */
  #nameOfEnd(life: Life, at: number, { error }: HeadChange): string | undefined {
    const { id, deadline } = life
    // Clocks of processes may be set meanwhile.
    const slackMs = this.hasStoreTime ? agreeMs : 0
    const { $error } = (plainOf(error) ?? {}) as { $error?: { readonly name: string; readonly message: string } }
    if ($error?.name === 'ExecutionTimeoutError' && $error.message.includes('deadline') && at < deadline! - slackMs)
      this.violate(`${id} ended ${deadline! - at} ms before its deadline: ${$error.message}`)
    if ($error?.name === 'ExecutionExpiredError') {
      const until = latestEndOf(life, this.lifetimes.get(id), $error.message.includes('(maxPending)'))
      if (until === undefined || at < until - slackMs)
        this.violate(`${id} ended at ${at}, and not after ${String(until)}: ${$error.message}`)
    }
    return $error?.name
  }

  acquired(owner: string, acquired: readonly AcquiredExecution[]): void {
    for (const { execution } of acquired) {
      const { id, epoch } = execution
      const life = this.lives.get(id)!
      if (epoch <= life.epoch) this.violate(`${id}: epoch ${epoch} after ${life.epoch}`)
      if (life.owner !== owner && this.isAlive(life.owner))
        this.violate(`${owner} was given ${id} while ${life.owner} was alive`)
      life.owner = owner
      life.sleepsUntil = undefined
      life.ownedSince = this.#scheduler.now
      life.epoch = epoch
    }
  }

  deleted(executions: readonly { readonly id: string }[], answers: readonly boolean[]): void {
    for (const [index, { id }] of executions.entries())
      if (answers[index]! && this.lives.delete(id)) this.#deletions.set(id, this.deletionsOf(id) + 1)
  }

  /** Lives that a purge has ended. */
  purged(ids: readonly string[]): void {
    for (const id of ids) if (this.lives.delete(id)) this.#deletions.set(id, this.deletionsOf(id) + 1)
  }

  /** How often an execution was deleted. */
  deletionsOf(id: string): number {
    return this.#deletions.get(id) ?? 0
  }

  posted({ execution, id, kind, payload }: NewMessage): void {
    const life = this.lives.get(execution)
    if (life === undefined) return
    // Sent again it is the same one, which wakes nobody.
    const message = id === undefined ? undefined : `${life.number} ${id}`
    if (message !== undefined && this.#messages.has(message)) return
    if (message !== undefined) this.#messages.add(message)
    if (kind === 'cancel' && !isTerminal(life.status)) life.cancelledAt ??= this.#scheduler.now
    if (kind === 'reschedule') {
      const { step, item, dueAt } = plainOf(payload) as { step: string; item: string; dueAt: number }
      const key = recordKey(firstNameOf(step), item)
      life.moves.set(key, [...(life.moves.get(key) ?? []), dueAt])
    }
    // A message wakes it.
    life.sleepsUntil = undefined
  }

  claimed(claims: readonly ResultClaim[], answers: readonly ResultState[]): void {
    for (const [index, { key, owner }] of claims.entries()) {
      const answer = answers[index]!
      if (answer.status === 'claimed') this.claims.set(key, { owner, epoch: answer.epoch, at: this.#scheduler.now })
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
      const value = plainOf(outcome.output)
      this.results.set(key, { value, owner, at: now, expiresAt: now + (outcome.ttlMs ?? Infinity) })
    }
  }

  /** The global result that holds now. */
  resultAt(key: string): KeptResult | undefined {
    const kept = this.results.get(key)
    return kept === undefined || kept.expiresAt <= this.#scheduler.now ? undefined : kept
  }
}
