import { createGraph } from './create-graph.ts'
import type { AnyDataType, DataTypeHint, GivenOf, TypedDataType } from '../language/data-type.ts'
import type { Duration } from '../duration.ts'
import type { AnyGraph, StepDefaults } from './graph-index.ts'
import type { AnyTypes, At, GraphTypes, IsAny, MadeBy, NameOf, NotLiteral, TypedSteps } from './graph-types.ts'
import type { CheckedInputs, CheckedSteps } from './graph-verdict.ts'
import type { DeclaredQueries, WithQueries } from './queries.ts'
import type { Observer } from '../contracts/observer.ts'
import type { AnyStep, TypedStep } from '../language/step.ts'

/** A set of steps with one producer per type, all of it known to the compiler. Made by `graph`. */
export type Graph<Name extends string, Steps extends readonly TypedStep[]> = TypedGraph<Name, MadeBy<Steps>, Steps>

/**
 * As `Graph`. What its steps make stands before them, because editors show the beginning of a type and leave out the rest:
 * `TypedGraph<"users", { FetchProfile: "UserProfile"; … }, …>`.
 */
export interface TypedGraph<Name extends string, Makes, Steps extends readonly TypedStep[]> extends AnyGraph {
  /** Part of keys, events and errors. */
  readonly name: Name
  /** There is no such property at run time. */
  readonly '~makes': Makes
  /** The literal list, so that graphs compose: `graph({ name, steps: [...users.steps, more] })`. */
  readonly steps: Steps
  readonly '~types': GraphTypes<Steps>
}

/** What `graph` and `untypedGraph` take besides name, steps and inputs. */
export interface GraphOptions {
  /** How long an execution may take. @default no limit */
  readonly timeout?: Duration | undefined
  /** Policies of all steps that do not state their own. @default none */
  readonly defaults?: StepDefaults | undefined
  /** Get the events of all the graph's executions. @default none */
  readonly observers?: readonly Observer[] | undefined
  /** What the graph was called before, the newest name first: executions and results of that name are the graph's. @default none */
  readonly formerly?: string | readonly string[] | undefined
}

/** What `graph` takes; the compiler puts a sentence in the place of each step and input that is wrong. */
export interface GraphDeclaration<Name, Steps, Inputs, Queries = DeclaredQueries> extends GraphOptions {
  /** Part of keys, events and errors. */
  readonly name: Name
  /** A literal list, so that the types of its steps are known. */
  readonly steps: Steps
  /** The leaves, named on purpose; then a type that no step produces is an error. @default whatever no step produces */
  readonly inputs?: Inputs
  /** Functions of what is on record of an execution, and of one more value, by name: what `handle.query` calls. They must be pure. @default {} */
  readonly queries?: Queries
}

/** What `untypedGraph` takes. */
export interface UntypedGraphDeclaration extends GraphOptions {
  /** Part of keys, events and errors. */
  readonly name: string
  /** Any array: what the compiler can't prove of it is checked here, at run time. */
  readonly steps: readonly AnyStep[]
  /** The leaves, named on purpose; then a type that no step produces is an error. @default whatever no step produces */
  readonly inputs?: readonly AnyDataType[] | undefined
  /** Functions of what is on record of an execution, and of one more value, by name: what `handle.query` calls. They must be pure. @default {} */
  readonly queries?: DeclaredQueries | undefined
  /**
   * Makes a step for a type that is needed and that no step produces, by the type's name; undefined where it is a leaf. Called once for each, when the graph is made: the steps
   * are the graph's as if they were listed. @default none
   */
  readonly otherwise?: ((typeName: string) => AnyStep | undefined) | undefined
}

/**
 * Makes a graph from a literal list of steps. The compiler proves that types have one producer and one shape, and that
 * every call gives what its target needs.
 *
 * @example
 * const users = graph({ name: 'users', inputs: [UserID], steps: [fetchProfile, fetchPreferences, enrich], timeout: '30s' })
 * @throws GraphError with all problems at once: also those that the compiler can't see, like cycles and bad options
 */
export function graph<
  const Name extends string,
  const Steps extends readonly unknown[],
  const Inputs extends readonly (AnyDataType | DataTypeHint)[] = readonly AnyDataType[],
  Queries extends DeclaredQueries = DeclaredQueries,
