import { Cron } from 'croner'
import type { ScheduleRule } from '../../core/contracts/schedule-record.ts'

/** The nominal times of a schedule, in milliseconds since the epoch: the same in every process. */
export interface Calendar {
  /** The first one after a time; undefined where there is none. */
  next(after: number): number | undefined
  /** The last ones up to a time, that time included, in their order. */
  last(count: number, upTo: number): readonly number[]
}

/** What times depend on. */
export type Timing = Pick<ScheduleRule, 'cron' | 'everyMs' | 'at' | 'timeZone' | 'startAt' | 'endAt'>

/** Where clocks on the wall are read if nobody says where: else each process would go by where its machine is. */
const defaultTimeZone = 'UTC'

/** @throws Error for a pattern that is none */
export function calendarOf(timing: Timing): Calendar {
  const { startAt = -Infinity, endAt = Infinity } = timing
  const whole = wholeCalendarOf(timing)
  return {
    next(after) {
      const next = whole.next(Math.max(after, startAt - 1))
      return next === undefined || next > endAt ? undefined : next
    },
    last: (count, upTo) => whole.last(count, Math.min(upTo, endAt)).filter((time) => time >= startAt),
  }
}

/** The same, whatever its bounds are. @throws Error for a pattern that is none */
export function wholeCalendarOf({ cron, everyMs, at, timeZone = defaultTimeZone, startAt }: Timing): Calendar {
  if (cron !== undefined) return cronCalendar(cron, timeZone)
  return everyMs === undefined ? onceAt(at!) : everyCalendar(everyMs, startAt ?? 0)
}

/** In steps from an anchor: that of all processes, so that none of them has to remember it. */
function everyCalendar(everyMs: number, anchor: number): Calendar {
  const lastUpTo = (time: number): number => anchor + Math.floor((time - anchor) / everyMs) * everyMs
  return {
    next: (after) => lastUpTo(after) + everyMs,
    last: (count, upTo) => Array.from({ length: count }, (_, index) => lastUpTo(upTo) - (count - 1 - index) * everyMs),
  }
}

function onceAt(at: number): Calendar {
  return {
    next: (after) => (after < at ? at : undefined),
    last: (count, upTo) => (count > 0 && upTo >= at ? [at] : []),
  }
}

// Patterns are few, and reading one takes as long as finding its next time.
const mostPatterns = 1_000
const patterns = new Map<string, Cron>()

function cronCalendar(pattern: string, timeZone: string): Calendar {
  const key = `${timeZone} ${pattern}`
  let cron = patterns.get(key)
  if (cron === undefined) {
    if (patterns.size >= mostPatterns) patterns.clear()
    patterns.set(key, (cron = new Cron(pattern, { timezone: timeZone, paused: true })))
  }
  return {
    next: (after) => cron.nextRun(new Date(Math.max(after, earliest)))?.getTime(),
    // It goes by whole seconds, and leaves out the one that it begins with.
    last: (count, upTo) =>
      cron
        .previousRuns(count, new Date(Math.floor(upTo / 1_000) * 1_000 + 1_000))
        .map((date) => date.getTime())
        .toReversed(),
  }
}

// What a Date can be. Cron's years begin here too.
const earliest = Date.UTC(1970, 0, 1)
