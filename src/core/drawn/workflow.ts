import { describe, reportUnknownKeys } from '../check-options.ts'
import type { GraphProblem } from '../errors.ts'
import { keepArgs } from '../graph/any-workflow.ts'
import { argsTypeName } from '../graph/drawing.ts'
import { indexOf, keepIndexLater } from '../graph/graph-index.ts'
import type { AnyGraph, GraphIndex } from '../graph/graph-index.ts'
import { isRecord } from '../is-record.ts'
import type { AnyDataType } from '../language/data-type.ts'
import type { AnyStep } from '../language/step.ts'
import { canonicalize } from '../values/keys.ts'
import { nodeOptions, workflowOptions } from './check-drawing.ts'
import { graphOfDrawing, resultsType } from './drawn-graph.ts'
import { drawnOptions } from './drawn-options.ts'
import type { UntypedWorkflow, Workflow, WorkflowOptions } from './workflow-types.ts'

/** A node as it was added. */
interface AddedNode {
  readonly name: unknown
  readonly step: unknown
  readonly args: unknown
  readonly options: unknown
}

/**
 * Begins a graph that is drawn by name: nodes are added one after the other, each with its step, its arguments, and the names of those that it waits for. It is a graph
 * like any other, for every call that takes one, with `results` as its target; its drawing is stored with its executions, and a process that knows the steps
 * (`createDocket({ steps })`) goes on with them. Each `add` gives a new workflow, and leaves the old one as it is.
 *
 * Inert: what is wrong is reported, all of it at once, when it is first used.
 *
 * @example
 * const signup = workflow('user_signup')
 *   .add('create_user', createUser, { email: 'ada@example.com' })
 *   .add('send_email', sendEmail, {}, { dependsOn: ['create_user'] })
 * const { send_email } = await execute(signup)
 */
export function workflow<const Name extends string>(name: Name, options?: WorkflowOptions): Workflow<Name> {
  return new DrawnWorkflow(name, options, []) as never
}

/** As `workflow`, for names that are known only when it is drawn: checked at run time alone. */
export function untypedWorkflow(name: string, options?: WorkflowOptions): UntypedWorkflow {
  return new DrawnWorkflow(name, options, []) as never
}

class DrawnWorkflow implements AnyGraph {
  readonly kind = 'graph'
  readonly name: string
  readonly results = resultsType
  readonly inputs = undefined
  readonly observers = []
  readonly formerly = []
  readonly queries = {}
  readonly #options: unknown
  readonly #nodes: readonly AddedNode[]

  constructor(name: string, options: unknown, nodes: readonly AddedNode[]) {
    this.name = name
    this.#options = options
    this.#nodes = nodes
    keepArgs(
      this,
      Object.fromEntries(nodes.map((node) => [argsTypeName(String(node.name)), node.args ?? Object.freeze({})])),
    )
    keepIndexLater(this, () => indexOfNodes(this.name, this.#options, this.#nodes))
    Object.freeze(this)
  }

  add(name: unknown, step: unknown, args: unknown, options?: unknown): DrawnWorkflow {
    return new DrawnWorkflow(this.name, this.#options, [...this.#nodes, { name, step, args, options }])
  }

  result(node: string): AnyDataType | undefined {
    return this.#graph.types().find(({ name }) => name === node)
  }

  get steps(): readonly AnyStep[] {
    return this.#graph.steps
  }

  get timeout(): AnyGraph['timeout'] {
    return this.#graph.timeout
  }

  get defaults(): AnyGraph['defaults'] {
    return this.#graph.defaults
  }

  leaves(target?: AnyDataType): readonly AnyDataType[] {
    return this.#graph.leaves(target)
  }

  types(): readonly AnyDataType[] {
    return this.#graph.types()
  }

  get #graph(): AnyGraph {
    return indexOf(this)!.graph
  }
}

/** Compiled graphs, by drawings and steps: workflows that differ in arguments alone share one, and its plans. */
const compiled = new Map<string, AnyGraph>()
const maxCompiled = 1_000
/** Steps of one name may be several. */
const numbers = new WeakMap<object, number>()
let lastNumber = 0

/** @throws GraphError */
function indexOfNodes(name: unknown, options: unknown, nodes: readonly AddedNode[]): GraphIndex {
  const problems: GraphProblem[] = []
  const steps = stepsOfNodes(nodes, problems)
  const drawing = drawingOf(name, options, nodes, problems)
  const key = problems.length === 0 ? keyOf(drawing, steps) : undefined
  const known = key === undefined ? undefined : compiled.get(key)
  if (known !== undefined) return indexOf(known)!
  const graph = graphOfDrawing(drawing, { names: steps.keys(), of: (step) => steps.get(step) as AnyStep }, problems)
  if (compiled.size >= maxCompiled) compiled.clear()
  if (key !== undefined) compiled.set(key, graph)
  return indexOf(graph)!
}

function keyOf(drawing: unknown, steps: ReadonlyMap<string, unknown>): string | undefined {
  const ids = [...steps.values()].map((step) => {
    if (typeof step !== 'object' || step === null) return undefined
    const number = numbers.get(step) ?? ++lastNumber
    numbers.set(step, number)
    return number
  })
  try {
    return canonicalize([drawing, ids])
  } catch {
    // Something in it is no data: whoever checks it says so.
    return undefined
  }
}

/** The steps by their names: a drawing knows them by nothing else. */
function stepsOfNodes(nodes: readonly AddedNode[], problems: GraphProblem[]): ReadonlyMap<string, unknown> {
  const steps = new Map<string, unknown>()
  for (const { name, step } of nodes) {
    const stepName = nameOfStep(step)
    const known = steps.get(stepName)
    if (known !== undefined && known !== step)
      problems.push({
        kind: 'duplicate-step',
        message: `node ${describe(name)}: there is another step named "${stepName}" in the workflow; a drawing knows steps by their names, so give each one of its own`,
        step: typeof name === 'string' ? name : undefined,
      })
    steps.set(stepName, step)
  }
  return steps
}

function nameOfStep(step: unknown): string {
  return isRecord(step) && typeof step['name'] === 'string' ? step['name'] : '?'
}

function drawingOf(name: unknown, options: unknown, nodes: readonly AddedNode[], problems: GraphProblem[]): unknown {
  const report = (message: string, step?: string): void => void problems.push({ kind: 'bad-option', message, step })
  const given = readOptions('the workflow', options, workflowOptions, report)
  const added = new Set<unknown>()
  const drawn = nodes.map((node) => {
    const of = typeof node.name === 'string' ? node.name : undefined
    const label = `node ${describe(node.name)}`
    const own = readOptions(label, node.options, nodeOptions, (message) => report(message, of))
    const dependsOn: readonly unknown[] = Array.isArray(own['dependsOn']) ? own['dependsOn'] : []
    const early = dependsOn.filter((one) => !added.has(one) && nodes.some((other) => other.name === one))
    for (const one of early)
      report(`${label} depends on ${describe(one)}, which was not added before it: add that first`, of)
    added.add(node.name)
    return { name: node.name, step: nameOfStep(node.step), ...own }
  })
  return { version: 1, name, nodes: drawn, ...given }
}

function readOptions(
  label: string,
  options: unknown,
  known: readonly string[],
  report: (message: string) => void,
): Readonly<Record<string, unknown>> {
  if (options === undefined) return {}
  if (!isRecord(options)) {
    report(`${label}: its options must be an object, not ${describe(options)}`)
    return {}
  }
  reportUnknownKeys(label, options, known, report)
  return drawnOptions(label, Object.fromEntries(Object.entries(options).filter(([key]) => known.includes(key))), report)
}
