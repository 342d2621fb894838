import { isName } from '../../core/check-name.ts'
import { checkOptions, describe } from '../../core/check-options.ts'
import type { Problem } from '../../core/check-options.ts'
import type { OptionError } from '../../core/errors.ts'
import { isEventType } from '../../core/language/event-type.ts'
import { checkRetry, checkTimeout } from '../../core/graph/check-step.ts'

/** What is wrong with a call of `ctx.step`. */
export function callProblems(what: string, name: unknown, run: unknown, options: unknown): OptionError | undefined {
  return problemOf(what, options, ['key', 'retry', 'timeout'], ({ retry, timeout }) => {
    const problems: string[] = []
    const report = (problem: string): void => void problems.push(problem)
    if (!isName(name)) report('the name is a non-empty string')
    if (typeof run !== 'function') report(`what is called must be a function, not ${describe(run)}`)
    if (retry !== undefined) checkRetry('options', retry, report)
    if (timeout !== undefined) checkTimeout('timeout', timeout, report)
    return problems
  })
}

/** What is wrong with a call. */
export function problemOf(
  what: string,
  options: unknown,
  known: readonly string[],
  problemsOf: (options: Readonly<Record<string, unknown>>) => readonly Problem[],
): OptionError | undefined {
  try {
    checkOptions(what, options, known, (read) => [...problemsOf(read), keyProblem(read['key'])])
    return undefined
  } catch (error) {
    return error as OptionError
  }
}

/** What is said of a data type that a step does not name. */
export function unknownType(does: string, name: unknown, known: readonly string[]): string {
  return `the step ${does}s no ${typeof name === 'string' ? `"${name}"` : describe(name)}; it ${does}s: ${known.join(', ') || 'nothing'}`
}

/** What is wrong with an event and its key. */
export function eventProblems(type: unknown, key: unknown): readonly Problem[] {
  return [
    !isEventType(type) && `it takes an event type, as eventType() makes it, not ${describe(type)}`,
    !isName(key) && `the key of an event is a non-empty string, not ${describe(key)}`,
  ]
}

/** What is wrong with a key. */
export function keyProblem(key: unknown): string | undefined {
  return key === undefined || isName(key) ? undefined : `key must be a non-empty string, not ${describe(key)}`
}

/** What a function throws; undefined where it does not. */
export function caught(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (thrown) {
    return thrown
  }
}
