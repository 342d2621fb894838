import { didYouMean } from '../../core/closest-name.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { InputError } from '../../core/errors.ts'
import type { ErrorPlace, InputIssue } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { planOf } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { checkValue, issuesText } from './check-value.ts'
import type { CheckedValue } from './check-value.ts'

/** A plan for what was given, and the given values, one per leaf of the plan; undefined for an optional one left out. */
export interface GivenInputs {
  readonly plan: Plan
  readonly leafValues: readonly unknown[]
}

/**
 * Matches the caller's inputs with what the target needs. A value for a type that a step produces overrides the step.
 * @throws InputError telling every missing and every unknown key
 * @throws GraphError for an unknown target
 */
export function givenInputs(graph: AnyGraph, target: AnyDataType, inputs: unknown): GivenInputs {
  const plan = planOf(graph, target)
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) {
    throw inputErrorOf(plan, [
      { message: `inputs must be an object keyed by type names, like ${exampleOf(plan)}`, path: [] },
    ])
  }
  const record = inputs as Readonly<Record<string, unknown>>
  const exact = leafValuesOf(plan, record)
  if (exact !== undefined) return { plan, leafValues: exact }
  const matched = matchInputs(plan, record, (overrides) => planOf(graph, target, overrides), unknownKeyText)
  if (matched instanceof InputError) throw matched
  return matched
}

/** The values of a plan's leaves, if what is given is exactly that. */
export function leafValuesOf(plan: Plan, record: Readonly<Record<string, unknown>>): readonly unknown[] | undefined {
  const { leaves } = plan
  const values = new Array<unknown>(leaves.length)
  let givenCount = 0
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i]!
    const value = Object.hasOwn(record, leaf.type.name) ? record[leaf.type.name] : undefined
    if (value !== undefined) givenCount++
    else if (leaf.isRequired) return undefined
    values[i] = value
  }
  for (const key in record) if (record[key] !== undefined && givenCount-- === 0) return undefined
  return givenCount === 0 ? values : undefined
}

/** Matches what is given with a plan and its overrides, telling every missing and every unknown key. */
export function matchInputs(
  plain: Plan,
  record: Readonly<Record<string, unknown>>,
  planWith: (overrides: ReadonlySet<string>) => Plan,
  refusalOf: (plan: Plan, key: string) => string,
  place: ErrorPlace = { graph: plain.index.graph.name },
): GivenInputs | InputError {
  const issues: InputIssue[] = []
  const overrides = new Set<string>()
  for (const key of Object.keys(record)) {
    if (record[key] === undefined) continue
    const slot = plain.slots.get(key)
    if (slot === undefined || (plain.producers[slot] === -1 && !plain.isLeaf[slot]!))
      issues.push({ message: refusalOf(plain, key), path: [key] })
    else if (plain.producers[slot] !== -1) overrides.add(key)
  }
  const plan = overrides.size === 0 ? plain : planWith(overrides)
  const given = (name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined)
  for (const { isRequired, type } of plan.leaves) {
    if (isRequired && given(type.name) === undefined)
      issues.push({ message: `missing: "${plan.target.name}" needs it and no step produces it`, path: [type.name] })
  }
  if (issues.length > 0) return inputErrorOf(plan, issues, place)
  return { plan, leafValues: plan.leaves.map(({ type }) => given(type.name)) }
}

/** What an input record looks like. */
export function exampleOf(plan: Plan): string {
  return plan.leaves.length === 0 ? '{}' : `{ ${plan.leaves.map((leaf) => leaf.type.name).join(', ')} }`
}

/** Why a key is not an input of the plan. */
export function unknownKeyText(plan: Plan, key: string): string {
  const leaves = plan.leaves.map((leaf) => leaf.type.name).join(', ')
  const hint = didYouMean(key, plan.slots.keys()) || `; it takes: ${leaves === '' ? 'nothing' : leaves}`
  const known = plan.index.types.has(key) ? `${plan.target.name} does not need it` : 'no such type in the graph'
  return `unknown input: ${known}${hint}`
}

/** The error that tells what is wrong with given inputs. */
export function inputErrorOf(
  plan: Plan,
  issues: readonly InputIssue[],
  place: ErrorPlace = { graph: plan.index.graph.name },
  thrown?: unknown,
): InputError {
  return new InputError(
    'INPUT_INVALID',
    `inputs ${place.item === undefined ? '' : `of item ${place.item} `}for "${plan.target.name}" of graph "${plan.index.graph.name}": ${issuesText(issues)}`,
    issues,
    place,
    thrown === undefined ? undefined : { cause: thrown },
  )
}

/** Checks leaf values against their schemas and puts them into `values`; the error tells all issues. At once where the schemas are synchronous. */
export function checkLeaves(
  plan: Plan,
  leafValues: readonly unknown[],
  values: unknown[],
  placeOf: () => ErrorPlace,
): InputError | undefined | Promise<InputError | undefined> {
  const { leaves } = plan
  let late: Promise<void>[] | undefined
  let issues: InputIssue[] | undefined
  let thrown: unknown
  const settle = (slot: number, checked: CheckedValue): void => {
    if (checked.issues === undefined) {
      values[slot] = checked.value
      return
    }
    issues = [...(issues ?? []), ...checked.issues]
    thrown ??= checked.thrown
  }
  for (let i = 0; i < leaves.length; i++) {
    const { type, slot, isRequired } = leaves[i]!
    const value = leafValues[i]
    if (type.schema === undefined || (value === undefined && !isRequired)) {
      values[slot] = value
      continue
    }
    const checked = checkValue(type, value)
    if (checked instanceof Promise) (late ??= []).push(checked.then((outcome) => settle(slot, outcome)))
    else settle(slot, checked)
  }
  const errorOf = (): InputError | undefined =>
    issues === undefined ? undefined : inputErrorOf(plan, issues, placeOf(), thrown)
  return late === undefined ? errorOf() : Promise.all(late).then(errorOf)
}

/** Puts leaf values that are checked already into `values`. */
export function putLeaves(plan: Plan, leafValues: readonly unknown[], values: unknown[]): undefined {
  for (const [i, { slot }] of plan.leaves.entries()) values[slot] = leafValues[i]
}
