import { describe, reportUnknownKeys } from '../core/graph/check-step.ts'
import { isRecord } from '../core/is-record.ts'
import { OptionError } from '../core/errors.ts'

/** A text for what is wrong, or false. */
type Check = string | false

/**
 * Makes sure that an observer's options can be used.
 *
 * @throws OptionError telling all problems
 */
export function checkObserverOptions<Options extends object>(
  call: string,
  options: Options,
  known: readonly (keyof Options & string)[],
  checks: (options: Options) => readonly Check[],
): void {
  if (!isRecord(options)) throw new OptionError(`${call}: options must be an object, not ${describe(options)}`)
  const problems = checks(options).filter((problem) => problem !== false)
  reportUnknownKeys('', options, known, (problem) => problems.push(problem))
  if (problems.length > 0) throw new OptionError(`${call}: ${problems.join('; ')}`)
}
