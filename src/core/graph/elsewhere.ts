import type { AnyPort } from '../language/data-type.ts'
import type { CompensatePolicy } from '../language/compensation.ts'
import type { AnyStep, StepContext } from '../language/step.ts'
import { partOfDrawing } from './drawing.ts'
import { formerNamesOf } from './former-names.ts'
import type { AnyGraph, GraphIndex } from './graph-index.ts'
import { portsOfLeaves } from './nested-graph.ts'
import type { AnySubgraph } from './nested-graph.ts'

type Inputs = Readonly<Record<string, unknown>>
type OfInputs = (...given: readonly unknown[]) => unknown

/** Of a graph that is drawn by name, what the graph of one of its nodes is drawn by: any process that has its step, and those before, can make it. */
export function drawnPart(
  drawn: Partial<Pick<GraphIndex, 'drawing' | 'drawnWith'>> | undefined,
  { name }: AnyStep,
): Pick<GraphIndex, 'drawing' | 'drawnWith'> | undefined {
  const { drawing, drawnWith } = drawn ?? {}
  return drawing === undefined ? undefined : { drawing: partOfDrawing(drawing, name), drawnWith }
}

/** A step, or what stands in its place: one with a queue is a graph of its own within the graph, so that it is an execution of its own in that queue. */
export function elsewhereOf(step: AnyStep, graph: AnyGraph, createGraph: (declaration: unknown) => AnyGraph): AnyStep {
  const { queue } = step
  if (queue === undefined || step.kind !== 'step') return step
  const { when, fallback, compensate, queue: _, ...within } = step
  const formerGraphs = [graph.name, ...graph.formerly]
  const formerSteps = [step.name, ...formerNamesOf(step)]
  const names = formerGraphs.flatMap((name) => formerSteps.map((of) => nestedNameOf(name, of)))
  // Its policies hold there: its timeout does not count how long it waits for a process.
  const nested = createGraph({
    name: names[0],
    steps: [Object.freeze(within)],
    defaults: graph.defaults,
    ...(names.length > 1 && { formerly: names.slice(1) }),
  })
  const ofPorts = portsFrom(step)
  const subgraph: AnySubgraph = {
    kind: 'subgraph',
    name: step.name,
    output: step.output,
    formerly: step.formerly,
    needsApp: step.needsApp,
    graph: nested,
    target: step.output,
    renames: undefined,
    inputs: portsOfLeaves(nested, step.output, undefined),
    run: passOn,
    queue,
    standsFor: step,
    ...(when !== undefined && { when: (inputs: never) => (when as OfInputs)(ofPorts(inputs)) as boolean }),
    ...('fallback' in step && { fallback: fallbackOf(fallback, ofPorts) }),
    ...(compensate !== undefined && { compensate: compensationOf(compensate, ofPorts) }),
  }
  return Object.freeze(subgraph)
}

/** What a graph is called that is made for a step of another one. */
function nestedNameOf(graph: string, step: string): string {
  return `${graph}/${step}`
}

/** The inputs by the names of the step's ports: there they are by the names of types. */
function portsFrom({ inputs }: AnyStep): (byType: Inputs) => Inputs {
  const ports = Object.entries(inputs).map(([name, port]) => [name, typeNameOf(port)] as const)
  return (byType) => Object.fromEntries(ports.map(([name, type]) => [name, byType[type]]))
}

function typeNameOf(port: AnyPort): string {
  return port.kind === 'dataType' ? port.name : port.type.name
}

function fallbackOf(fallback: unknown, ofPorts: (inputs: Inputs) => Inputs): unknown {
  if (typeof fallback !== 'function') return fallback
  return (error: unknown, inputs: Inputs) => (fallback as OfInputs)(error, ofPorts(inputs))
}

function compensationOf(compensate: unknown, ofPorts: (inputs: Inputs) => Inputs): unknown {
  const policy = (typeof compensate === 'function' ? { run: compensate } : compensate) as CompensatePolicy<
    unknown,
    unknown
  >
  const run = policy.run as OfInputs
  return {
    ...policy,
    run: (output: unknown, context: StepContext & { readonly inputs?: Inputs }) => {
      const { inputs } = context
      if (inputs === undefined) return run(output, context)
      // What is read of it reads what is private to it; whoever stands around the step may give it other inputs yet.
      const own = new Proxy(context, {
        get(target, key): unknown {
          const value: unknown = Reflect.get(target, key, target)
          return key === 'inputs' && value === inputs ? ofPorts(inputs) : value
        },
      })
      return run(output, own)
    },
  }
}

function passOn(value: unknown): unknown {
  return value
}
