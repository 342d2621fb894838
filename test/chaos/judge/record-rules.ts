import { hasEnded, isDone, tagOf, workerOf } from './change.ts'
import type { Change, ChangeOf, ExecutionRow } from './change.ts'
import { History } from './history.ts'
import type { Report } from './violation.ts'

/** What a judge has to know of the calls. */
export interface RecordTerms {
  /** What every purge was for, in milliseconds. */
  readonly olderThanMs: number
  /** When nothing was under way any more; from then on, all that has ended may be purged. */
  readonly quietAt: number | undefined
  /** Whether somebody had called for the end of this execution before then. */
  readonly isDeleted: (id: string, before: number) => boolean
  /** By how much a change may be stamped too late. */
  readonly lateMs: number
}

// A cancellation and the end that it leads to are one commit, whose changes are stamped one after the other.
const oneCommitMs = 250

/** Judges what was written by what was there before. */
export class RecordRules {
  readonly history = new History()
  readonly #terms: RecordTerms
  readonly #report: Report
  /** All tags that were committed. */
  readonly #tags = new Set<string>()
  /** Completed steps that went away, whose execution may go in the same commit. */
  readonly #lost = new Map<string, string[]>()
  readonly #epochs = new Map<string, number>()

  constructor(terms: RecordTerms, report: Report) {
    this.#terms = terms
    this.#report = report
  }

  see(change: Change): void {
    if (change.subject === 'execution') this.#seeExecution(change)
    else if (change.subject === 'step') this.#seeStep(change)
    else if (change.subject === 'result') this.#seeResult(change)
    this.history.add(change)
  }

