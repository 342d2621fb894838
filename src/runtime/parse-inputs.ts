import { append } from '../core/append.ts'
import { checkOptions, describe, refuse } from '../core/check-options.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import type { InputIssue } from '../core/errors.ts'
import type { ParseInputs } from '../core/graph/calls.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { planOf } from '../core/graph/plan.ts'
import type { Plan } from '../core/graph/plan.ts'
import { isRecord } from '../core/is-record.ts'
import { describeThrown } from '../core/thrown.ts'
import { checkValue, issuesText } from './inputs/check-value.ts'
import { drawnArgsFor } from './inputs/drawn-args.ts'
import {
  exampleOf,
  inputErrorOf,
  isLeafOf,
  isRequiredOf,
  missingInputs,
  readOverrides,
  refusalsOf,
  unknownKeyText,
} from './inputs/given-inputs.ts'
import { readRecord } from './inputs/input-record.ts'
import { prototypeKeysOf } from './inputs/prototype-keys.ts'

/** What the call that takes the inputs is given besides. */
interface ParseOptions {
  /** Of a batch, the leaf inputs that are given once for all items: an item then leaves them out. @default {} */
  readonly shared?: unknown
  /** Values for types that steps make: what only these steps need may be left out. @default {} */
  readonly overrides?: unknown
}

const maxPrototypeKeys = 10

/**
 * The way in for inputs of unknown provenance, like the body of a request: makes sure that something is an input record of the target, and
 * gives it with its type, for `execute` and all calls that take inputs. Values are given as their schemas take them, not as these convert
 * them: the call that takes them does that.
 *
 * @param given what is to be checked: a plain object keyed by type names, as `JSON.parse` makes it
 * @param options `shared` and `overrides` as the call has them, where it has any: what they give is left out of the inputs. Inputs that the
 * overrides make unneeded may be there, since the sender may not know of them: they are left out of what is given, and are not checked
 * @throws (as rejection) InputError with all that is wrong: keys that no input has, types that steps make, inputs that are missing, what
 * the schemas find, and `__proto__` as a key of any object; OptionError where an input has no schema that could check it, and for options
 * that the call would refuse; GraphError for an unknown target
 */
export const parseInputs = (async (
  graph: AnyGraph,
  target: AnyDataType,
  given: unknown,
  options: ParseOptions = {},
): Promise<Readonly<Record<string, unknown>>> => {
  const plain = planOf(graph, target)
  const { shared, overridden } = givenBesides(plain, options)
  const plan = overridden.size === 0 ? plain : planOf(graph, target, overridden)
  const leaves = plan.leaves.filter(({ type }) => !overridden.has(type.name) && !shared.has(type.name))
  refuse(
    'parseInputs',
    leaves.map(({ type }) => uncheckedText(type)),
  )
  const read = readRecord(given, `, like ${exampleOf(leaves)}`, (key) => isRequiredOf(plan, key))
  if (read.problem !== undefined) {
    const issue = { message: `inputs must be ${read.problem}`, path: read.key === undefined ? [] : [read.key] }
    throw inputErrorOf(plain, [issue], undefined, read.thrown)
  }
  const { values } = read
  const drawn = drawnArgsFor(graph, target)
  const issues: InputIssue[] = [
    ...refusalsOf(
      values.keys(),
      (key) => isLeafOf(plain, key) && !shared.has(key),
      (key) =>
        shared.has(key) ? 'is given in shared already; leave it out of the inputs' : unknownKeyText(plain, key),
    ),
    ...missingInputs(
      plan.target,
      leaves.filter(({ type }) => !drawn.has(type.name)),
      values,
    ),
  ]
  const taken = leaves
    .filter(({ type }) => values.has(type.name))
    .map(({ type }) => [type, values.get(type.name)] as const)
  const found = await Promise.all(taken.map(async ([type, value]) => issuesIn(type, value)))
  const all = [...issues, ...found.flatMap((one) => one.issues)]
  if (all.length > 0)
    throw inputErrorOf(plain, all, undefined, found.find(({ thrown }) => thrown !== undefined)?.thrown)
  return Object.fromEntries(taken.map(([{ name }, value]) => [name, value]))
}) as unknown as ParseInputs

/** What is wrong with one value. */
async function issuesIn(
  type: AnyDataType,
  value: unknown,
): Promise<{ readonly issues: readonly InputIssue[]; readonly thrown: unknown }> {
  let paths: readonly (readonly (string | number)[])[]
  try {
    paths = prototypeKeysOf(type.name, value, maxPrototypeKeys)
  } catch (thrown) {
    const message = type.isSensitive === true ? "can't be read" : `can't be read: ${describeThrown(thrown)}`
    return { issues: [{ message, path: [type.name] }], thrown }
  }
  const message = 'is no key that a value from outside may have: it sets the prototype of what the value is copied to'
  // Keys within a sensitive value are a part of it.
  const shown = type.isSensitive === true && paths.length > 0 ? [[type.name]] : paths
  const tricky = shown.map((path) => ({ message, path }))
  const { issues = [], thrown } = await checkValue(type, value)
  return { issues: [...tricky, ...issues], thrown }
}

/** Names of what the call gives besides its inputs. @throws OptionError: these come from the caller's own code */
function givenBesides(
  plain: Plan,
  options: ParseOptions,
): { readonly shared: ReadonlySet<string>; readonly overridden: ReadonlySet<string> } {
  const { shared = {}, overrides } = options
  checkOptions('parseInputs', options, ['shared', 'overrides'], () => [
    !isRecord(shared) && `shared must be an object keyed by type names, not ${describe(shared)}`,
  ])
  const issues: InputIssue[] = []
  const overridden = new Set(readOverrides(plain, overrides, issues).keys())
  const read = readRecord(shared, '', (key) => isRequiredOf(plain, key))
  const names = read.problem === undefined ? [...read.values.keys()] : []
  if (read.problem !== undefined) issues.push({ message: `shared must be ${read.problem}`, path: [] })
  append(
    issues,
    refusalsOf(
      names,
      (key) => isLeafOf(plain, key),
      (key) => unknownKeyText(plain, key),
    ),
  )
  refuse('parseInputs', [issues.length > 0 && issuesText(issues)])
  return { shared: new Set(names), overridden }
}

/** Why values of a type can't be checked. */
function uncheckedText({ name, schema }: AnyDataType): string | undefined {
  if (schema === undefined)
    return `nothing checks "${name}", which is declared with type<T>(); give dataType a schema for what comes from outside`
  if ('descriptor' in schema)
    return `of the protobuf message "${name}", only its name is checked; read it with fromJson or fromBinary instead`
  return undefined
}
