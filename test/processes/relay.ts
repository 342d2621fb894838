import { dataType, graph, step, type } from '../../src/index.ts'
import type { PersistPolicy, PersistScope, StepContext } from '../../src/index.ts'

const Seed = dataType('Seed', type<number>())
export const First = dataType('First', type<number>())
export const Second = dataType('Second', type<number>())

type Run = (value: number, context: StepContext) => number | Promise<number>

/** Seed → First → Second, each one more than the one before; `runs` tells what ran of which execution. */
export function relay(
  options: { readonly first?: Run; readonly second?: Run; readonly scope?: PersistScope | PersistPolicy } = {},
) {
  const runs: string[] = []
  const { first = (value) => value + 1, second = (value) => value + 1, scope = 'execution' } = options
  const told =
    (run: Run) =>
    ({ value }: { readonly value: number }, context: StepContext): number | Promise<number> => {
      runs.push(`${context.executionId} ${context.stepName}`)
      return run(value, context)
    }
  const made = graph({
    name: 'relay',
    steps: [
      step({ name: 'First', inputs: { value: Seed }, output: First, persist: scope, run: told(first) }),
      step({ name: 'Second', inputs: { value: First }, output: Second, persist: 'execution', run: told(second) }),
    ],
  })
  return { relay: made, runs }
}

/** What a step does that waits until its process is gone. */
export function untilAborted(_: number, { signal }: StepContext): Promise<number> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}
