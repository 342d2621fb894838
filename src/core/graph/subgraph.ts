import type { Compensate, CompensatePolicy } from '../language/compensation.ts'
import type { Duration } from '../duration.ts'
import { ownFields } from '../language/data-type.ts'
import type { AnyDataType, GivenOf, TypedDataType, ValueOf } from '../language/data-type.ts'
import type { RetryPolicy } from '../language/policy.ts'
import type { MaybePromise, StepTypes, TypedStep } from '../language/step.ts'
import type { AppOfNested } from './app-types.ts'
import type { AnyGraph } from './graph-index.ts'
import type { LeafNames, RequiredLeafNames, TargetOf, TypeIn } from './graph.ts'
import { portsOfLeaves } from './nested-graph.ts'
import type { AnySubgraph } from './nested-graph.ts'

/** A step whose value another graph makes, in an execution of its own. Made by `subgraph`. */
export interface SubgraphStep<Name extends string, Output extends TypedDataType, Types extends StepTypes>
  extends AnySubgraph, TypedStep {
  readonly kind: 'subgraph'
  /** Part of keys, events and errors, and of the child's id. */
  readonly name: Name
  /** The one data type that the step makes. */
  readonly output: Output
  readonly '~types': Types
}

/** How a subgraph stands in its parent. */
export interface SubgraphOptions<Name extends string, Output, Renames, Inputs, Value, App = unknown> {
  /** Part of keys, events and errors; no two steps of a graph share one. @default the graph's name */
  readonly name?: Name
  /** Types of the parent in the place of the graph's leaves, by the names of these: so that one graph can stand in a parent twice. @default the leaves themselves */
  readonly inputs?: Renames
  /** The parent's type in the place of the target. @default the target itself */
  readonly output?: Output
  /** How long one attempt may take. @default no limit */
  readonly timeout?: Duration | undefined
  /** How often it is tried: the child keeps its id, and what it persists. @default once */
  readonly retry?: RetryPolicy | undefined
  /** What the step was called before, the newest name first. @default none */
  readonly formerly?: string | readonly string[] | undefined
  /** Whether it runs, by the leaves; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((inputs: Inputs) => boolean) | undefined
  /** Takes the place of the value when the child failed: a value, or a function that makes one. @default none */
  readonly fallback?: Value | ((error: unknown, inputs: Inputs) => MaybePromise<Value>) | undefined
  /**
   * In a docket, lets processes that work on this queue run the child: all its steps in one of them. Its inputs stay with the parent, and the step's timeout does
   * not count the time in the queue. In plain `execute` it runs in place. @default the parent's process begins it
   */
  readonly queue?: string | undefined
  /**
   * For steps that leave something in their process, like files: the child never goes on in another one. When its process is lost, `'restart'` runs all its steps
   * anew, and `'fail'` ends it; only global results stay. @default another process goes on from what is on record
   */
  readonly onWorkerLoss?: 'restart' | 'fail' | undefined
  /** Undoes what a completed child did: only this does. One that fails or is cancelled undoes itself, by its own steps. @default none */
  readonly compensate?:
    Compensate<ReceivedOf<Output>, Inputs, App> | CompensatePolicy<ReceivedOf<Output>, Inputs, App> | undefined
}

export type ReceivedOf<Type> = Type extends TypedDataType ? ValueOf<Type> : unknown
/**
 * What the graph's leaves are to functions of the step, by their names. Read out of an object, because the compiler's messages then print the leaves
 * instead of this name.
 */
export type LeavesOf<G, T> = {
  readonly leaves: { readonly [Name in RequiredLeafNames<G, T> & string]: ReceivedOf<TypeIn<G, Name>> } & {
    readonly [Name in Exclude<LeafNames<G, T>, RequiredLeafNames<G, T>> & string]?:
      ReceivedOf<TypeIn<G, Name>> | undefined
  }
}['leaves']
/** The types that stand in the place of leaves, or a sentence where one does not fit. */
export type CheckedRenames<G, T, Renames> = {
  readonly [Name in keyof Renames]: Name extends LeafNames<G, T>
    ? [ReceivedOf<Renames[Name]>] extends [ReceivedOf<TypeIn<G, Name>>]
      ? Renames[Name]
      : `this type does not fit "${Name & string}"`
    : `the target takes no "${Name & string}"`
}
export type CheckedOutput<T, Output> = [ReceivedOf<T>] extends [ReceivedOf<Output>]
  ? Output
  : 'the target does not fit this type'
/** The name under which the parent has a leaf. */
type NameIn<Name, Renames> = Name extends keyof Renames
  ? Renames[Name] extends { readonly name: infer Renamed extends string }
    ? Renamed
    : never
  : Name
type TypeOfLeaf<G, Name, Renames> = Name extends keyof Renames
  ? Extract<Renames[Name], TypedDataType>
  : Extract<TypeIn<G, Name>, TypedDataType>
/** What the compiler knows of a step that `subgraph` makes, under `'~types'`: exported, so that declaration files can name it. */
export interface SubgraphTypes<G, T, Renames, Output extends TypedDataType> extends StepTypes {
  /** Name of the type that it makes. */
  readonly makes: Output['name']
  /** Names of the types that must be there. */
  readonly requires: Extract<NameIn<RequiredLeafNames<G, T>, Renames>, string>
  /** Names of the types that may be missing. */
  readonly wants: Extract<NameIn<Exclude<LeafNames<G, T>, RequiredLeafNames<G, T>>, Renames>, string>
  /** All types that it names. */
  readonly touches: Output | TypeOfLeaf<G, LeafNames<G, T>, Renames>
  /** What functions of the step get: values of the graph's leaves, by the names of these. */
  readonly receives: LeavesOf<G, T>
}

/**
 * Lets another graph make a type: a child execution, with its own id, events, and steps. What that graph needs for the target are the step's inputs, matched
 * by the names of types; the parent makes them, or its caller gives them.
 *
 * Inert: `graph()` reports wrong options.
 *
 * @example
 * const orders = graph({ name: 'orders', steps: [packOrder, subgraph(shipping, Delivery, { inputs: { Address: HomeAddress } }), bill] })
 */
export function subgraph<
  G extends AnyGraph,
  T extends TypedDataType,
  Output extends TypedDataType = T,
  const Renames extends Readonly<Record<string, TypedDataType>> = Record<never, never>,
  const Name extends string = G['name'],
>(
  graph: G,
  target: TargetOf<G, T>,
  options: SubgraphOptions<
    Name,
    CheckedOutput<T, Output>,
    CheckedRenames<G, T, Renames>,
    LeavesOf<G, T>,
    GivenOf<Output>
  > = {},
): SubgraphStep<Name, Output, SubgraphTypes<G, T, Renames, Output>> & AppOfNested<G> {
  const { inputs: renames, ...fields } = ownFields(options)
  return Object.freeze({
    name: (graph as AnyGraph | undefined)?.name,
    output: target,
    ...fields,
    kind: 'subgraph',
    graph,
    target,
    renames: renames as Readonly<Record<string, AnyDataType>> | undefined,
    inputs: portsOfLeaves(graph, target, renames),
    run: passOn,
  }) as never
}

function passOn(value: unknown): unknown {
  return value
}
