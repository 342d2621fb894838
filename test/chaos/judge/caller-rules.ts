import type { LogLine } from '../chaos-log.ts'
import { hasEnded, markOf } from './change.ts'
import type { ExecutionRow } from './change.ts'
import type { Answer, Call } from './call.ts'
import type { History } from './history.ts'
import type { Stops } from './stops.ts'
import type { Report } from './violation.ts'

/** A call from its beginning to its answer; without one where its process died. */
export interface MadeCall {
  readonly call: Call
  readonly worker: string
  readonly from: number
  readonly to: number
  readonly answer: Answer | undefined
}

export function callsOf(lines: readonly LogLine[]): readonly MadeCall[] {
  const open = new Map<number, LogLine>()
  const made: MadeCall[] = []
  for (const line of lines) {
    const { kind, call, answer, worker, at } = line
    if (kind === 'call') open.set(call!.call, line)
    if (kind !== 'answer') continue
    const begun = open.get(call!.call)!
    open.delete(call!.call)
    made.push({ call: call!, worker, from: begun.at, to: at, answer })
  }
  for (const { call, worker, at } of open.values())
    made.push({ call: call!, worker, from: at, to: Infinity, answer: undefined })
  return made
}

const isOpen = (row: ExecutionRow | undefined): boolean => row !== undefined && !hasEnded(row)
const isGone = (row: ExecutionRow | undefined): boolean => row === undefined

/** Judges what callers got as an answer by what was on record from their call to that answer. */
export class CallerRules {
  readonly #history: History
  readonly #report: Report
  readonly #stops: Stops
  readonly #lateMs: number

  constructor(history: History, stops: Stops, lateMs: number, report: Report) {
    this.#history = history
    this.#stops = stops
    this.#lateMs = lateMs
    this.#report = report
  }

  judge(calls: readonly MadeCall[]): void {
    for (const made of calls) {
      const { answer } = made
      if (answer === undefined) continue
      if (answer.type === 'error') this.#judgeError(made, answer)
      else if (answer.type === 'list') this.#judgeList(made, answer.executions)
      else if (answer.type !== 'count') this.#judgeOne(made, answer)
    }
    this.#judgeCounts(calls)
  }

