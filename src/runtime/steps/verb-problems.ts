import { isName } from '../../core/check-name.ts'
import { checkOptions, describe } from '../../core/check-options.ts'
import type { Problem } from '../../core/check-options.ts'
import type { OptionError } from '../../core/errors.ts'
import { isRecord } from '../../core/is-record.ts'
import { isEventType } from '../../core/language/event-type.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import { checkRetry, checkTimeout } from '../../core/graph/check-step.ts'
import { onParentEnds } from './child-ends.ts'

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

/** What is wrong with what is to become of a child. */
export function onParentEndProblems({ onParentEnd }: Readonly<Record<string, unknown>>): readonly Problem[] {
  return [
    onParentEnd !== undefined &&
      !(onParentEnds as readonly unknown[]).includes(onParentEnd) &&
      `onParentEnd must be ${onParentEnds.map((one) => `'${one}'`).join(', ')}, not ${describe(onParentEnd)}`,
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

/** What is said of a name that is used again while others are open. */
export function repeatedProblem(kind: string, name: unknown, key: string | undefined): string {
  const what = `ctx.${kind} ${describe(name)}`
  const why = 'so that a run after this one could take one for the other'
  if (key !== undefined)
    return `${what} with the key ${describe(key)} is called again while other calls are open, ${why}; give each call a key of its own`
  return `${what} is called again while other calls are open, ${why}; give it a key, ctx.${kind}(…, { key }), or put what runs at the same time into branches, ctx.branch(name, …)`
}

/** What is said of a verb that the function of a `ctx.step` calls. */
export function nestedProblem(kind: string): string {
  return `ctx.${kind} is called within the function of a ctx.step, which is not called again once it has ended: a run after this one would miss it; call it before or after the ctx.step`
}

/** What is wrong with the inputs of `ctx.continueAsNew`. */
export function anewProblem({ ports }: Pick<StepSpec, 'ports'>, inputs: unknown): string | undefined {
  const what = 'ctx.continueAsNew'
  if (!isRecord(inputs)) return `${what} takes the inputs of the function, not ${describe(inputs)}`
  const names = ports.map(({ name }) => name)
  const unknown = Object.keys(inputs).filter((name) => !names.includes(name))
  if (unknown.length > 0)
    return `${what}: the function has no input ${unknown.map((name) => `"${name}"`).join(', ')}; its inputs are: ${names.join(', ') || 'none'}`
  const missing = ports.filter(({ name, kind }) => kind !== 'optional' && inputs[name] === undefined)
  if (missing.length > 0)
    return `${what}: ${missing.map(({ name }) => `"${name}"`).join(', ')} of the inputs is missing`
  return undefined
}
