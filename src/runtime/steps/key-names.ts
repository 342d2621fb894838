import type { GraphIndex, StepSpec } from '../../core/graph/graph-index.ts'

/** The names that keys of attempts are made of, where an execution began when they were other ones. */
export interface KeyNames {
  readonly graph: string
  /** By present names; the others are what they are called first. */
  readonly steps: ReadonlyMap<string, string>
}

/** Steps, and the names that are known of them. */
export interface KeyedSteps {
  readonly plan: { readonly index: Pick<GraphIndex, 'former' | 'specs'> }
  readonly keyNames?: KeyNames | undefined
}

/**
 * What a step was called first: keys of its attempts, ids of its children and what its verbs came to stand under that, whatever it is called by now. A step that has
 * got a name which another one had before is another step: neither finds what is of the other.
 */
export function keyNameOf({ plan, keyNames }: KeyedSteps, { name, firstName }: NamedStep): string {
  const known = keyNames?.steps.get(name)
  if (known !== undefined) return known
  const others = [...(keyNames?.steps ?? [])].filter(([, first]) => first === firstName).map(([other]) => other)
  return plan.index.specs.some((spec) => others.includes(spec.name)) ? `$${firstName}` : firstName
}

type NamedStep = Pick<StepSpec, 'name' | 'firstName'>

/** The same by the name that the step has now. */
export function keyNameOfStep(steps: KeyedSteps, name: string): string {
  const { former, specs } = steps.plan.index
  if (former === undefined && steps.keyNames === undefined) return name
  return keyNameOf(steps, specs.find((spec) => spec.name === name) ?? { name, firstName: name })
}
