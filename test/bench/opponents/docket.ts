import { createActor, toPromise } from 'xstate'
import { dataType, execute, fromGraph, step, type, untypedGraph } from '../../../src/index.ts'
import type { Shape } from '../shapes.ts'
import type { Opponent, Work } from './opponent.ts'

/** Docket's graph for a shape. */
export function docketGraph(
  { name, steps }: Shape,
  work: Work,
  options: { readonly observers?: readonly (() => void)[] } = {},
) {
  const seed = dataType('Seed', type<number>())
  const types = steps.map((_, index) => dataType(`T${index}`, type<number>()))
  const graph = untypedGraph({
    name,
    ...options,
    steps: steps.map((dependencies, index) =>
      step({
        name: `s${index}`,
        inputs:
          dependencies.length === 0
            ? { seed }
            : Object.fromEntries(dependencies.map((before) => [`v${before}`, types[before]!])),
        output: types[index]!,
        run: () => work(index),
      }),
    ),
  })
  return { graph, target: types.at(-1)! }
}

const inputs = { Seed: 1 }

export const docketExecute: Opponent = {
  name: 'Docket execute',
  prepare: (shape, work) => {
    const { graph, target } = docketGraph(shape, work)
    return () => execute(graph, target, inputs)
  },
}

export const docketActor: Opponent = {
  name: 'Docket createActor',
  prepare: (shape, work) => {
    const { graph, target } = docketGraph(shape, work)
    const logic = fromGraph(graph, target)
    return () => toPromise(createActor(logic, { input: inputs }).start())
  },
}
