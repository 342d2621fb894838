import { drawnArgsOf, isWorkflow } from '../../core/graph/any-workflow.ts'
import type { AnyWorkflow } from '../../core/graph/any-workflow.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { planOf } from '../../core/graph/plan.ts'
import { isPlainRecord, isRecord } from '../../core/is-record.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'

const none: ReadonlyMap<string, unknown> = new Map()

/** Of a workflow, the arguments that its nodes were added with, as far as a target needs them, by the names of their types. @throws GraphError for an unknown target */
export function drawnArgsFor(graph: AnyGraph, target: AnyDataType): ReadonlyMap<string, unknown> {
  const args = typeof graph === 'object' && graph !== null ? drawnArgsOf(graph) : undefined
  if (args === undefined) return none
  const needed = planOf(graph, target).leaves.map(({ type }) => type.name)
  return new Map(needed.filter((name) => Object.hasOwn(args, name)).map((name) => [name, args[name]]))
}

/**
 * Arguments take the places of those inputs that are not given. What is no record stays as it is, for the one that reports it.
 */
export function filledWith(args: ReadonlyMap<string, unknown>, inputs: unknown): unknown {
  if (args.size === 0) return inputs
  try {
    if (!isPlainRecord(inputs)) return inputs
    return { ...inputs, ...Object.fromEntries([...args].filter(([name]) => inputs[name] === undefined)) }
  } catch {
    // A getter or a proxy: whoever reads it again reports what it threw.
    return inputs
  }
}

/** Both: the inputs of a call, and for a workflow the arguments that stand in it. @throws GraphError for an unknown target */
export function withDrawnArgs(graph: AnyGraph, target: AnyDataType, inputs: unknown): unknown {
  return filledWith(drawnArgsFor(graph, target), inputs)
}

/** Whether a workflow is called without target and inputs: in the place of the target its options stand, or nothing. */
export function standsAlone(graph: AnyGraph, second: unknown): graph is AnyWorkflow {
  return !(isRecord(second) && second['kind'] === 'dataType') && isWorkflow(graph)
}

/** A call's target, inputs and options; of a workflow that stands alone, its results are meant, made of the arguments that stand in it. */
export function wholeCall<Options>(
  graph: AnyGraph,
  [second, inputs, options]: readonly unknown[],
): readonly [target: AnyDataType, inputs: unknown, options: Options | undefined] {
  return inputs === undefined && standsAlone(graph, second)
    ? [graph.results, {}, second as Options | undefined]
    : [second as AnyDataType, inputs, options as Options | undefined]
}
