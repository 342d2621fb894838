import { z } from 'zod'
import { dataType, graph, signal, step, subgraph, untypedGraph } from '../../src/index.ts'
import type { AnyGraph } from '../../src/index.ts'
import type { AnyDataType } from '../../src/core/language/data-type.ts'

const Approval = dataType('Approval', z.string())
const Leaf = dataType('Leaf', z.string())
const Middle = dataType('Middle', z.number())
export const Top = dataType('Top', z.number())

/** A graph that needs `count` children of another one, each under a type of its own. */
function over(name: string, child: AnyGraph, made: AnyDataType, output: AnyDataType, count: number): AnyGraph {
  const types = Array.from({ length: count }, (_, index) => dataType(`${name}${index}`, z.unknown()))
  const children = types.map((type) =>
    subgraph(child as never, made as never, { name: type.name, output: type as never } as never),
  )
  const inputs = Object.fromEntries(types.map((type, index) => [`port${index}`, type]))
  const counting = step({
    name: `${name}Count`,
    inputs,
    output: output as never,
    run: (all) => Object.keys(all).length as never,
  })
  return untypedGraph({ name, steps: [...children, counting] as never })
}

/** Three levels: one parent of ten (or `parents`), each with a hundred children, which wait for an approval where they are to. */
export function family(calls: string[], waits: boolean, parents = 10) {
  const lowest = graph({
    name: 'lowest',
    steps: waits
      ? [signal(Approval), step({ name: 'Leaf', inputs: { by: Approval }, output: Leaf, run: ({ by }) => by })]
      : [step({ name: 'Leaf', output: Leaf, run: (_, { executionId }) => (calls.push(executionId), executionId) })],
  } as never) as AnyGraph
  const middle = over('Mid', lowest, Leaf as never, Middle as never, 100)
  return over('Top', middle, Middle as never, Top as never, parents)
}
