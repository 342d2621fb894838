import { didYouMean } from '../../core/closest-name.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { InputIssue } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { planOf, requireIndex } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { checkValue } from '../../runtime/inputs/check-value.ts'
import { inputErrorOf, isLeafOf, recordedInputs } from '../../runtime/inputs/given-inputs.ts'
import { readRecord } from '../../runtime/inputs/input-record.ts'
import { requestDigestOf } from '../../runtime/results/execution-memory.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { encodedDocument, readInputs, storedInputsOf } from '../records/stored-inputs.ts'

/** What a fork is given in the place of what its original had. */
export interface ForkInputs {
  /** The original's record, with the fork's inputs and digest. */
  readonly record: ExecutionRecord
  readonly plan: Plan
  /** Steps that are made of something which the fork has another value for. */
  readonly anew: ReadonlySet<string>
}

/**
 * The inputs of a fork that has other values for some types: for leaf inputs, and for types that steps make, which takes those out of its plan. The
 * record keeps its identity as the original's until it is copied.
 * @throws InputError with all issues; SerializationError
 */
export async function forkInputs(
  { connection: { encoding } }: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph,
  overrides: unknown,
): Promise<ForkInputs> {
  const { types, producers } = requireIndex(graph)
  const target = types.get(record.target)!
  const { $given, $checked, $overrides, $signals } = await readInputs(record, encoding)
  const plain = planOf(graph, target)
  const read = readRecord(overrides)
  if (read.problem !== undefined)
    throw inputErrorOf(plain, [
      { message: `overrides must be ${read.problem}`, path: read.key === undefined ? [] : [read.key] },
    ])
  const given = Object.fromEntries(read.values)
  const names = Object.keys(given)
  const made = names.filter((name) => producers.has(name))
  const overridden = [...new Set([...$overrides.filter((name) => producers.has(name)), ...made])]
  const issues: InputIssue[] = names.flatMap((name) => refusalOf(plain, name))
  if (issues.length > 0) throw inputErrorOf(plain, issues)
  const { plan, leafValues } = recordedInputs(graph, target, { ...$given, ...given }, overridden)
  const needless = names.filter((name) => !plan.leaves.some(({ type }) => type.name === name))
  if (needless.length > 0)
    throw inputErrorOf(
      plan,
      needless.map((name) => ({
        message: 'is needed no more, by what else is overridden: leave it out',
        path: [name],
      })),
    )
  const checked = await Promise.all(
    plan.leaves.map(async ({ type }) => {
      if (!Object.hasOwn(given, type.name)) return $checked[type.name]
      const found = await checkValue(type, given[type.name])
      if (found.issues === undefined) return found.value
      for (const issue of found.issues) issues.push(issue)
      return undefined
    }),
  )
  if (issues.length > 0) throw inputErrorOf(plan, issues)
  const document = storedInputsOf(plan, leafValues, checked, $signals)
  return {
    record: {
      ...record,
      requestDigest: encoding.resultKey(requestDigestOf(plan, leafValues)),
      inputs: await encodedDocument(encoding, document, record.id, plan),
    },
    plan,
    anew: takersOfTypes(plan, names),
  }
}

/** Why there can be no other value of this type. */
function refusalOf(plain: Plan, name: string): readonly InputIssue[] {
  const { index, slots, target } = plain
  if (name === target.name) return [{ message: 'is what the execution is to make', path: [name] }]
  if ((index.producers.has(name) && slots.has(name)) || isLeafOf(plain, name)) return []
  const why = index.types.has(name) ? `${target.name} does not need it` : 'no such type in the graph'
  return [{ message: `unknown override: ${why}${didYouMean(name, slots.keys())}`, path: [name] }]
}

/** The steps that take any of these types, and all that need what those make: in a plan, steps stand after those that they need. */
function takersOfTypes({ slots, steps }: Plan, types: readonly string[]): ReadonlySet<string> {
  const changed = new Set(types.map((type) => slots.get(type)!))
  const found = new Set<string>()
  for (const { spec, portSlots, outputSlot } of steps) {
    if (!portSlots.some((slot) => changed.has(slot))) continue
    found.add(spec.name)
    changed.add(outputSlot)
  }
  return found
}