  /** What stood at some time of the call. */
  #rows({ from, to }: MadeCall, id: string): readonly (ExecutionRow | undefined)[] {
    return this.#history.during(id, this.#stops.unseenFrom(from), to + this.#lateMs)
  }

  #judgeOne(made: MadeCall, answer: Answer): void {
    const { operation, execution, newId } = made.call
    const rows = this.#rows(made, execution)
    const holds = (): boolean => {
      switch (answer.type) {
        case 'value':
          return rows.some((row) => row?.status === 'completed' && markOf(row.output)?.tag === answer.tag)
        case 'none':
        case 'deleted':
          return rows.some(isGone)
        case 'status':
          return rows.some((row) => row?.status === answer.status)
        default:
          if (operation === 'start') return rows.some((row) => row !== undefined)
          // One whose fork was not finished fails again at once.
          if (operation === 'retry') return rows.some((row) => isOpen(row) || isGone(row)) || epochsOf(rows) > 1
          if (operation === 'fork') return this.#rows(made, newId!).some((row) => row?.forkedFrom === execution)
          return rows.some((row) => hasEnded(row) || isGone(row)) || this.#isPosted(made)
      }
    }
    if (!holds()) this.#deny(made, rows)
  }

  /** Whether a cancellation was on its way in the time of a call. */
  #isPosted({ call: { execution }, from, to }: MadeCall): boolean {
    const letters = this.#history.letters.filter(({ id, kind }) => id === execution && kind === 'cancel')
    return letters.some(({ postedAt }) => postedAt >= from - this.#lateMs && postedAt <= to + this.#lateMs)
  }

  #judgeError(made: MadeCall, { code, message, isClosing }: Answer & { readonly type: 'error' }): void {
    const { operation, execution, newId } = made.call
    // What is under way when a docket closes its store ends with that.
    if (isClosing && (code === 'DOCKET_CLOSED' || code === 'STORE_FAILED')) return
    // One that is stopped in the middle of a transaction keeps others out of it, and may come too late itself.
    if ((code === 'STORE_FAILED' || code === 'LEASE_LOST') && this.#stops.overlap(made.from, made.to)) return
    const rows = this.#rows(made, execution)
    const needs = (holds: (row: ExecutionRow | undefined) => boolean): void => {
      if (!rows.some(holds)) this.#deny(made, rows)
    }
    const waits = operation === 'result' || operation === 'execute'
    // A deletion takes the place of the end.
    if (code === 'EXECUTION_CANCELLED' && waits && message.includes('was deleted')) needs(isGone)
    else if (code === 'EXECUTION_CANCELLED' && waits) needs((row) => row?.status === 'cancelled')
    else if (code === 'STEP_FAILED' && waits) needs((row) => row?.status === 'failed')
    else if (code === 'EXECUTION_CONFLICT' && operation === 'fork') {
      if (!rows.some(isGone) && this.#rows(made, newId!).every(isGone)) this.#deny(made, rows)
    } else if (code === 'EXECUTION_CONFLICT' && operation === 'retry')
      needs((row) => isGone(row) || isOpen(row) || row?.status === 'completed')
    // Its process died before it had copied the records.
    else if (code === 'EXECUTION_CONFLICT' && waits && message.endsWith('fork again'))
      needs((row) => row?.status === 'failed' && row.forkedFrom !== undefined)
    else if (code === 'EXECUTION_CONFLICT') needs(isGone)
    else this.#report('unexpected answer', `${shown(made)}: ${code}: ${message}`)
  }

  #judgeList(made: MadeCall, executions: readonly (readonly [id: string, status: string])[]): void {
    const seen = new Set<string>()
    for (const [id, status] of executions) {
      if (seen.has(id) && !this.#rows(made, id).some(isGone))
        this.#report('list is wrong', `${shown(made)}: it has ${id} twice`)
      seen.add(id)
      const rows = this.#rows(made, id)
      if (!rows.some((row) => row?.status === status))
        this.#report(
          'list is wrong',
          `${shown(made)}: ${id} is ${status} in it, and was ${rows.map(statusOf).join(', ')}`,
        )
    }
    for (const id of this.#history.executions.keys()) {
      if (seen.has(id)) continue
      const statuses = new Set(this.#rows(made, id).map(statusOf))
      // Redis reads the statuses one after the other: what changes its status meanwhile may be missed.
      if (statuses.size === 1 && !statuses.has('none'))
        this.#report('list is wrong', `${shown(made)}: it does not have ${id}`)
    }
  }

  /** A purge counts what it deletes, and nothing twice. */
  #judgeCounts(calls: readonly MadeCall[]): void {
    let counted = 0
    for (const { answer } of calls) if (answer?.type === 'count') counted += answer.count
    let deleted = 0
    for (const moments of this.#history.executions.values())
      for (const [index, { row }] of moments.entries())
        if (row === undefined && hasEnded(moments[index - 1]?.row)) deleted++
    if (counted > deleted)
      this.#report('answer not on record', `purges counted ${counted} executions, and ${deleted} were deleted`)
  }

  #deny(made: MadeCall, rows: readonly (ExecutionRow | undefined)[]): void {
    const { type, ...rest } = made.answer!
    this.#report(
      'answer not on record',
      `${shown(made)} got ${type} ${JSON.stringify(rest).slice(0, 200)}; on record: ${rows.map(statusOf).join(', ')}`,
    )
  }
}

function epochsOf(rows: readonly (ExecutionRow | undefined)[]): number {
  return new Set(rows.map((row) => row?.epoch)).size
}

function statusOf(row: ExecutionRow | undefined): string {
  return row === undefined ? 'none' : row.status
}

function shown({ call: { call, operation, execution }, worker, from, to }: MadeCall): string {
  return `call ${call} of ${worker}, ${operation} ${execution} (${Math.round(to - from)} ms, until ${new Date(to).toISOString()})`
}
