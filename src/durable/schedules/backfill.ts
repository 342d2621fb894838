import { append } from '../../core/append.ts'
import type { ScheduleOverlap, ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { OptionError } from '../../core/errors.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { ExecutionStarter } from '../start/start-execution.ts'
import { wholeCalendarOf } from './calendar.ts'
import { overlapped } from './decide-firing.ts'
import { runIdOf } from './nominal-times.ts'
import { openRuns } from './open-runs.ts'
import { updateSchedule } from './schedule-access.ts'
import { startRun } from './scheduled-run.ts'

/** Which nominal times are made up for. */
export interface BackfillOptions {
  /** The first moment. */
  readonly from: Date
  /** The last moment, which is past. */
  readonly to: Date
  /** As that of a schedule, for all these times at once: all run side by side, or all but one come to nothing. @default 'allowAll' */
  readonly overlap?: ScheduleOverlap | undefined
  /** Only counts what it would do, and starts nothing. @default false */
  readonly dryRun?: boolean | undefined
}

/** What a backfill has done, or would do. */
export interface Backfill {
  /** Executions that it has started. */
  readonly started: number
  /** Nominal times of which there was an execution. */
  readonly existing: number
  /** Nominal times that came to nothing by `overlap`. */
  readonly skipped: number
  /** Whether one more begins once what runs has ended, by `bufferOne` or `cancelOther`. */
  readonly isOneBuffered: boolean
  /** Executions of the schedule that it has cancelled, by `cancelOther`. */
  readonly cancelled: number
}

/** So many are started at the same time. */
const portionSize = 100
const soonMs = 1_000
const mostRuns = 100

/** Starts what is missing between two moments. @throws OptionError, and what `docket.start` throws */
export async function backfillSchedule(
  context: DocketContext,
  starter: ExecutionStarter,
  record: ScheduleRecord,
  { from, to, overlap = 'allowAll', dryRun = false }: BackfillOptions,
  cancel: (id: string) => Promise<void>,
): Promise<Backfill> {
  const { clock } = context
  if (to.getTime() > clock.now())
    throw new OptionError('schedules.backfill: to is in the future; what is still to come, comes by itself')
  const made = { started: 0, existing: 0, skipped: 0, isOneBuffered: false, cancelled: 0 }
  const missing: number[] = []
  const started: number[] = []
  const start = async (times: readonly number[]): Promise<void> => {
    if (!dryRun) await Promise.all(times.map((time) => startRun(context, starter, record, time)))
    made.started += times.length
    append(started, times.slice(-mostRuns))
  }
  for (const portion of portionsOf(record, from.getTime(), to.getTime())) {
    if (turnOf(clock).mustYield(portion.length)) await turnOf(clock).next()
    const isThere = await existing(context, record, portion)
    const absent = portion.filter((_, index) => isThere[index] !== true)
    made.existing += portion.length - absent.length
    if (overlap === 'allowAll') await start(absent)
    else append(missing, absent)
  }
  let bufferedAt: number | undefined
  if (missing.length > 0) {
    const open = await openRuns(context, record)
    const decision = overlapped(record, overlap, missing, open)
    ;({ bufferedAt } = decision)
    made.skipped = decision.skips.length
    made.isOneBuffered = bufferedAt !== undefined && bufferedAt !== record.bufferedAt
    made.cancelled = decision.cancels.length
    if (!dryRun) await Promise.all(decision.cancels.map(cancel))
    await start(decision.starts)
  }
  if (dryRun) return made
  let hasLost = false
  await updateSchedule(context, 'schedules.backfill', record.name, (now) => {
    const others = now.bufferedAt === record.bufferedAt ? undefined : now.bufferedAt
    // One that waits since the decision was made: of the two, the one that came first stays.
    const isOneTooMany = bufferedAt !== undefined && others !== undefined && others !== bufferedAt
    hasLost = isOneTooMany && overlap === 'bufferOne'
    return {
      started: now.started + made.started,
      skipped: now.skipped + made.skipped + (isOneTooMany ? 1 : 0),
      runs: [...now.runs, ...started.map((time) => runIdOf(record.name, time))].slice(-mostRuns),
      bufferedAt: hasLost ? others : (bufferedAt ?? now.bufferedAt),
      ...(bufferedAt !== undefined &&
        now.pausedAt === undefined && { dueAt: Math.min(now.dueAt ?? Infinity, clock.now() + soonMs) }),
    }
  })
  return hasLost ? { ...made, skipped: made.skipped + 1, isOneBuffered: false } : made
}

/** Its own bounds say when it starts something by itself; here the caller's count. */
function* portionsOf({ rule }: ScheduleRecord, from: number, to: number): Iterable<readonly number[]> {
  const calendar = wholeCalendarOf(rule)
  let portion: number[] = []
  for (let next = calendar.next(from - 1); next !== undefined && next <= to; next = calendar.next(next)) {
    portion.push(next)
    if (portion.length === portionSize) {
      yield portion
      portion = []
    }
  }
  if (portion.length > 0) yield portion
}

async function existing(
  { connection, clock }: DocketContext,
  { name }: ScheduleRecord,
  times: readonly number[],
): Promise<readonly boolean[]> {
  const until = clock.elapsed() + patienceMs
  const found = await Promise.all(times.map((time) => connection.gets.add(runIdOf(name, time), until)))
  return found.map((one) => one !== undefined)
}
