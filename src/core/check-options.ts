import { didYouMean } from './closest-name.ts'
import { OptionError } from './errors.ts'
import { isRecord } from './is-record.ts'
import { shorten } from './shorten.ts'
import { readOf } from './thrown.ts'

/** What is wrong with options, or nothing. */
export type Problem = string | false | undefined

/**
 * Makes sure that options can be used: that they are an object, that all of them are known, and what else `problemsOf` finds. What it
 * is given may still be anything: it must not throw, whatever the options are.
 *
 * @throws OptionError with all problems
 */
export function checkOptions(
  call: string,
  options: unknown,
  known: readonly string[],
  problemsOf: (options: Readonly<Record<string, unknown>>) => readonly Problem[],
): void {
  if (!isRecord(options)) throw new OptionError(`${call}: options must be an object, not ${describe(options)}`)
  const problems: Problem[] = []
  reportUnknownKeys('', options, known, (problem) => problems.push(problem))
  refuse(call, [...problems, ...problemsOf(options)])
}

/** @throws OptionError with all problems, if there are any */
export function refuse(call: string, problems: readonly Problem[]): void {
  const found = problems.filter((problem) => typeof problem === 'string')
  if (found.length > 0) throw new OptionError(`${call}: ${found.join('; ')}`)
}

/** Reports keys that nothing knows, with those that are known. */
export function reportUnknownKeys(
  where: string,
  value: object,
  known: readonly string[],
  report: (message: string) => void,
  names = known,
): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      report(
        `${where === '' ? '' : `${where} has the `}unknown option "${shorten(key)}"${didYouMean(key, names)}; known are ${names.join(', ')}`.replace(
          '?;',
          '?',
        ),
      )
    }
  }
}

/** Whether the value is 1, 2, 3 … */
export function isWholeFromOne(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1
}

/** A short text for a wrong value, for messages. Never throws. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value))
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (isArray(value)) return 'an array'
  return typeof readOf(value, 'then') === 'function' ? 'a promise' : 'an object'
}

/** As `Array.isArray`, which throws for a revoked proxy. */
function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}