  #seeExecution({ id, at, row }: ChangeOf<'execution'>): void {
    const last = this.history.current(id)?.row
    if (row === undefined) {
      this.#lost.delete(id)
      if (last !== undefined) this.#seeDeletion(id, at, last)
      return
    }
    this.#reportLost(id)
    if (last === undefined) this.#seeCreation(id, row)
    else this.#seeWrite(id, last, row)
  }

  #seeCreation(id: string, row: ExecutionRow): void {
    if (row.epoch !== (row.owner === undefined ? 0 : 1))
      this.#report('owner without epoch', `${id} begins in epoch ${row.epoch}`)
    // Those of its own creation come after it.
    const old = [...(this.history.steps.get(id)?.keys() ?? [])]
    if (old.length > 0) this.#report('begun with old rows', `${id} begins with ${old.join(', ')}`)
  }

  #seeWrite(id: string, last: ExecutionRow, row: ExecutionRow): void {
    const { history } = this
    if (row.epoch < last.epoch) this.#report('epoch went back', `${id}: from ${last.epoch} to ${row.epoch}`)
    if (row.epoch > last.epoch + 1) this.#report('owner without epoch', `${id}: from ${last.epoch} to ${row.epoch}`)
    if (row.owner !== undefined && row.owner !== last.owner && row.epoch === last.epoch)
      this.#report('owner without epoch', `${id}: from ${last.owner} to ${row.owner} in epoch ${row.epoch}`)
    if (last.status === 'completed' && (row.status !== 'completed' || row.output !== last.output))
      this.#report('completed output changed', `${id}: from ${shown(last)} to ${shown(row)}`)
    else if (hasEnded(last) && row.status !== last.status && row.epoch <= history.endEpoch(id)!)
      this.#report('end undone', `${id}: from ${last.status} to ${row.status} in epoch ${row.epoch}`)
    if (row.output !== last.output) this.#seeOutput(`${id}`, row.output, last.owner ?? row.owner)
  }

  #seeDeletion(id: string, at: number, { status, endedAt, ...row }: ExecutionRow): void {
    const { isDeleted, olderThanMs, quietAt, lateMs } = this.#terms
    if (isDeleted(id, at)) return
    if (!hasEnded({ status, endedAt, ...row })) this.#report('purged too early', `${id} was ${status}`)
    else if (endedAt === undefined || at - endedAt < (quietAt === undefined || at < quietAt ? olderThanMs : 0) - lateMs)
      this.#report('purged too early', `${id}: ${Math.round(at - (endedAt ?? at))} ms after its end`)
  }

  #seeStep({ id, part, row }: ChangeOf<'step'>): void {
    const last = this.history.steps.get(id)?.get(part)
    const place = `${id} ${part}`
    if (last !== undefined && isDone(last)) {
      if (row === undefined) this.#seeLoss(id, part)
      else if (!isDone(row) || row.output !== last.output)
        this.#report('completed output changed', `${place}: from ${shown(last)} to ${shown(row)}`)
    }
    if (row?.output !== undefined && row.output !== last?.output)
      this.#seeOutput(place, row.output, this.history.writer(id))
  }

  /** Its execution may be gone already, or go in the same commit. */
  #seeLoss(id: string, part: string): void {
    if (this.history.current(id)?.row !== undefined) this.#lost.set(id, [...(this.#lost.get(id) ?? []), part])
  }

  #seeResult({ id, row }: ChangeOf<'result'>): void {
    const last = this.history.results.get(id)
    const place = `result ${id}`
    const known = this.#epochs.get(id) ?? 0
    if (row === undefined) {
      if (last?.status === 'completed') this.#report('completed output changed', `${place} was deleted`)
      return
    }
    if (row.epoch < known) this.#report('epoch went back', `${place}: from ${known} to ${row.epoch}`)
    this.#epochs.set(id, Math.max(known, row.epoch))
    if (last !== undefined && row.owner !== last.owner && row.epoch === last.epoch)
      this.#report('owner without epoch', `${place}: from ${last.owner} to ${row.owner} in epoch ${row.epoch}`)
    if (last?.status === 'completed' && (row.status !== 'completed' || row.output !== last.output))
      this.#report('completed output changed', `${place}: from ${shown(last)} to ${shown(row)}`)
    if (row.output !== undefined && row.output !== last?.output) this.#seeOutput(place, row.output, row.owner)
  }

  /** What is new is of the process that has the right to write; what is not was committed before. */
  #seeOutput(place: string, output: string | undefined, owner: string | undefined): void {
    const tag = tagOf(output)
    if (tag === undefined || this.#tags.has(tag)) return
    this.#tags.add(tag)
    if (owner === undefined || workerOf(owner) !== workerOf(tag))
      this.#report('written by another', `${place}: ${tag}, while ${owner ?? 'nobody'} owned it`)
  }

  /** MySQL deletes what an execution has before itself, in one transaction: on a busy machine that takes longer than a commit. */
  #isDeletedNext(id: string, at: number): boolean {
    const next = this.history.moments(id).find((moment) => moment.at >= at)
    return next !== undefined && next.row === undefined
  }

  #reportLost(id: string): void {
    const steps = this.#lost.get(id)
    if (steps === undefined) return
    this.#lost.delete(id)
    this.#report('completed step lost', `${id}: ${steps.join(', ')}`)
  }

  /** What can be judged only when all has been seen. */
  finish(): void {
    for (const id of this.#lost.keys()) this.#reportLost(id)
    if (this.#terms.quietAt !== undefined) this.#seeQuiet(this.#terms.quietAt)
    for (const { id, kind, postedAt, removedAt } of this.history.letters) {
      if (kind !== 'cancel' || removedAt === undefined) continue
      const rows = this.history.during(id, postedAt, removedAt + oneCommitMs)
      if (!rows.some((row) => row === undefined || hasEnded(row)) && !this.#isDeletedNext(id, removedAt))
        this.#report('cancel lost', `${id}: it was ${shown(rows.at(-1))} when its cancellation was consumed`)
    }
  }

  /** Nothing is under way any more. */
  #seeQuiet(at: number): void {
    const { executions, letters } = this.history
    for (const id of executions.keys()) {
      const row = this.history.at(id, at)
      if (row !== undefined && !hasEnded(row))
        this.#report('never ended', `${id} is ${row.status}, and owned by ${row.owner ?? 'nobody'}`)
    }
    for (const { id, kind, postedAt, removedAt = Infinity } of letters)
      // One that came just after an end goes with the execution, or when that begins again.
      if (postedAt < at && removedAt >= at && !isLeft(this.history.at(id, at)))
        this.#report('left behind', `${id}: nobody has read a message "${kind}" of ${new Date(postedAt).toISOString()}`)
  }
}

/** Whether it has ended, and nobody is to do anything about it. */
function isLeft(row: ExecutionRow | undefined): boolean {
  return hasEnded(row) && row?.owner === undefined
}

function shown(row: { readonly status: string; readonly output?: string | undefined } | undefined): string {
  return row === undefined ? 'none' : `${row.status} ${tagOf(row.output) ?? row.output ?? ''}`.trim()
}
