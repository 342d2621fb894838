import type { AnyGraph } from '../core/graph/graph-index.ts'
import { indexOf } from '../core/graph/graph-index.ts'
import type { InputsOf, TargetOf } from '../core/graph/graph.ts'
import { describe } from '../core/check-options.ts'
import { isRecord } from '../core/is-record.ts'
import { ownFields } from '../core/language/data-type.ts'
import type { AnyDataType, GivenOf, TypedDataType, ValueOf } from '../core/language/data-type.ts'
import type { Operation } from './operation.ts'
import { problemsOfOperation } from './operation.ts'
import type { AnyOperation } from './operation.ts'

/** How a service does an operation. Made by `implement`. */
export interface Implementation {
  readonly kind: 'implementation'
  /** What it does. */
  readonly operation: AnyOperation
  /** The graph of which an execution does it. */
  readonly graph: AnyGraph
  /** The type of that graph that is made for it. */
  readonly target: AnyDataType
  /** Makes the graph's inputs of what it is polled. */
  readonly inputs: ((request: unknown) => unknown) | undefined
  /** Makes the answer of what the graph has made. */
  readonly output: ((value: unknown) => unknown) | undefined
}

/** How an operation is done by a graph. */
export interface ImplementationOptions<
  Input extends TypedDataType,
  Output extends TypedDataType,
  G extends AnyGraph,
  T extends TypedDataType,
> {
  /** The graph of which an execution does it: one of the docket's. */
  readonly graph: G
  /** The type that the graph makes for it. @default the operation's output */
  readonly target?: TargetOf<G, T>
  /** Makes the graph's inputs of what the operation was called with, and may add what the caller must not choose. Must be pure. @default the request itself, under the name of the operation's input */
  readonly inputs?: ((request: ValueOf<Input>) => InputsOf<G, T>) | undefined
  /** Makes the answer of what the graph has made. Must be pure. @default the value itself */
  readonly output?: ((value: ValueOf<T>) => GivenOf<Output>) | undefined
}

type Known = keyof ImplementationOptions<TypedDataType, TypedDataType, AnyGraph, TypedDataType>
/** What does not fit needs `output`. */
type KnownOptions<Output extends TypedDataType, T extends TypedDataType, Keys extends PropertyKey> = {
  readonly [Key in Keys]: Key extends Known ? unknown : `implement has no option "${Key & string}"`
} & ([ValueOf<T>] extends [GivenOf<Output>]
  ? unknown
  : 'output' extends Keys
    ? unknown
    : { readonly output: 'the target does not fit the output of the operation: give output, a function that makes it' })

/**
 * Says which graph does an operation, for `serve`. Inert.
 *
 * @example
 * implement(Charge, { graph: charges, inputs: (request) => ({ ChargeRequest: request }) })
 */
export function implement<
  Input extends TypedDataType,
  Output extends TypedDataType,
  G extends AnyGraph,
  T extends TypedDataType = Output,
  Keys extends PropertyKey = never,
>(
  operation: Operation<string, Input, Output>,
  options: ImplementationOptions<Input, Output, G, T> & KnownOptions<Output, T, Keys>,
): Implementation {
  const { output } = (isRecord(operation) ? operation : {}) as { readonly output?: unknown }
  return Object.freeze({ target: output, ...ownFields(options), kind: 'implementation', operation }) as never
}

const known = ['kind', 'operation', 'graph', 'target', 'inputs', 'output']

/** What is wrong with it, each in words. */
export function problemsOfImplementation(given: unknown): readonly string[] {
  if (!isRecord(given) || given['kind'] !== 'implementation')
    return [
      `operations has ${describe(given)}, which is no implementation; make one with implement(Operation, { graph })`,
    ]
  const { operation, graph, target, inputs, output } = given
  const ofOperation = problemsOfOperation(operation)
  if (ofOperation.length > 0) return ofOperation
  const { name, input } = operation as unknown as AnyOperation
  const problems = Object.keys(given).flatMap((key) =>
    known.includes(key)
      ? []
      : [`the implementation of "${name}" has the unknown option "${key}"; known are graph, target, inputs, output`],
  )
  if (input.schema === undefined || 'descriptor' in input.schema)
    problems.push(
      `nothing checks "${input.name}", the input of "${name}", which comes from outside: give its data type a schema`,
    )
  const index = isRecord(graph) ? indexOf(graph as unknown as AnyGraph) : undefined
  if (index === undefined)
    problems.push(`the implementation of "${name}" has no graph made by graph(), but ${describe(graph)}`)
  else if (!isRecord(target) || !index.types.has(String(target['name'])))
    problems.push(
      `graph "${index.graph.name}" has no type ${describe(isRecord(target) ? target['name'] : target)}, which "${name}" is to answer with; give target`,
    )
  for (const [key, value] of Object.entries({ inputs, output }))
    if (value !== undefined && typeof value !== 'function')
      problems.push(`the implementation of "${name}": ${key} must be a function, not ${describe(value)}`)
  return problems
}
