import { append } from '../../core/append.ts'
import type { ScheduleOverlap, ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import type { ExecutionStatus } from '../../core/contracts/statuses.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { Calendar } from './calendar.ts'
import { dueTimeOf, runIdOf } from './nominal-times.ts'
import type { DueTimes } from './nominal-times.ts'

/** What is to be done for a schedule, and what its record is to be then. */
export interface Firing {
  /** Nominal times for which an execution is to be started, unless it is there. */
  readonly starts: readonly number[]
  /** Executions that are to be cancelled. */
  readonly cancels: readonly string[]
  /** Nominal times that come to nothing, since earlier executions have not ended. */
  readonly skips: readonly number[]
  /** The execution that has failed, where the schedule is paused because of it. */
  readonly failedRun: string | undefined
  /** What of the record is another one then. */
  readonly change: Partial<ScheduleRecord>
}

/** Statuses of executions by id; undefined for those that are not there. */
export type RunStatuses = ReadonlyMap<string, ExecutionStatus | undefined>

/** Executions that are remembered where overlapping is no matter. */
const mostRuns = 100
/** Whether an execution has ended is looked at every so often: the longer it has taken, the less often. */
const looks = { firstMs: 1_000, lastMs: 60_000, share: 0.1 } as const

/** Whether a decision goes by what has become of earlier executions. */
export function needsStatuses({ rule, runs, bufferedAt }: ScheduleRecord): boolean {
  return (rule.overlap !== 'allowAll' || rule.pauseOnFailure === true || bufferedAt !== undefined) && runs.length > 0
}

/** What is to be done for nominal times that have come. Deciding twice does no harm: what is started has the same id. */
export function decideFiring(
  record: ScheduleRecord,
  due: Pick<DueTimes, 'wanted' | 'missed' | 'last'>,
  statuses: RunStatuses,
  calendar: Calendar,
  now: number,
): Firing {
  const { rule, runs } = record
  const isWatched = needsStatuses(record)
  const open = isWatched ? runs.filter((id) => isOpen(statuses.get(id))) : runs.slice(-mostRuns)
  const failedRun = rule.pauseOnFailure === true ? runs.find((id) => statuses.get(id) === 'failed') : undefined
  if (failedRun !== undefined) {
    const note = `execution "${failedRun}" has failed`
    const change = { pausedAt: now, note, dueAt: undefined, runs: withBuffered(record, open), bufferedAt: undefined }
    return { starts: [], cancels: [], skips: [], failedRun, change }
  }
  const { starts, skips, cancels, bufferedAt, running } = overlapped(record, rule.overlap, due.wanted, open)
  const nextAt = due.last === undefined ? record.nextAt : calendar.next(due.last)
  // Another process may have decided otherwise at the same moment: what it may have started counts too.
  const remembered = [...running, ...skips.slice(-5).map((time) => runIdOf(record.name, time))]
  const looksAt = bufferedAt !== undefined || (rule.pauseOnFailure === true && running.length > 0)
  const since = Math.max(bufferedAt ?? 0, starts.at(-1) ?? due.last ?? record.lastAt ?? 0)
  return {
    starts,
    cancels,
    skips,
    failedRun: undefined,
    change: {
      nextAt,
      dueAt: earliest(
        nextAt === undefined ? undefined : dueTimeOf(record, nextAt),
        looksAt ? nextLook(since, now) : undefined,
      ),
      lastAt: due.last ?? record.lastAt,
      bufferedAt,
      started: record.started + starts.length,
      skipped: record.skipped + skips.length,
      missed: record.missed + (due.missed?.count ?? 0),
      failures: 0,
      runs: remembered.slice(-mostRuns),
    },
  }
}

/** Executions that may be open once none waits for its turn any more: another process may have decided otherwise at the same moment, and begun that one. */
export function withBuffered(
  { name, bufferedAt }: Pick<ScheduleRecord, 'name' | 'bufferedAt'>,
  runs: readonly string[],
): readonly string[] {
  return bufferedAt === undefined ? runs : [...runs, runIdOf(name, bufferedAt)]
}

/** What becomes of nominal times while executions are open. */
export function overlapped(
  { name, bufferedAt: waiting }: Pick<ScheduleRecord, 'name' | 'bufferedAt'>,
  overlap: ScheduleOverlap,
  times: readonly number[],
  open: readonly string[],
): Pick<Firing, 'starts' | 'skips' | 'cancels'> & {
  readonly bufferedAt: number | undefined
  readonly running: readonly string[]
} {
  const starts: number[] = []
  const skips: number[] = []
  const running = [...open]
  let bufferedAt = waiting
  const start = (time: number): void => {
    starts.push(time)
    running.push(runIdOf(name, time))
  }
  if (bufferedAt !== undefined && running.length === 0) {
    start(bufferedAt)
    bufferedAt = undefined
  }
  // Where a later one cancels an earlier one, that one need not begin.
  if (overlap === 'cancelOther') append(skips, times.slice(0, -1))
  for (const time of overlap === 'cancelOther' ? times.slice(-1) : times) {
    if (overlap === 'allowAll' || running.length === 0) start(time)
    else if (overlap === 'skip') skips.push(time)
    else if (overlap === 'bufferOne' && bufferedAt !== undefined) skips.push(time)
    else {
      if (bufferedAt !== undefined) skips.push(bufferedAt)
      bufferedAt = time
    }
  }
  // Again with each look: whoever decided it may have died before it did it.
  const cancels = overlap === 'cancelOther' && bufferedAt !== undefined ? open : []
  return { starts, skips, cancels, bufferedAt, running }
}

function isOpen(status: ExecutionStatus | undefined): boolean {
  return status !== undefined && !isTerminal(status)
}

function nextLook(since: number, now: number): number {
  const pauseMs = Math.min(Math.max((now - since) * looks.share, looks.firstMs), looks.lastMs)
  return Math.ceil(now + pauseMs)
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : Math.min(one, other ?? one)
}
