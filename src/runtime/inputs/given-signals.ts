import { didYouMean } from '../../core/closest-name.ts'
import type { InputError, InputIssue } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { checkValue } from './check-value.ts'
import type { CheckedValue } from './check-value.ts'
import { inputErrorOf } from './given-inputs.ts'
import { readRecord } from './input-record.ts'
import { isPromise } from '../../core/own-promise.ts'

/** Values that come with the start for what steps wait for, by type, as they were given: of what a step receives, arrays of them. */
export type StartSignals = Readonly<Record<string, unknown>>

const none: StartSignals = Object.freeze({})

/** The data types of which a plan's steps take any number of values. */
export function receivedTypes({ receivers }: Pick<Plan, 'receivers'>): readonly AnyDataType[] {
  return receivers.flatMap(({ spec }) => spec.receives)
}

/** What a call gives as `signals`, if it is for steps that the plan has; `mayBeMade`: by functions of a batch's items. @throws InputError that names every unknown key */
export function givenSignals(plan: Plan, given: unknown, mayBeMade = false): StartSignals {
  if (given === undefined) return none
  const read = readRecord(given)
  if (read.problem !== undefined)
    throw inputErrorOf(plan, [
      { message: `signals must be ${read.problem}`, path: read.key === undefined ? [] : [read.key] },
    ])
  const received = new Set(receivedTypes(plan).map(({ name }) => name))
  const waited = [...plan.signalSteps.map(({ spec }) => spec.output.name), ...received]
  const issues: InputIssue[] = []
  const signals: [string, unknown][] = []
  for (const [key, value] of read.values) {
    if (received.has(key) && !Array.isArray(value) && !(mayBeMade && typeof value === 'function'))
      issues.push({ message: `a step receives any number of these: give an array of values`, path: [key] })
    else if (waited.includes(key)) signals.push([key, value])
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
  const several = new Map(receivedTypes(plan).map((type) => [type.name, type]))
  const checks = Object.entries(signals).flatMap(([name, value]) => {
    const type = several.get(name)
    return type === undefined
      ? [checkValue(types.get(name)!, value)]
      : (value as readonly unknown[]).map((one) => checkValue(type, one))
  })
  const problemOf = (checked: readonly CheckedValue[]): InputError | undefined => {
    const issues = checked.flatMap((one) => one.issues ?? [])
    const thrown = checked.find((one) => one.issues !== undefined && one.thrown !== undefined)
    return issues.length === 0
      ? undefined
      : inputErrorOf(plan, issues, place, thrown?.issues === undefined ? undefined : thrown.thrown)
  }
  return checks.some((one) => isPromise(one))
    ? Promise.all(checks).then(problemOf)
    : problemOf(checks as readonly CheckedValue[])
}
