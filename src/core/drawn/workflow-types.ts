import type { AnyGraph } from '../graph/graph-index.ts'
import type { TypedGraph } from '../graph/graph.ts'
import type { MadeBy, NotLiteral } from '../graph/graph-types.ts'
import type { DrawnRate } from '../graph/drawing.ts'
import type { Duration } from '../duration.ts'
import type { ConvertingDataType, DataType, GivenOf, TypedDataType, ValueOf } from '../language/data-type.ts'
import type { AnyStep, DeclaredResults, TakesApp, TakesResults, TypedStep } from '../language/step.ts'
import type { DrawablePolicies, Placement } from './drawn-options.ts'

/** What `workflow` takes besides its name. */
export interface WorkflowOptions extends Placement {
  /** How long an execution may take. @default no limit */
  readonly timeout?: Duration | undefined
  /** Policies of nodes that have none, neither of their step nor of their own. @default none */
  readonly defaults?: DrawablePolicies | undefined
  /** The queue in which its executions wait. @default 'default' */
  readonly queue?: string | undefined
  /** Of its executions, and of nodes that have none: the higher one goes first. @default 0 */
  readonly priority?: number | undefined
  /** When nodes that depend on no other may begin: a Date, or milliseconds since the epoch. @default at once */
  readonly startAt?: Date | number | undefined
}

/** What `add` takes besides name, step and arguments. A policy that the step states itself stands above the node's. */
export interface NodeOptions<Dep, Reads = Readonly<Record<string, string>>> extends DrawablePolicies, Placement {
  /** Names of nodes, added before, that have to be done first. @default none */
  readonly dependsOn?: readonly Dep[] | undefined
  /** Which of these gives each result that the step declares, by the name that it declares it under. @default those of the same names */
  readonly reads?: Reads | undefined
  /** How many attempts of the step begin in a period, whichever node they are of. @default no limit */
  readonly rate?: DrawnRate | undefined
  /** The queue of its work. @default that of the execution */
  readonly queue?: string | undefined
  /** Of nodes that are ready at the same time, the higher one begins first. @default the workflow's */
  readonly priority?: number | undefined
  /** Not before this time: a Date, or milliseconds since the epoch. @default once its dependencies are done */
  readonly startAt?: Date | number | undefined
}

/** A graph that is drawn by name. Made by `workflow`. `Types`: what each node makes, as its step declares it. */
export interface Workflow<
  Name extends string,
  Types extends object = Record<never, never>,
  Steps extends readonly TypedStep[] = readonly [],
> extends TypedGraph<Name, MadeBy<[...Steps, ResultsStep<Types>]>, [...Steps, ResultsStep<Types>]> {
  /** The record of the results of all nodes, by their names: what is made of a workflow, unless a single node's result is wanted. */
  readonly results: DataType<'results', ResultsOf<Types>>
  /** The data type of one node's result. */
  result<const Node extends keyof Types & string>(node: Node): NodeType<Node, Types[Node]>
  /**
   * Adds a node: a step under a name of its own, with the arguments that its inputs are given. Gives a new workflow, and leaves this one as it is.
   * @example flow.add('send_email', sendEmail, { to: 'ada@example.com' }, { dependsOn: ['create_user'], priority: 5 })
   */
  add<
    const Node extends string,
    Step,
    const Dep extends NamesIn<Types> = never,
    const Reads extends Readonly<Record<string, string>> = Record<never, never>,
  >(
    name: NewName<Node, Types>,
    step: DrawableStep<Step, Types, Dep, Reads>,
    args: ArgsOf<Step>,
    options?: NodeOptions<Dep, Reads>,
  ): Workflow<Name, WithType<Types, Node, OutputOf<Step>>, [...Steps, NodeStep<Node, Step, Dep> & AppOfStep<Step>]>
}

/** A graph that is drawn by names which the compiler does not know. Made by `untypedWorkflow`. */
export interface UntypedWorkflow extends AnyGraph {
  /** The record of the results of all nodes, by their names. */
  readonly results: DataType<'results', Readonly<Record<string, unknown>>>
  /** The data type of one node's result; undefined where there is no such node. */
  result(node: string): TypedDataType | undefined
  /** Adds a node. Gives a new workflow, and leaves this one as it is. */
  add(name: string, step: AnyStep, args: unknown, options?: NodeOptions<string>): UntypedWorkflow
}

/** What a workflow makes: each node's result by its name. Read out of an object, because an editor then shows the record instead of this name. */
type ResultsOf<Types> = {
  readonly record: { readonly [Node in keyof Types]: Types[Node] extends TypedDataType ? ValueOf<Types[Node]> : never }
}['record']
type NodeType<Node extends string, Type> = Type extends TypedDataType
  ? ConvertingDataType<Node, ValueOf<Type>, GivenOf<Type>>
  : never
