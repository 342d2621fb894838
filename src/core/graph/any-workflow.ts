import type { TypedDataType } from '../language/data-type.ts'
import type { AnyGraph } from './graph-index.ts'

/** The same key in every copy of the package. */
const argsKey = Symbol.for('docket.drawnArgs')

/** Keeps the arguments that a workflow's nodes were added with, by the names of their types. */
export function keepArgs(graph: AnyGraph, args: Readonly<Record<string, unknown>>): void {
  Object.defineProperty(graph, argsKey, { value: args })
}

/** Any workflow, whose target and inputs may be left out of a call. */
export interface AnyWorkflow extends AnyGraph {
  /** What is made of it. */
  readonly results: TypedDataType
}

/** Whether something is a workflow, rather than another graph. */
export function isWorkflow(graph: AnyGraph): graph is AnyWorkflow {
  return typeof graph === 'object' && graph !== null && drawnArgsOf(graph) !== undefined
}

/** Arguments that stand in a workflow; undefined for every other graph. */
export function drawnArgsOf(graph: AnyGraph): Readonly<Record<string, unknown>> | undefined {
  return Reflect.get(graph, argsKey) as Readonly<Record<string, unknown>> | undefined
}
