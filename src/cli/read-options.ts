import { durationHint, durationMs } from '../core/duration.ts'
import { CliError, exitCodes } from './cli-error.ts'

/** A whole number of at least 1. @throws CliError */
export function readCount(text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text)
  throw new CliError(exitCodes.usage, `must be a whole number of at least 1, not "${text}"`)
}

/** A whole number. @throws CliError */
export function readInteger(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  throw new CliError(exitCodes.usage, `must be a whole number, not "${text}"`)
}

/** The index of an item. @throws CliError */
export function readIndex(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CliError(exitCodes.usage, `must be the index of an item, from 0 on, not "${text}"`)
}

/** A port; 0 means any that is free. @throws CliError */
export function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text)
  throw new CliError(exitCodes.usage, `must be a whole number from 0 to 65535, not "${text}"`)
}

/** A length of time, in milliseconds. @throws CliError */
export function readDuration(text: string): number {
  const ms = durationMs(text)
  if (ms !== undefined) return ms
  throw new CliError(exitCodes.usage, `"${text}" is not a duration; ${durationHint}`)
}

/** A time: an ISO text, or how long ago it was. @throws CliError */
export function readTime(text: string): Date {
  const ms = durationMs(text)
  const time = ms !== undefined && !/^\d{4}$/.test(text) ? new Date(Date.now() - ms) : dateOf(text)
  if (time !== undefined && !Number.isNaN(time.getTime())) return time
  throw new CliError(exitCodes.usage, `"${text}" is no time: write 2026-01-31T12:00:00Z, or 2h for two hours ago`)
}

/** A time to come: an ISO text, or how long it is until then. @throws CliError */
export function readTimeToCome(text: string): Date | number {
  const when = durationMs(text) ?? dateOf(text)
  if (when !== undefined) return when
  throw new CliError(exitCodes.usage, `"${text}" is no time: write 2026-01-31T12:00:00Z, or 2h for in two hours`)
}

/** ISO 8601 alone: what Date reads besides depends on where it is read. */
function dateOf(text: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** JSON. @throws CliError */
export function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CliError(exitCodes.usage, `${what} is no JSON: ${(error as Error).message}`)
  }
}
