import { append } from '../../core/append.ts'
import { didYouMean } from '../../core/closest-name.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { InputError } from '../../core/errors.ts'
import type { InputIssue } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { planOf, requireIndex } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { checkValue, issuesText } from './check-value.ts'
import { withDrawnArgs } from './drawn-args.ts'
import type { CheckedValue } from './check-value.ts'
import { isPlainRecord } from '../../core/is-record.ts'
import { readRecord } from './input-record.ts'
import { isPromise } from '../../core/own-promise.ts'

/** A plan for what was given, and the given values, one per leaf of the plan; undefined for an optional one left out. */
export interface GivenInputs {
  readonly plan: Plan
  readonly leafValues: readonly unknown[]
}

/**
 * Matches the caller's inputs with what the target needs. `overrides` are values for types that steps make: they take those steps, and
 * what only these need, out of the plan.
 * @throws InputError that names every missing and every unknown key
 * @throws GraphError for an unknown target
 */
export function givenInputs(graph: AnyGraph, target: AnyDataType, given: unknown, overrides?: unknown): GivenInputs {
  const plain = planOf(graph, target)
  const inputs = plain.index.drawing === undefined ? given : withDrawnArgs(graph, target, given)
  if (overrides === undefined) {
    const exact = leafValuesOf(plain, inputs)
    if (exact !== undefined) return { plan: plain, leafValues: exact }
  }
  const issues: InputIssue[] = []
  const overriding = readOverrides(plain, overrides, issues)
  const plan = overriding.size === 0 ? plain : planOf(graph, target, new Set(overriding.keys()))
  const takes = (key: string): boolean => isLeafOf(plain, key)
  const matched = matchInputs({
    plan,
    inputs,
    overriding,
    takes,
    refusalOf: (key) => unknownKeyText(plain, key),
    issues,
  })
  if (matched instanceof InputError) throw matched
  return matched
}

/**
 * As `givenInputs`, for what an execution was given before, in one record with the names of the overrides. An override whose step is gone
 * is an input now; an input that a step makes now is refused.
 * @throws InputError where the graph has changed and they don't fit any more
 */
export function recordedInputs(
  graph: AnyGraph,
  target: AnyDataType,
  stored: Readonly<Record<string, unknown>>,
  overridden: readonly string[],
): GivenInputs {
  const { producers } = requireIndex(graph)
  const made = overridden.filter((name) => producers.has(name))
  return made.length === 0 ? givenInputs(graph, target, stored) : givenInputs(graph, target, ...split(stored, made))
}

/** A record without the named values, and these alone. */
export function split(
  record: Readonly<Record<string, unknown>>,
  names: readonly string[],
): readonly [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>] {
  const entries = Object.entries(record)
  return [
    Object.fromEntries(entries.filter(([name]) => !names.includes(name))),
    Object.fromEntries(entries.filter(([name]) => names.includes(name))),
  ]
}

/** Leaf values by type name: inputs and overrides. */
export function namedLeaves({ plan, leafValues }: GivenInputs): Readonly<Record<string, unknown>> {
  const entries = plan.leaves.map(({ type, isRequired }, i) => [type.name, leafValues[i], isRequired] as const)
  return Object.fromEntries(entries.filter(([, value, isRequired]) => value !== undefined || isRequired))
}

/** The values of a plan's leaves, if what is given is exactly that. */
export function leafValuesOf(plan: Plan, given: unknown): readonly unknown[] | undefined {
  try {
    if (!isPlainRecord(given)) return undefined
    const { leaves } = plan
    const values = new Array<unknown>(leaves.length)
    let givenCount = 0
    for (let i = 0; i < leaves.length; i++) {
      const leaf = leaves[i]!
      const isGiven = Object.hasOwn(given, leaf.type.name)
      const value = isGiven ? given[leaf.type.name] : undefined
      if (value !== undefined) givenCount++
      else if (leaf.isRequired && !isGiven) return undefined
      values[i] = value
    }
    for (const key in given) if (given[key] !== undefined && givenCount-- === 0) return undefined
    return givenCount === 0 ? values : undefined
  } catch {
    // A getter or a proxy: whoever reads it again reports what it threw.
    return undefined
  }
}

/** Whether the plan takes a value of this name from outside, from the start. */
export function isLeafOf(plan: Plan, key: string): boolean {
  const slot = plan.slots.get(key)
  return slot !== undefined && plan.producers[slot] === -1 && plan.isLeaf[slot]!
}

/** Whether the plan needs a value of this name from outside: then undefined is a value like any, and its type says whether it fits. */
export function isRequiredOf({ leaves }: Plan, key: string): boolean {
  return leaves.some(({ type, isRequired }) => isRequired && type.name === key)
}

const noOverrides: ReadonlyMap<string, unknown> = new Map()