type WithType<Types, Node extends string, Output> = {
  readonly [Name in keyof Types | Node]: Name extends keyof Types ? Types[Name] : Output
}
type OutputOf<Step> = Step extends { readonly output: infer Output extends TypedDataType } ? Output : never
type AppOfStep<Step> = Step extends TakesApp<infer App> ? TakesApp<App> : unknown

/** The step that makes the record. */
interface ResultsStep<Types> extends TypedStep {
  /** The same for every workflow. */
  readonly name: 'results'
  readonly '~types': {
    readonly makes: 'results'
    readonly requires: keyof Types & string
    readonly wants: never
    readonly touches: DataType<'results', ResultsOf<Types>>
  }
}

/** The step that a node is in the compiled graph. */
interface NodeStep<Node extends string, Step, Dep> extends TypedStep {
  /** The node's. */
  readonly name: Node
  readonly '~types': {
    readonly makes: Node
    readonly requires: Dep & string
    // They are given where the node is added; a call may give others.
    readonly wants: `${Node}.args`
    readonly touches: NodeType<Node, OutputOf<Step>> | ConvertingDataType<`${Node}.args`, ArgsOf<Step>, ArgsOf<Step>>
  }
}

/** The arguments that a step takes: by its ports, as their schemas take them. Read out of an object, as the ports of a step are. */
export type ArgsOf<Step> = Step extends { readonly inputs: infer Inputs } ? ArgsByPort<Inputs> : never
type ArgsByPort<Inputs> = [OptionalIn<Inputs>] extends [never]
  ? { readonly [Port in keyof Inputs]: ArgFor<Inputs[Port]> }
  : { readonly [Port in Exclude<keyof Inputs, OptionalIn<Inputs>>]: ArgFor<Inputs[Port]> } & {
      readonly [Port in OptionalIn<Inputs>]?: ArgFor<Inputs[Port]> | undefined
    }
type OptionalIn<Inputs> = {
  [Port in keyof Inputs]: Inputs[Port] extends { readonly kind: 'optional' } ? Port : never
}[keyof Inputs]
type ArgFor<Port> = Port extends { readonly kind: 'optional' | 'all'; readonly type: infer Type extends TypedDataType }
  ? GivenOf<Type>
  : Port extends TypedDataType
    ? GivenOf<Port>
    : unknown

/** Names of nodes, for `dependsOn`. */
type NamesIn<Types> = [keyof Types] extends [never]
  ? 'no node was added before this one: leave dependsOn out'
  : keyof Types & string

/** The name itself when it is a new one, otherwise a sentence. */
type NewName<Node extends string, Types> = [NotLiteral<Node>] extends [never]
  ? Node extends keyof Types
    ? `a node named "${Node}" was added before: give this one another name`
    : Node extends 'results'
      ? '"results" is the record of all results: give the node another name'
      : Node
  : 'the name of a node must be a literal, so that its result is known. For names made at run time, use untypedWorkflow'

/** The step itself when it can stand there, otherwise a sentence. */
type DrawableStep<Step, Types, Dep, Reads> = [StepSentence<Step, Types, Dep, Reads>] extends [never]
  ? Step
  : StepSentence<Step, Types, Dep, Reads>
type StepSentence<Step, Types, Dep, Reads> = Step extends TypedStep
  ? AnyStep['kind'] extends Step['kind']
    ? AllSentence<Step['inputs']> | ReadsSentence<ReadBy<Step>, Types, Dep, Reads>
    : 'a workflow is made of functions, which step({ … }) declares'
  : 'not a step whose types are known. Make it with step({ name, inputs, output, run })'
type AllSentence<Inputs> = {
  [Port in keyof Inputs]: Inputs[Port] extends { readonly kind: 'all' }
    ? `its input "${Port & string}" takes all items of a batch, which a workflow does not give`
    : never
}[keyof Inputs]
type ReadBy<Step> = Step extends TakesResults<infer Results extends DeclaredResults> ? Results : Record<never, never>
type ReadsSentence<Declared extends DeclaredResults, Types, Dep, Reads> = {
  [As in keyof Declared & string]: ReadSentence<As, Declared[As], FromOf<As, Reads>, Types, Dep>
}[keyof Declared & string]
type FromOf<As, Reads> = As extends keyof Reads ? Reads[As] : As
type ReadSentence<As extends string, Type extends TypedDataType, From, Types, Dep> = From extends keyof Types
  ? [From] extends [Dep]
    ? [Types[From]] extends [Type]
      ? never
      : `the step reads "${As}" as a "${Type['name']}", and node "${From & string}" makes another type`
    : `the step reads the result of node "${From & string}": add that to dependsOn`
  : `the step reads the result of a node "${From & string}", and none was added before: give reads: { ${As}: '…' } with the name of one`
