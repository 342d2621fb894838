import { describe } from '../check-options.ts'
import type { GraphProblem } from '../errors.ts'
import { isRecord } from '../is-record.ts'
import type { AnyStep } from '../language/step.ts'
import { describeThrown } from '../thrown.ts'
import { checkStep, typeOfPort } from './check-step.ts'

type Report = (kind: GraphProblem['kind'], message: string, step?: string) => void

// A function that makes a step for each type, of another type each time, would never come to an end.
const mostSteps = 10_000

/** The steps, and those that `otherwise` makes for types that none of them produces, and for what these need in turn. */
export function withOtherwise(
  otherwise: unknown,
  steps: readonly AnyStep[],
  inputs: unknown,
  report: Report,
): readonly AnyStep[] {
  if (otherwise === undefined) return steps
  if (typeof otherwise !== 'function') {
    report('bad-option', `otherwise must be a function of a type's name, not ${describe(otherwise)}`)
    return steps
  }
  const leaves = Array.isArray(inputs) ? inputs.map((type: unknown) => (isRecord(type) ? type['name'] : undefined)) : []
  const settled = new Set<unknown>([...leaves, ...steps.map(({ output }) => output.name)])
  const names = new Set(steps.map(({ name }) => name))
  const all = [...steps]
  // The list grows while it is gone through.
  for (const { inputs: ports } of all)
    for (const port of Object.values(ports)) {
      const { name } = typeOfPort(port)
      if (settled.has(name)) continue
      settled.add(name)
      if (all.length >= steps.length + mostSteps) {
        report(
          'bad-option',
          `otherwise has made ${mostSteps} steps, and there is no end of it; let it give undefined for leaves`,
        )
        return all
      }
      const made = madeFor(otherwise as (name: string) => unknown, name, all.length, report)
      if (made === undefined) continue
      if (names.size === names.add(made.name).size)
        report(
          'duplicate-step',
          `otherwise("${name}") gives step "${made.name}", and there is one of that name; names are part of keys and must differ`,
          made.name,
        )
      else all.push(made)
    }
  return all
}

function madeFor(
  otherwise: (name: string) => unknown,
  name: string,
  index: number,
  report: Report,
): AnyStep | undefined {
  let made: unknown
  try {
    made = otherwise(name)
  } catch (error) {
    report('bad-option', `otherwise("${name}") threw: ${describeThrown(error)}`)
    return undefined
  }
  // A leaf, as without it.
  if (made === undefined || !checkStep(made, index, report)) return undefined
  if (made.output.name === name) return made
  report('bad-option', `otherwise("${name}") gives step "${made.name}", which makes "${made.output.name}"`, made.name)
  return undefined
}