/** Values for types that steps make, by name; what is wrong with them is added to the issues. */
export function readOverrides(plain: Plan, overrides: unknown, issues: InputIssue[]): ReadonlyMap<string, unknown> {
  if (overrides === undefined) return noOverrides
  const read = readRecord(overrides)
  if (read.problem !== undefined) {
    issues.push({ message: `overrides must be ${read.problem}`, path: read.key === undefined ? [] : [read.key] })
    return noOverrides
  }
  const { index, slots, target } = plain
  const taken = new Map<string, unknown>()
  for (const [key, value] of read.values) {
    if (index.producers.has(key) && slots.has(key)) {
      taken.set(key, value)
      continue
    }
    const made = [...slots.keys()].filter((name) => index.producers.has(name))
    const message = isLeafOf(plain, key)
      ? 'unknown override: no step makes it; give it in the inputs'
      : `unknown override: ${index.types.has(key) ? `${target.name} does not need it` : 'no such type in the graph'}${didYouMean(key, made) || `; it takes: ${listOf(made)}`}`
    issues.push({ message, path: [key] })
  }
  return taken
}

/** What `matchInputs` compares. */
export interface Matching {
  readonly plan: Plan
  readonly inputs: unknown
  /** Values of leaves that take the place of steps. @default none */
  readonly overriding?: ReadonlyMap<string, unknown>
  readonly takes: (key: string) => boolean
  /** Why a key is not taken. */
  readonly refusalOf: (key: string) => string
  readonly place?: ErrorPlace
  /** Found wrong before. @default none */
  readonly issues?: readonly InputIssue[]
  /** What the record is called. @default 'inputs' */
  readonly what?: string
}

/** Matches what is given with a plan; the error names every missing and every unknown key. */
export function matchInputs(matching: Matching): GivenInputs | InputError {
  const { plan, inputs, overriding = noOverrides, takes, refusalOf, place, what = 'inputs' } = matching
  const issues = [...(matching.issues ?? [])]
  const read = readRecord(inputs, `, like ${exampleOf(plan.leaves)}`, (key) => isRequiredOf(plan, key))
  if (read.problem !== undefined) {
    const path = read.key === undefined ? [] : [read.key]
    const message = `${what} must be ${read.problem}`
    return inputErrorOf(plan, [...issues, { message, path }], place, read.thrown)
  }
  append(issues, refusalsOf(read.values.keys(), takes, refusalOf))
  const given = (name: string): unknown => (overriding.has(name) ? overriding : read.values).get(name)
  const open = plan.leaves.filter(({ type }) => !overriding.has(type.name))
  append(issues, missingInputs(plan.target, open, read.values))
  if (issues.length > 0) return inputErrorOf(plan, issues, place)
  return { plan, leafValues: plan.leaves.map(({ type }) => given(type.name)) }
}

/** Keys that are not taken, and why. Of very many, the first ones: a caller must not be able to fill the logs. */
export function refusalsOf(
  keys: Iterable<string>,
  takes: (key: string) => boolean,
  refusalOf: (key: string) => string,
): readonly InputIssue[] {
  const refused = [...keys].filter((key) => !takes(key))
  const issues = refused.slice(0, maxRefusals).map((key) => ({ message: refusalOf(key), path: [key] }))
  const more = refused.length - issues.length
  return more === 0 ? issues : [...issues, { message: `${more} more keys are not taken either`, path: [] }]
}

const maxRefusals = 100

/** Required inputs that are not given. */
export function missingInputs(
  target: AnyDataType,
  leaves: Plan['leaves'],
  given: ReadonlyMap<string, unknown>,
): readonly InputIssue[] {
  return leaves
    .filter(({ isRequired, type }) => isRequired && !given.has(type.name))
    .map(({ type }) => ({ message: `missing: "${target.name}" needs it and no step produces it`, path: [type.name] }))
}

/** What an input record looks like. */
export function exampleOf(leaves: Plan['leaves']): string {
  return leaves.length === 0 ? '{}' : `{ ${leaves.map((leaf) => leaf.type.name).join(', ')} }`
}

/** Why a key is not an input of the plan. */
export function unknownKeyText(plan: Plan, key: string): string {
  const producer = plan.index.producers.get(key)
  if (producer !== undefined && plan.slots.has(key))
    return `step "${producer.name}" makes it, and inputs are what no step makes; to run with another value, give it in the options: { overrides: { ${keyText(key)}: … } }`
  const leaves = plan.leaves.map((leaf) => leaf.type.name)
  const hint = didYouMean(key, leaves) || `; it takes: ${listOf(leaves)}`
  const known = plan.index.types.has(key) ? `${plan.target.name} does not need it` : 'no such type in the graph'
  return `unknown input: ${known}${hint}`
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ')
}

function keyText(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)
}

/** The error that says what is wrong with given inputs. */
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

/** Checks leaf values against their schemas and puts them into `values`; the error has all issues. At once where the schemas are synchronous. */
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
    if (isPromise(checked)) (late ??= []).push(checked.then((outcome) => settle(slot, outcome)))
    else settle(slot, checked)
  }
  const errorOf = (): InputError | undefined =>
    issues === undefined ? undefined : inputErrorOf(plan, issues, placeOf(), thrown)
  return late === undefined ? errorOf() : Promise.all(late).then(errorOf)
}

/** Puts leaf values that are checked already into `values`. */
export function putLeaves({ leaves }: Plan, leafValues: readonly unknown[], values: unknown[]): void {
  for (let i = 0; i < leaves.length; i++) values[leaves[i]!.slot] = leafValues[i]
}
