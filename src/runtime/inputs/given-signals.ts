import { didYouMean } from '../../core/closest-name.ts'
import type { InputError, InputIssue } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { checkValue } from './check-value.ts'
import type { CheckedValue } from './check-value.ts'
import { inputErrorOf } from './given-inputs.ts'
import { readRecord } from './input-record.ts'

/** Values that come with the start for what steps wait for, by type, as they were given. */
export type StartSignals = Readonly<Record<string, unknown>>

const none: StartSignals = Object.freeze({})

/** What a call gives as `signals`, if it is for steps that the plan has. @throws InputError that names every unknown key */
export function givenSignals(plan: Plan, given: unknown): StartSignals {
  if (given === undefined) return none
  const read = readRecord(given)
  if (read.problem !== undefined)
    throw inputErrorOf(plan, [
      { message: `signals must be ${read.problem}`, path: read.key === undefined ? [] : [read.key] },
    ])
  const waited = plan.signalSteps.map(({ spec }) => spec.output.name)
  const issues: InputIssue[] = []
  const signals: [string, unknown][] = []
  for (const [key, value] of read.values) {
    if (waited.includes(key)) signals.push([key, value])
    else {
      const hint = didYouMean(key, waited) || `; it takes: ${waited.join(', ') || 'nothing'}`
      issues.push({
        message: `unknown signal: no step that "${plan.target.name}" needs waits for it${hint}`,
        path: [key],
      })
    }
  }
  if (issues.length > 0) throw inputErrorOf(plan, issues)
  return Object.fromEntries(signals)
}

/** What is wrong with the values, if something is; at once where the schemas are synchronous. */
export function problemOfSignals(
  plan: Plan,
  signals: StartSignals,
  place?: ErrorPlace,
): InputError | undefined | Promise<InputError | undefined> {
  const types = new Map(plan.signalSteps.map(({ spec }) => [spec.output.name, spec.output]))
  const checks = Object.entries(signals).map(([type, value]) => checkValue(types.get(type)!, value))
  const problemOf = (checked: readonly CheckedValue[]): InputError | undefined => {
    const issues = checked.flatMap((one) => one.issues ?? [])
    const thrown = checked.find((one) => one.issues !== undefined && one.thrown !== undefined)
    return issues.length === 0
      ? undefined
      : inputErrorOf(plan, issues, place, thrown?.issues === undefined ? undefined : thrown.thrown)
  }
  return checks.some((one) => one instanceof Promise)
    ? Promise.all(checks).then(problemOf)
    : problemOf(checks as readonly CheckedValue[])
}
