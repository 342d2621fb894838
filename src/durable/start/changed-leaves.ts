import { InputError } from '../../core/errors.ts'
import type { InputIssue } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { checkValue, issuesText } from '../../runtime/inputs/check-value.ts'
import { namedLeaves } from '../../runtime/inputs/given-inputs.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'

/** Leaf values that are checked, with what an interceptor has changed of them, which is checked now. @throws InputError */
export async function changedLeaves(
  given: GivenInputs,
  changed: Readonly<Record<string, unknown>>,
  place: ErrorPlace,
): Promise<GivenInputs> {
  const { plan } = given
  const before = namedLeaves(given)
  const issues: InputIssue[] = []
  const leafValues = await Promise.all(
    plan.leaves.map(async ({ type, isRequired }) => {
      const { name } = type
      const value = changed[name]
      const isGiven = Object.hasOwn(changed, name)
      if (isRequired && !isGiven) issues.push({ message: 'is missing', path: [name] })
      if (value === before[name] || (value === undefined && !(isRequired && isGiven))) return value
      const checked = await checkValue(type, value)
      if (checked.issues === undefined) return checked.value
      for (const { message, path } of checked.issues) issues.push({ message, path: [name, ...path] })
      return undefined
    }),
  )
  for (const key of Object.keys(changed))
    if (!plan.leaves.some(({ type }) => type.name === key))
      issues.push({ message: `"${plan.target.name}" does not take it`, path: [key] })
  if (issues.length === 0) return { plan, leafValues }
  const message = `an interceptor changed inputs of graph "${plan.index.graph.name}", which don't fit: ${issuesText(issues)}`
  throw new InputError('INPUT_INVALID', message, issues, place)
}
