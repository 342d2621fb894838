import { describe } from '../../core/check-options.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import { synchronous } from './retry-decision.ts'

/** Whether a step runs, or what its condition threw. Never throws. */
export function decideWhen({ when, name }: StepSpec, inputs: unknown): boolean | { readonly thrown: unknown } {
  try {
    const answer = synchronous(when!(inputs), 'when')
    if (typeof answer === 'boolean') return answer
    throw new TypeError(`when of step "${name}" returned ${describe(answer)}, which is neither true nor false`)
  } catch (thrown) {
    return { thrown }
  }
}
