import type { DrawnNode } from '../graph/drawing.ts'
import { isRecord } from '../is-record.ts'
import type { AnyDataType, AnyPort } from '../language/data-type.ts'
import type { AnyStep } from '../language/step.ts'
import { argsType } from './args-type.ts'
import { policiesOf } from './check-drawing.ts'
import { resultsRecord } from './results.ts'

/** A node with what is known of it once its drawing was checked. */
export interface PlacedNode {
  readonly node: DrawnNode
  /** What it stands for. */
  readonly step: AnyStep
  /** The data types that its dependencies make, as their steps declare them, by the names of the nodes. */
  readonly reads: ReadonlyMap<string, AnyDataType>
  /** Not before this time. */
  readonly startAt: number | undefined
  /** The queue of the workflow. */
  readonly queue: string
}

type NodeInputs = Readonly<Record<string, unknown>>

function call(run: unknown, ...args: readonly unknown[]): unknown {
  return (run as (...given: readonly unknown[]) => unknown)(...args)
}

const resultPort = (name: string): string => `results.${name}`

/** The steps of a compiled graph that a node becomes: one that stands for its step and, where it has a time to begin at, a timer before it. */
export function stepsOfNode(placed: PlacedNode): readonly AnyStep[] {
  const { node, startAt } = placed
  const step = nodeStep(placed)
  return startAt === undefined ? [step] : [startTimer(node.name, startAt), step]
}

function nodeStep({ node, step, reads, startAt, queue }: PlacedNode): AnyStep {
  const { name } = node
  const dependsOn = node.dependsOn ?? []
  const { results: _results, formerly: _formerly, ...own } = step
  const inputs: Record<string, AnyPort> = { args: argsType(name, step.inputs) }
  for (const one of dependsOn) inputs[resultPort(one)] = resultType(one, reads.get(one)!)
  if (startAt !== undefined) inputs['start'] = startType(name)
  // A step reads under the names that it declares; the others stand under those of their nodes.
  const names = dependsOn.flatMap((one) => namesOfResult(one, node.reads).map((as) => [as, one] as const))
  const types = new Map(names.map(([as, one]) => [as, reads.get(one)!]))
  const withResults = (context: unknown, given: NodeInputs, besides: object = {}): unknown => {
    const values = names.map(([as, one]) => [as, given[resultPort(one)]] as const)
    const fields = { ...besides, results: resultsRecord(values, types) }
    for (const [key, value] of Object.entries(fields))
      Object.defineProperty(context, key, { value, enumerable: true, configurable: true })
    return context
  }
  const { fallback, compensate, concurrency, rate } = step
  const policies = policiesOf(node)
  return Object.freeze({
    ...own,
    drawn: 'node',
    origin: step,
    name,
    inputs: Object.freeze(inputs),
    output: resultType(name, step.output),
    run: (given: NodeInputs, context: unknown) => call(step.run, given['args'], withResults(context, given)),
    queue: step.queue ?? (node.queue === queue ? undefined : node.queue),
    timeout: step.timeout ?? policies.timeout,
    retry: step.retry ?? policies.retry,
    persist: step.persist ?? policies.persist,
    concurrency: keyedByArgs(concurrency) ?? policies.concurrency,
    rate: keyedByArgs(rate) ?? node.rate,
    ...(typeof fallback === 'function' && {
      fallback: (error: unknown, given: NodeInputs) => call(fallback, error, given['args']),
    }),
    ...(compensate !== undefined && {
      compensate: ofArgs(compensate, (run, output, context) => {
        const given = (context as { readonly inputs: NodeInputs }).inputs
        return call(run, output, withResults(context, given, { inputs: given['args'] }))
      }),
    }),
  }) as unknown as AnyStep
}

/** The names under which a node reads what another one makes. */
function namesOfResult(one: string, reads: DrawnNode['reads'] = {}): readonly string[] {
  const given = Object.entries(reads).flatMap(([as, from]) => (from === one ? [as] : []))
  return given.length === 0 ? [one] : given
}

/** A compensation, alone or with policies, that is called with the arguments in the place of the node's inputs. */
function ofArgs(compensate: unknown, call: (run: unknown, output: unknown, context: unknown) => unknown): unknown {
  const wrap = (run: unknown) => (output: unknown, context: unknown) => call(run, output, context)
  return isRecord(compensate) ? { ...compensate, run: wrap(compensate['run']) } : wrap(compensate)
}

/** A limit whose key is made of the arguments. */
function keyedByArgs<Limit extends AnyStep['concurrency'] | AnyStep['rate']>(limit: Limit): Limit {
  if (typeof limit !== 'object' || limit.key === undefined) return limit
  const key = limit.key as (args: unknown) => string
  return { ...limit, key: (given: NodeInputs) => key(given['args']) }
}

/** The data type of a node: that of its step, under the node's name. */
export function resultType(node: string, { schema, version, isSensitive }: AnyDataType): AnyDataType {
  return Object.freeze({ kind: 'dataType', name: node, schema, version, ...(isSensitive === true && { isSensitive }) })
}

function startType(node: string): AnyDataType {
  return Object.freeze({ kind: 'dataType', name: startName(node), schema: undefined, version: undefined })
}

const startEnd = '.start'
const startName = (node: string): string => `${node}${startEnd}`

/** Whether a step of a compiled graph is the timer before a node. */
export function isStartOfNode(step: string): boolean {
  return step.endsWith(startEnd)
}

/** Waits until a node may begin, at the same time as for what it depends on. */
function startTimer(node: string, startAt: number): AnyStep {
  return Object.freeze({
    kind: 'timer',
    name: startName(node),
    inputs: Object.freeze({}),
    output: startType(node),
    at: () => new Date(startAt),
    run: (_: unknown, due: unknown) => due,
  }) as unknown as AnyStep
}