>(
  declaration: GraphDeclaration<
    Name,
    CheckedSteps<Steps, NameOf<Inputs[number]>>,
    CheckedInputs<Inputs, GraphTypes<TypedSteps<Steps>>>,
    Queries
  >,
): TypedGraph<Name, MadeBy<TypedSteps<Steps>>, TypedSteps<Steps>> & WithQueries<Queries> {
  return createGraph(declaration) as never
}

/**
 * Makes a graph from any array of steps, for graphs put together at run time: with the run-time checks alone, and with
 * inputs that are records of `unknown`.
 *
 * @throws GraphError with all problems at once
 */
export function untypedGraph(declaration: UntypedGraphDeclaration): AnyGraph {
  return createGraph(declaration, { drawing: undefined, drawnWith: undefined, isUntyped: true })
}

// ---- what a call must give ----

/** `never` for a graph that the compiler does not know. */
type TypesOf<G> =
  IsAny<G> extends true ? never : G extends { readonly '~types': infer Types extends AnyTypes } ? Types : never
type IsUnknown<G, T> = [TypesOf<G>] extends [never] ? true : [NameOf<T>] extends [never] ? true : false

/**
 * A target as calls take it: the data type itself when a step of the graph makes it, otherwise a sentence.
 *
 * @example function ask<G extends AnyGraph, T extends TypedDataType>(graph: G, target: TargetOf<G, T>): ValueOf<T>
 */
export type TargetOf<G, T> =
  IsUnknown<G, T> extends true
    ? T
    : [NotLiteral<NameOf<T>>] extends [never]
      ? [NameOf<T>] extends [keyof TypesOf<G>['producers']]
        ? [T] extends [At<TypesOf<G>['types'], NameOf<T>>]
          ? T
          : `graph ${Quoted<NameOf<G>>} means another data type named ${Quoted<NameOf<T>>}. Share one declaration`
        : [keyof TypesOf<G>['producers']] extends [never]
          ? `the steps of graph ${Quoted<NameOf<G>>} are not known: they must be a literal list of typed steps (written in place, or as const)`
          : `no step of graph ${Quoted<NameOf<G>>} produces ${Quoted<NameOf<T>>}`
      : [TypedDataType] extends [T]
        ? `a target is a data type that a step of graph ${Quoted<NameOf<G>>} makes: not its name, not a schema, not a step`
        : 'the name of a data type must be a literal, so that it is known. For names made at run time, use untypedGraph'
type Quoted<Name> = Name extends string ? `"${Name}"` : '?'

/**
 * The input record of a target, keyed by type names: its leaves; as optional keys, leaves that only `optional(T)` ports
 * take, or only steps whose types are `Overridden`. `Shared` names are left out.
 *
 * @example InputsOf<typeof users, typeof EnrichedUser> is { UserID: …, Locale?: … }
 */
export type InputsOf<G, T, Shared = never, Overridden = never> =
  IsUnknown<G, T> extends true
    ? Readonly<Record<string, unknown>>
    : string extends NameOf<T>
      ? Readonly<Record<string, unknown>>
      : InputsAmong<
          TypesOf<G>,
          Upstream<TypesOf<G>['neededBy'], NameOf<T>>,
          [Overridden] extends [never] ? unknown : Reached<TypesOf<G>['neededBy'], NameOf<T>, Overridden>,
          Shared
        >

type Reached<Needed, Target, Overridden> = Exclude<Upstream<Omit<Needed, Overridden & string>, Target>, Overridden>
/** `Run` is what steps make that still run; `unknown` where nothing is overridden. */
type InputsAmong<Types extends AnyTypes, Needed, Run, Shared> = LeafRecord<
  Types,
  Exclude<Needed, keyof Types['producers'] | Shared>,
  Exclude<At<Types['requiredBy'], unknown extends Run ? Needed : Run>, keyof Types['producers'] | Shared>
>
type LeafRecord<Types extends AnyTypes, Leaves, Required> = InputRecord<
  Types['types'],
  Required,
  Exclude<Leaves, Required>
>

