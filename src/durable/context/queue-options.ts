import { isName } from '../../core/check-name.ts'
import { describe, reportUnknownKeys } from '../../core/check-options.ts'
import type { QueueLimits } from '../../core/contracts/queue-record.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { isDate } from '../../core/is-builtin.ts'
import { isPlainRecord, isRecord } from '../../core/is-record.ts'

/** What limits a queue in all processes. */
export interface QueueSettings {
  /**
   * How many of its executions may run at the same time, in all processes together: counted from those that living processes own. One that only
   * waits, or retries, counts no more. With `key: true`, so many of each key. @default any number
   */
  readonly concurrency?: number | { readonly limit: number; readonly key?: boolean | undefined } | undefined
  /**
   * How many of its executions may begin within `per`, evenly; `burst` is how many may begin at the same moment, after a time in which none has (1 by
   * default). @default as fast as there are slots
   */
  readonly rate?: { readonly limit: number; readonly per: Duration; readonly burst?: number | undefined } | undefined
}

/** What a process declares of a queue. */
export interface QueueDeclaration extends QueueSettings {
  /** Of two processes that declare different things the higher version holds; of equal ones, what was declared last. @default 0 */
  readonly version?: number | undefined
}

/** Processes declare different things of a queue. */
export interface QueueReport {
  /** The queue's name. */
  readonly queue: string
  /** What was declared, what holds, and by whom: for people. */
  readonly message: string
  /** The limits that hold now. */
  readonly holds: QueueSettings
}

/** Where an execution stands among others. */
export interface PlaceOptions {
  /** The queue that it waits in, and that a process has to serve. @default 'default'; of a child, its parent's */
  readonly queue?: string | undefined
  /** Higher ones of its queue and key begin first: a whole number. @default 0; of a child, its parent's */
  readonly priority?: number | undefined
  /** It does not begin before this time. @default at once */
  readonly startAt?: Date | undefined
  /** Whether this process may run it at once, if it serves the queue, has a free slot and nothing that is ready stands ahead. @default true */
  readonly eager?: boolean | undefined
}

/** The same, with the key that it is in turn with. */
export interface KeyedPlaceOptions extends PlaceOptions {
  /** Executions of a queue with different keys begin in turn. @default none; of a child, its parent's */
  readonly key?: string | undefined
}

export const placeOptionNames: readonly string[] = ['queue', 'priority', 'startAt', 'eager']

/** The limits that settings say. */
export function limitsOfSettings({ concurrency, rate }: QueueSettings): QueueLimits {
  return {
    ...(concurrency !== undefined && {
      concurrency:
        typeof concurrency === 'number'
          ? { limit: concurrency, isPerKey: false }
          : { limit: concurrency.limit, isPerKey: concurrency.key === true },
    }),
    ...(rate !== undefined && {
      rate: { limit: rate.limit, perMs: durationMs(rate.per)!, burst: rate.burst ?? 1 },
    }),
  }
}

/** Settings as people write them, of limits. */
export function settingsOfLimits({ concurrency, rate }: QueueLimits): QueueSettings {
  return {
    ...(concurrency !== undefined && { concurrency: { limit: concurrency.limit, key: concurrency.isPerKey } }),
    ...(rate !== undefined && { rate: { limit: rate.limit, per: rate.perMs, burst: rate.burst } }),
  }
}

type Report = (problem: string) => void

/** Problems of `work`. */
export function reportWork(work: unknown, report: Report): void {
  if (work === undefined || work === false) return
  if (!isPlainRecord(work))
    return report(`work must be slots by queue, like { default: 100 }, or false, not ${describe(work)}`)
  if (Object.keys(work).length === 0)
    report(
      'work is empty: name queues with their slots, like { default: 100 }, or give false for a process that runs nothing',
    )
  for (const [queue, slots] of Object.entries(work))
    if (slots !== undefined && !isCount(slots))
      report(`work: slots of queue "${queue}" must be a whole number of at least 1, not ${describe(slots)}`)
}

/** Problems of `queues`. */
export function reportQueues(queues: unknown, report: Report): void {
  if (queues === undefined) return
  if (!isPlainRecord(queues))
    return report(`queues must be settings by queue, like { gpu: { concurrency: 2 } }, not ${describe(queues)}`)
  for (const [queue, settings] of Object.entries(queues)) {
    const where = `queues: ${JSON.stringify(queue)}`
    if (!isRecord(settings)) report(`${where} must be settings, like { concurrency: 2 }, not ${describe(settings)}`)
    else {
      reportUnknownKeys(where, settings, ['concurrency', 'rate', 'version'], report)
      const { version } = settings
      if (version !== undefined && !Number.isSafeInteger(version))
        report(`${where}: version must be a whole number, not ${describe(version)}`)
      reportSettings(where, settings, report)
    }
  }
}

/** Problems of limits. */
export function reportSettings(
  where: string,
  { concurrency, rate }: Readonly<Record<string, unknown>>,
  report: Report,
): void {
  if (concurrency !== undefined && !isCount(concurrency)) {
    if (!isRecord(concurrency))
      report(
        `${where}: concurrency must be a whole number of at least 1, or { limit, key }, not ${describe(concurrency)}`,
      )
    else {
      reportUnknownKeys(`${where}: concurrency`, concurrency, ['limit', 'key'], report)
      const { limit, key } = concurrency
      if (!isCount(limit))
        report(`${where}: concurrency.limit must be a whole number of at least 1, not ${describe(limit)}`)
      if (key !== undefined && typeof key !== 'boolean')
        report(`${where}: concurrency.key must be true or false, not ${describe(key)}`)
    }
  }
  if (rate === undefined) return
  if (!isRecord(rate)) return report(`${where}: rate must be { limit, per, burst }, not ${describe(rate)}`)
  reportUnknownKeys(`${where}: rate`, rate, ['limit', 'per', 'burst'], report)
  const { limit, per, burst } = rate
  if (!isCount(limit)) report(`${where}: rate.limit must be a whole number of at least 1, not ${describe(limit)}`)
  if (!(durationMs(per as Duration)! >= 1))
    report(`${where}: rate.per ${describe(per)} is not a duration; ${durationHint}`)
  if (burst !== undefined && !isCount(burst))
    report(`${where}: rate.burst must be a whole number of at least 1, not ${describe(burst)}`)
}

/** Problems of where an execution is to stand. */
export function problemsOfPlace(options: object, keyName: 'key' | 'queueKey' = 'key'): readonly string[] {
  const problems: string[] = []
  const { queue, priority, startAt, eager, [keyName]: key } = options as Readonly<Record<string, unknown>>
  if (queue !== undefined && !isName(queue)) problems.push(`queue must be a non-empty string, not ${describe(queue)}`)
  if (priority !== undefined && !Number.isSafeInteger(priority))
    problems.push(`priority must be a whole number, not ${describe(priority)}`)
  if (key !== undefined && !isName(key)) problems.push(`${keyName} must be a non-empty string, not ${describe(key)}`)
  if (startAt !== undefined && !(isDate(startAt) && Number.isFinite(startAt.getTime())))
    problems.push(`startAt must be a valid Date, not ${describe(startAt)}`)
  if (eager !== undefined && typeof eager !== 'boolean')
    problems.push(`eager must be true or false, not ${describe(eager)}`)
  return problems
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}
