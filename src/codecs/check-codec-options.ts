import { reportUnknownKeys } from '../core/graph/check-step.ts'
import { OptionError } from '../core/errors.ts'
import { isRecord } from '../core/is-record.ts'

/**
 * Makes sure that a codec's options can be used. A check is a text for what is wrong, or false.
 *
 * @throws OptionError telling all problems
 */
export function checkCodecOptions<Options extends object>(
  call: string,
  options: Options,
  known: readonly (keyof Options & string)[],
  checks: (options: Options) => readonly (string | false)[],
): void {
  if (!isRecord(options)) throw new OptionError(`${call}: options must be an object`)
  const problems = checks(options).filter((problem) => problem !== false)
  reportUnknownKeys('', options, known, (problem) => problems.push(problem))
  if (problems.length > 0) throw new OptionError(`${call}: ${problems.join('; ')}`)
}

/** A short text for what was given, for messages. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
}
