import { describe } from '../../core/check-options.ts'
import type { Problem } from '../../core/check-options.ts'
import { formerNamesOf } from '../../core/graph/former-names.ts'
import { isRecord } from '../../core/is-record.ts'
import type { AnyStep } from '../../core/language/step.ts'

/** What is wrong with a docket's `steps`; what is wrong within one is reported where a graph is made of it. */
export function problemsOfSteps(steps: unknown, hasApp: boolean): readonly Problem[] {
  if (steps === undefined) return []
  if (!Array.isArray(steps)) return [`steps must be an array of steps, not ${describe(steps)}`]
  const problems: string[] = []
  const owners = new Map<string, AnyStep>()
  for (const [index, step] of (steps as readonly unknown[]).entries()) {
    if (!isStep(step)) {
      problems.push(`steps[${index}] must be made by step({ name, inputs, output, run }), not ${describe(step)}`)
      continue
    }
    if (step.kind !== 'step')
      problems.push(
        `steps[${index}], "${step.name}", is a ${step.kind}; drawn graphs are made of functions, which step() declares`,
      )
    for (const name of [step.name, ...formerNamesOf(step)]) {
      const owner = owners.get(name)
      if (owner !== undefined && owner !== step)
        problems.push(
          owner.name === step.name
            ? `two steps are named "${name}"; drawings know steps by their names, so give each one of its own`
            : `steps "${owner.name}" and "${step.name}" are, or were, both named "${name}"; nothing would distinguish them in drawings`,
        )
      owners.set(name, step)
    }
    if (step.needsApp === true && !hasApp)
      problems.push(
        `step "${step.name}" reads ctx.app, and no app is given; give one in the options of createDocket: { app }`,
      )
  }
  return problems
}

function isStep(value: unknown): value is AnyStep {
  return (
    isRecord(value) && typeof value['name'] === 'string' && value['name'] !== '' && typeof value['kind'] === 'string'
  )
}
