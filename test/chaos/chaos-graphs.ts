import { dataType, step, type, untypedGraph } from '../../src/index.ts'
import type { TypedDataType } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import type { PersistScope } from '../../src/core/language/policy.ts'
import type { StepContext } from '../../src/core/language/step.ts'

/** What steps make: a number that can be computed beforehand, and a tag that tells one run of a step from every other. */
export interface Mark {
  readonly n: number
  readonly tag: string
  /** The tags that went in, by type. */
  readonly from: Readonly<Record<string, string>>
}

/** A step of a chaos graph; its output type is called as itself. */
export interface ChaosStep {
  readonly name: string
  /** Types that go in: steps or leaves. */
  readonly from: readonly string[]
  readonly scope?: PersistScope
  /** Whether its first attempts fail, up to two of them. */
  readonly isFlaky?: true
}

/** A graph whose target is its last step. */
export interface ChaosShape {
  readonly name: string
  readonly leaves: readonly string[]
  readonly steps: readonly ChaosStep[]
}

function chain(name: string, scopes: readonly (PersistScope | undefined)[]): ChaosShape {
  const steps = scopes.map((scope, index): ChaosStep => {
    const from = [index === 0 ? 'Seed' : `${name}${index}`]
    return { name: `${name}${index + 1}`, from, ...(scope === undefined ? {} : { scope }) }
  })
  return { name, leaves: ['Seed'], steps }
}

const kept = { scope: 'execution' } as const
const shared = { scope: 'global' } as const

export const shapes: readonly ChaosShape[] = [
  chain('Chain', ['execution', undefined, 'execution', undefined, undefined, 'execution', 'execution', 'execution']),
  chain(
    'Long',
    Array.from({ length: 20 }, () => 'execution' as const),
  ),
  {
    name: 'Diamond',
    leaves: ['Seed'],
    steps: [
      { name: 'Left', from: ['Seed'], ...kept },
      { name: 'Middle', from: ['Seed'] },
      { name: 'Right', from: ['Seed'], ...kept },
      { name: 'Lower', from: ['Left', 'Middle'], ...kept },
      { name: 'Upper', from: ['Middle', 'Right'] },
      { name: 'Joint', from: ['Lower', 'Upper', 'Left'], ...kept },
      { name: 'Tip', from: ['Joint', 'Upper'] },
    ],
  },
  {
    name: 'Retries',
    leaves: ['Seed'],
    steps: [
      { name: 'Flaky', from: ['Seed'], ...kept, isFlaky: true },
      { name: 'Loose', from: ['Flaky'], isFlaky: true },
      { name: 'Steady', from: ['Loose'], ...kept },
      { name: 'Shaky', from: ['Steady', 'Loose'], ...kept, isFlaky: true },
    ],
  },
  {
    name: 'Shared',
    leaves: ['Seed', 'Region'],
    steps: [
      { name: 'Rate', from: ['Region'], ...shared },
      { name: 'Price', from: ['Seed', 'Rate'], ...kept },
      { name: 'Tax', from: ['Rate', 'Region'], ...shared, isFlaky: true },
      { name: 'Sum', from: ['Price', 'Tax'] },
      { name: 'Bill', from: ['Sum'], ...kept },
    ],
  },
]

const mostFailures = 2

/** How many attempts of a flaky step fail before one succeeds. */
export function failuresOf(step: ChaosStep, n: number): number {
  return step.isFlaky === true ? n % (mostFailures + 1) : 0
}

/** The number that a step makes of the numbers of its inputs. */
export function numberOf({ name, from }: ChaosStep, valueOf: (type: string) => number): number {
  let hash = 2_166_136_261
  for (const part of [name, ...from.map((type) => `${type}=${valueOf(type)}`)])
    for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), 16_777_619) >>> 0
  return hash % 1_000_000_000
}

/** All numbers that a graph makes of its leaves. */
export function numbersOf(shape: ChaosShape, leaves: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const numbers = new Map(Object.entries(leaves))
  for (const one of shape.steps)
    numbers.set(
      one.name,
      numberOf(one, (type) => numbers.get(type)!),
    )
  return numbers
}

/** The inputs of an execution, from its leaves' numbers. */
export function inputsOf(leaves: Readonly<Record<string, number>>): Record<string, Mark> {
  return Object.fromEntries(Object.entries(leaves).map(([name, n]) => [name, { n, tag: `${name}-${n}`, from: {} }]))
}

/** What a step does when it is called. */
export type RunStep = (
  step: ChaosStep,
  inputs: Readonly<Record<string, Mark>>,
  context: StepContext,
) => Promise<Mark> | Mark

/** A graph that can run, and its target. */
export interface ChaosGraph {
  readonly shape: ChaosShape
  readonly graph: AnyGraph
  readonly target: TypedDataType
}

/** The graphs, by name, with what their steps do. */
export function chaosGraphs(run: RunStep, of: readonly ChaosShape[] = shapes): ReadonlyMap<string, ChaosGraph> {
  return new Map(of.map((shape) => [shape.name, chaosGraph(shape, run)]))
}

function chaosGraph(shape: ChaosShape, run: RunStep): ChaosGraph {
  const types = new Map(
    [...shape.leaves, ...shape.steps.map(({ name }) => name)].map((name) => [name, dataType(name, type<Mark>())]),
  )
  const steps = shape.steps.map((one) =>
    step({
      name: one.name,
      inputs: Object.fromEntries(one.from.map((name) => [name, types.get(name)!])),
      output: types.get(one.name)!,
      persist: one.scope,
      // Deaths count as attempts too: more than there will ever be.
      retry: one.isFlaky === true ? { maxAttempts: 1_000, backoff: '30ms' } : undefined,
      run: (inputs, context) => run(one, inputs as Readonly<Record<string, Mark>>, context),
    }),
  )
  const target = types.get(shape.steps.at(-1)!.name)!
  return { shape, graph: untypedGraph({ name: shape.name, steps }), target }
}
