import { defaultQueue } from '../contracts/queue-record.ts'
import { GraphError } from '../errors.ts'
import type { GraphProblem } from '../errors.ts'
import { createGraph } from '../graph/create-graph.ts'
import type { Drawing, DrawnNode } from '../graph/drawing.ts'
import { indexOf } from '../graph/graph-index.ts'
import type { AnyGraph } from '../graph/graph-index.ts'
import { isSubgraph } from '../graph/nested-graph.ts'
import type { AnyDataType } from '../language/data-type.ts'
import type { AnyStep } from '../language/step.ts'
import { shorten } from '../shorten.ts'
import { checkDrawing, policiesOf, resultsName } from './check-drawing.ts'
import type { KnownSteps, ReportProblem } from './check-drawing.ts'
import { orderOfNodes } from './node-order.ts'
import { resultType, stepsOfNode } from './node-step.ts'

/**
 * Makes the graph of a drawing, which may come from anywhere: a node becomes a step that makes a data type of its own, and one more step makes the record of all
 * results. Reports all problems at once, after those that were found before.
 * @throws GraphError
 */
export function graphOfDrawing(drawing: unknown, steps: KnownSteps, found: readonly GraphProblem[] = []): AnyGraph {
  const problems = [...found]
  const report: ReportProblem = (kind, message, step) => void problems.push({ kind, message, step })
  const name = nameOf(drawing)
  if (!checkDrawing(drawing, steps, report) || problems.length > 0) throw new GraphError(name, problems)
  const { part, ...whole } = drawing
  const { nodes, timeout, defaults, priority = 0, queue = defaultQueue } = whole
  const order = orderOfNodes(nodes, (node) => node.priority ?? priority)
  if (order.cycle !== undefined) {
    report('cycle', `the nodes form a cycle: ${order.cycle.join(' → ')}; one of these must do without the other`)
    throw new GraphError(name, problems)
  }
  const made = new Map(nodes.map((node) => [node.name, steps.of(node.step)!.output]))
  const placed = order.nodes.flatMap((node) => {
    const reads = new Map((node.dependsOn ?? []).map((one) => [one, made.get(one)!]))
    return stepsOfNode({ node, step: steps.of(node.step)!, reads, startAt: startOf(node, drawing), queue })
  })
  const declaration = {
    name,
    steps: [...placed, resultsStep(nodes, order.nodes, made)],
    ...(timeout !== undefined && { timeout }),
    ...(defaults !== undefined && { defaults: policiesOf(defaults) }),
  }
  const drawnWith = new Map(nodes.map(({ step }) => [step, steps.of(step)!]))
  const graph = createGraph(declaration, { drawing: whole, drawnWith })
  return part === undefined ? graph : graphOfPart(graph, part)
}

/** The graph of a node that has a queue of its own. @throws GraphError */
function graphOfPart(graph: AnyGraph, part: string): AnyGraph {
  const step = indexOf(graph)?.specs.find(({ name }) => name === part)?.step
  if (step !== undefined && isSubgraph(step)) return step.graph
  const message = `the workflow has no node "${shorten(part)}" that runs in a queue of its own`
  throw new GraphError(graph.name, [{ kind: 'bad-declaration', message, step: part }])
}

function nameOf(drawing: unknown): string {
  const name: unknown = typeof drawing === 'object' && drawing !== null ? Reflect.get(drawing, 'name') : undefined
  return typeof name === 'string' && name !== '' ? name : '?'
}

/** The workflow's time is that of its first nodes, but for those that have one of their own. */
function startOf(node: DrawnNode, { startAt }: Drawing): number | undefined {
  return node.startAt ?? ((node.dependsOn ?? []).length === 0 ? startAt : undefined)
}

/** Makes the record of all results, in the order in which nodes were added. What it takes first, the plan puts first. */
function resultsStep(
  nodes: readonly DrawnNode[],
  ordered: readonly DrawnNode[],
  made: ReadonlyMap<string, AnyDataType>,
): AnyStep {
  const names = nodes.map(({ name }) => name)
  return Object.freeze({
    kind: 'step',
    name: resultsName,
    // Names that look like numbers would come first.
    inputs: Object.freeze(
      Object.fromEntries(ordered.map(({ name }) => [portOf(name), resultType(name, made.get(name)!)])),
    ),
    output: [...made.values()].some(({ isSensitive }) => isSensitive === true) ? sensitiveResultsType : resultsType,
    run: (given: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(names.map((name) => [name, given[portOf(name)]])),
    drawn: resultsName,
  }) as unknown as AnyStep
}

const portOf = (name: string): string => `results.${name}`

/** The data type of the record of all results. */
export const resultsType: AnyDataType = Object.freeze({
  kind: 'dataType',
  name: resultsName,
  schema: undefined,
  version: undefined,
})

/** The same where a result is sensitive: so is the record that it is in. */
const sensitiveResultsType: AnyDataType = Object.freeze({ ...resultsType, isSensitive: true })