// No alias on the result: an error then prints its keys.
type InputRecord<Types, Required, Optional> = [Optional] extends [never]
  ? [Required] extends [never]
    ? { readonly [Name in string]: never }
    : { readonly [Name in Required & string]: GivenAs<Types, Name> }
  : [Required] extends [never]
    ? { readonly [Name in Optional & string]?: GivenAs<Types, Name> | undefined }
    : { readonly [Name in Required & string]: GivenAs<Types, Name> } & {
        readonly [Name in Optional & string]?: GivenAs<Types, Name> | undefined
      }
type GivenAs<Types, Name> = At<Types, Name> extends infer Type extends TypedDataType ? GivenOf<Type> : never

/** All names that lead to the open ones. Eight hops a turn: the compiler grants a thousand turns. Cycles end, because seen names are left out. */
type Upstream<
  Needed,
  Open,
  Seen = Open,
  A = At<Needed, Open>,
  B = At<Needed, A>,
  C = At<Needed, B>,
  D = At<Needed, C>,
  E = At<Needed, D>,
  F = At<Needed, E>,
  G = At<Needed, F>,
  H = At<Needed, G>,
> = unknown extends Open
  ? never
  : [Open] extends [never]
    ? Seen
    : Upstream<Needed, Exclude<H, Seen | A | B | C | D | E | F | G>, Seen | A | B | C | D | E | F | G | H>

/** The names of the leaves that a target needs; any where the compiler does not know the graph. */
export type LeafNames<G, T> =
  IsUnknown<G, T> extends true
    ? string
    : Exclude<Upstream<TypesOf<G>['neededBy'], NameOf<T>>, keyof TypesOf<G>['producers']>
/** Those of them that must be there. */
export type RequiredLeafNames<G, T> =
  IsUnknown<G, T> extends true
    ? string
    : Exclude<At<TypesOf<G>['requiredBy'], Upstream<TypesOf<G>['neededBy'], NameOf<T>>>, keyof TypesOf<G>['producers']>
/** The data type of a graph that has a name. */
export type TypeIn<G, Name> = At<TypesOf<G>['types'], Name>

/** A value that `shared` gives, by the name it stands under. */
export type SharedValue<G, T, Name> =
  IsUnknown<G, T> extends true
    ? unknown
    : Name extends Exclude<Upstream<TypesOf<G>['neededBy'], NameOf<T>>, keyof TypesOf<G>['producers']>
      ? GivenAs<TypesOf<G>['types'], Name>
      : Name extends keyof TypesOf<G>['producers']
        ? `a step makes ${Quoted<Name>}: give another value in overrides`
        : `no input of ${Quoted<NameOf<T>>} is named ${Quoted<Name>}`

/** A value that `overrides` gives, by the name it stands under; one that may be undefined may be left out, and then its step runs. */
export type OverrideValue<G, T, Name, Value> =
  | (IsUnknown<G, T> extends true
      ? unknown
      : Name extends keyof TypesOf<G>['producers']
        ? Name extends Exclude<Upstream<TypesOf<G>['neededBy'], NameOf<T>>, NameOf<T>>
          ? GivenAs<TypesOf<G>['types'], Name>
          : `${Quoted<NameOf<T>>} does not need ${Quoted<Name>}: leave it out of overrides`
        : `no step makes ${Quoted<Name>}: give it in the inputs, if it is one`)
  | Extract<Value, undefined>

/** What an override of a fork may be: as `OverrideValue`, and a value for an input that the caller gave. */
export type ForkValue<G, T, Name, Value> =
  | (IsUnknown<G, T> extends true
      ? unknown
      : Name extends Exclude<Upstream<TypesOf<G>['neededBy'], NameOf<T>>, NameOf<T>>
        ? GivenAs<TypesOf<G>['types'], Name>
        : `${Quoted<NameOf<T>>} does not need ${Quoted<Name>}: leave it out of overrides`)
  | Extract<Value, undefined>

/** What a call takes besides its options. Its parameter is the map itself: a name for it would be printed with the graph's whole type. */
export interface Overrides<Values> {
  /**
   * Values for types that steps make, as their schemas take them: these steps, and what only they need, do not run. `undefined` counts as
   * not given. @default {}
   */
  readonly overrides?: Values | undefined
}

/** The names that are overridden for certain. */
export type OverriddenIn<Given> = {
  [Name in keyof Given]-?: undefined extends Given[Name] ? never : Name
}[keyof Given]
