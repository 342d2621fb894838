import { graph, step } from '../../src/index.ts'
import type { PersistPolicy, PersistScope, RetryPolicy, StepContext } from '../../src/index.ts'
import { number } from '../loose-api.ts'

export const Seed = number('Seed')
export const First = number('First')
export const Second = number('Second')
export const Third = number('Third')

/** What may be said of a step of the line. */
export interface Link {
  readonly run?: (value: number, context: StepContext) => number | Promise<number>
  readonly persist?: PersistScope | PersistPolicy | undefined
  readonly retry?: RetryPolicy | undefined
  readonly timeout?: string | number | undefined
}

/** What a line is made of. */
export interface LineOptions {
  readonly first?: Link
  readonly second?: Link
  readonly third?: Link
  readonly timeout?: string | number | undefined
  readonly persist?: PersistScope | undefined
  readonly name?: string
}

/** A graph, "line" unless named otherwise: Seed → First → Second → Third, each one more than the one before unless told otherwise; `runs` tells what ran. */
export function line({
  first = {},
  second = {},
  third = {},
  timeout,
  persist = 'execution',
  name = 'line',
}: LineOptions = {}) {
  const runs: string[] = []
  const runOf =
    (name: string, { run = (value) => value + 1 }: Link) =>
    ({ value }: { readonly value: number }, context: StepContext): number | Promise<number> => {
      runs.push(name)
      return run(value, context)
    }
  const policyOf = ({ retry, timeout: limit, ...link }: Link) => ({
    retry,
    timeout: limit,
    persist: 'persist' in link ? link.persist : persist,
  })
  const steps = [
    step({ name: 'First', inputs: { value: Seed }, output: First, ...policyOf(first), run: runOf('First', first) }),
    step({
      name: 'Second',
      inputs: { value: First },
      output: Second,
      ...policyOf(second),
      run: runOf('Second', second),
    }),
    step({ name: 'Third', inputs: { value: Second }, output: Third, ...policyOf(third), run: runOf('Third', third) }),
  ] as const
  return { runs, line: graph({ name, steps, timeout }) }
}

/** A door that a step waits at. */
export function door<Value = number>(): PromiseWithResolvers<Value> {
  return Promise.withResolvers<Value>()
}
