import { createGraph } from './create-graph.ts'
import type { AnyDataType, GivenOf, TypedDataType } from '../language/data-type.ts'
import type { Duration } from '../duration.ts'
import type { AnyGraph, StepDefaults } from './graph-index.ts'
import type { Observer } from '../contracts/observer.ts'
import type { AnyStep, TypedStep } from '../language/step.ts'

/** A set of steps with one producer per type, all of it known to the compiler. Made by `graph`. */
export interface Graph<Name extends string, Steps extends readonly TypedStep[]> extends AnyGraph {
  /** Part of keys, events and errors. */
  readonly name: Name
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
}

/** What `graph` takes; the compiler puts a sentence in the place of each step and input that is wrong. */
export interface GraphDeclaration<Name, Steps, Inputs> extends GraphOptions {
  /** Part of keys, events and errors. */
  readonly name: Name
  /** A literal list, so that the types of its steps are known. */
  readonly steps: Steps
  /** The leaves, named on purpose; then a type that nobody produces is an error. @default whatever no step produces */
  readonly inputs?: Inputs
}

/** What `untypedGraph` takes. */
export interface UntypedGraphDeclaration extends GraphOptions {
  readonly name: string
  readonly steps: readonly AnyStep[]
  readonly inputs?: readonly AnyDataType[] | undefined
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
  const Inputs extends readonly AnyDataType[] = readonly AnyDataType[],
>(
  declaration: GraphDeclaration<
    Name,
    CheckedSteps<Steps, Inputs[number]['name']>,
    CheckedInputs<Inputs, GraphTypes<TypedSteps<Steps>>>
  >,
): Graph<Name, TypedSteps<Steps>> {
  return createGraph(declaration) as Graph<Name, TypedSteps<Steps>>
}

/**
 * Makes a graph from any array of steps, for graphs put together at run time: with the run-time checks alone, and with
 * inputs that are records of `unknown`.
 *
 * @throws GraphError with all problems at once
 */
export function untypedGraph(declaration: UntypedGraphDeclaration): AnyGraph {
  return createGraph(declaration)
}

type TypedSteps<Steps> = [Steps] extends [readonly TypedStep[]] ? Steps : readonly TypedStep[]

// ---- what the compiler knows ----

/**
 * The type graph, under `'~types'`; there is no such property at run time. An interface, because each of its properties
 * is then computed once per list of steps. All but `types` consist of literals: the checker walks tuples of objects
 * anew whenever it meets them, literals never.
 *
 * @example steps A → B and (B, optional C) → D:
 * makes { 0: 'B', 1: 'D' }, requires { 0: 'A', 1: 'B' }, producers { B: '0', D: '1' },
 * requiredBy { B: 'A', D: 'B' }, neededBy { B: 'A', D: 'B' | 'C' }, types { A: DataType<'A', …>, … }
 */
export interface GraphTypes<Steps extends readonly TypedStep[]> {
  readonly indexes: Exclude<keyof Steps, keyof (readonly unknown[])>
  readonly makes: Pick<Makes<Steps>, GraphTypes<Steps>['indexes']>
  readonly requires: Pick<Requires<Steps>, GraphTypes<Steps>['indexes']>
  readonly needs: Pick<Needs<Steps>, GraphTypes<Steps>['indexes']>
  /** A union of indexes where two steps make one type. */
  readonly producers: KnownKeys<IndexesByName<GraphTypes<Steps>['makes']>>
  readonly requiredBy: ByProducer<GraphTypes<Steps>['producers'], GraphTypes<Steps>['requires']>
  readonly neededBy: ByProducer<GraphTypes<Steps>['producers'], GraphTypes<Steps>['needs']>
  /** A union of data types where one name stands for two shapes. */
  readonly types: KnownKeys<{ readonly [Type in Steps[number]['~types']['touches'] as NameOf<Type>]: Type }>
  readonly clashes: Clashes<GraphTypes<Steps>['types']>
}

/** `GraphTypes` of whatever steps. */
interface AnyTypes {
  readonly indexes: PropertyKey
  readonly makes: object
  readonly requires: object
  readonly needs: object
  readonly producers: object
  readonly requiredBy: object
  readonly neededBy: object
  readonly types: object
  readonly clashes: PropertyKey
}

type Makes<Steps extends readonly TypedStep[]> = { readonly [Index in keyof Steps]: Steps[Index]['~types']['makes'] }
type Requires<Steps extends readonly TypedStep[]> = {
  readonly [Index in keyof Steps]: Steps[Index]['~types']['requires']
}
type Needs<Steps extends readonly TypedStep[]> = {
  readonly [Index in keyof Steps]: Steps[Index]['~types']['requires'] | Steps[Index]['~types']['wants']
}
type IndexesByName<Names> = { readonly [Index in keyof Names as NameAt<Names, Index>]: Index }
type ByProducer<Producers, Values> = { readonly [Name in keyof Producers]: At<Values, Producers[Name]> }
/** A conditional over bare parameters, because the checker keeps its result: it asks for it anew at every look into such a map. */
type NameAt<Names, Index> = Index extends keyof Names ? NameIn<Names[Index]> : never
type NameIn<Name> = Name extends string ? Name : never
/** A map with an `as` clause works out its keys at every look; this copy knows them. */
type KnownKeys<Map> = Pick<Map, keyof Map>
type At<Map, Key> = Key extends keyof Map ? Map[Key] : never

type Clashes<Types> = { [Name in keyof Types]: [Several<Types[Name]>] extends [never] ? never : Name }[keyof Types]
/** The members of a union of different shapes; none for a single type, nor for equal ones. */
type Several<Type, Whole = Type> = Type extends unknown ? ([Whole] extends [Type] ? never : Type) : never
type NotLiteral<Name> = Name extends string ? (Record<never, never> extends Record<Name, 1> ? Name : never) : never

// ---- the verdict on a declaration ----

/**
 * The steps themselves when all is well, otherwise a sentence in the place of each that is wrong. `const` inference sees
 * the tuple through no more than four conditionals, and through none that distributes.
 */
type CheckedSteps<Steps extends readonly unknown[], Given> = number extends Steps['length']
  ? 'steps must be a literal list, so that its types are known. For an array put together at run time, use untypedGraph'
  : [Steps] extends [readonly []]
    ? 'a graph needs at least one step'
    : [Suspects<Steps, Given>] extends [never]
      ? Steps
      : { readonly [Index in keyof Steps]: OrElse<StepSentence<Steps, Given, Index>, Steps[Index]> }

type NotTyped =
  'not a step whose types are known. Make it with step({ … }); for steps put together at run time, use untypedGraph'
type OrElse<Sentence, Otherwise> = [Sentence] extends [never] ? Otherwise : Sentence

/** Anything but `never` when something is wrong: a quick look before sentences are made. */
type Suspects<Steps, Given> = [Steps] extends [readonly TypedStep[]] ? SuspectsIn<GraphTypes<Steps>, Given> : 'untyped'
type SuspectsIn<Types extends AnyTypes, Given> =
  | {
      [Index in Types['indexes']]:
        | ([At<Types['producers'], At<Types['makes'], Index>>] extends [Index] ? never : Index)
        | (string extends Given
            ? never
            : At<Types['requires'], Index> extends keyof Types['producers'] | Given
              ? never
              : Index)
        | Several<At<Types['makes'], Index>>
    }[Types['indexes']]
  | Types['clashes']
  | NotLiteral<keyof Types['types']>

type StepSentence<Steps, Given, Index> = [Steps] extends [readonly TypedStep[]]
  ? SentenceOn<Steps, GraphTypes<Steps>, Given, Index>
  : At<Steps, Index> extends TypedStep
    ? never
    : NotTyped
type SentenceOn<Steps, Types extends AnyTypes, Given, Index> = [
  NotLiteral<At<Types['makes'], Index> | At<Types['needs'], Index>>,
] extends [never]
  ? [Several<At<Types['makes'], Index>>] extends [never]
    ? First<DuplicateSentence<Types, Index>, ClashSentence<Steps, Types, Index>, MissingSentence<Types, Given, Index>>
    : 'which type this step produces must be known: one data type, not one of several'
  : 'the name of a data type must be a literal, so that it is known. For names made at run time, use untypedGraph'
type First<A, B, C> = OrElse<A, OrElse<B, C>>

type DuplicateSentence<Types extends AnyTypes, Index> =
  FirstIndex<Types['makes'], At<Types['makes'], Index>> extends infer Earlier extends string
    ? Earlier extends Index
      ? never
      : `two steps produce "${NameIn<At<Types['makes'], Index>>}": steps[${Earlier}] already does`
    : never

type ClashSentence<Steps, Types extends AnyTypes, Index> = {
  [Name in Extract<At<Types['makes'], Index> | At<Types['needs'], Index>, Types['clashes']>]: [
    TypeNamed<At<Steps, Index>, Name>,
  ] extends [TypeNamed<At<Steps, FirstUser<Types, Name>>, Name>]
    ? never
    : `two data types with different shapes are named "${NameIn<Name>}": steps[${FirstUser<Types, Name>}] means another. Share one declaration`
}[Extract<At<Types['makes'], Index> | At<Types['needs'], Index>, Types['clashes']>]
type FirstUser<Types extends AnyTypes, Name> = FirstIndex<
  { [Index in Types['indexes']]: At<Types['makes'], Index> | At<Types['needs'], Index> },
  Name
>
type TypeNamed<Step, Name> = Step extends TypedStep
  ? Extract<Step['~types']['touches'], { readonly name: Name }>
  : never

type MissingSentence<Types extends AnyTypes, Given, Index> =
  Exclude<At<Types['requires'], Index>, keyof Types['producers'] | Given> extends infer Name extends string
    ? `no step produces "${Name}"`
    : never

/** The lowest index at which the name stands, among '0', '1', …; looked for only once something is wrong. */
type FirstIndex<Names, Name, Passed extends readonly unknown[] = []> = `${Passed['length']}` extends infer Index extends
  keyof Names & string
  ? [Name] extends [Names[Index]]
    ? Index
    : FirstIndex<Names, Name, [...Passed, unknown]>
  : never

/** As `CheckedSteps`, for the list of leaves. */
type CheckedInputs<Inputs extends readonly AnyDataType[], Types extends AnyTypes> = number extends Inputs['length']
  ? Inputs
  : [InputSentence<Types, Inputs[number]>] extends [never]
    ? Inputs
    : { readonly [Index in keyof Inputs]: OrElse<InputSentence<Types, Inputs[Index]>, Inputs[Index]> }

type InputSentence<Types extends AnyTypes, Type> = Type extends AnyDataType
  ? Type['name'] extends keyof Types['producers']
    ? `a step produces "${Type['name']}": leave it out of inputs`
    : Type['name'] extends keyof Types['types']
      ? [Type] extends [Types['types'][Type['name']]]
        ? never
        : `the steps mean another data type named "${Type['name']}". Share one declaration`
      : `no step needs "${Type['name']}": leave it out of inputs`
  : never

// ---- what a call must give ----

/** `never` for a graph that the compiler does not know. */
type TypesOf<G> =
  IsAny<G> extends true ? never : G extends { readonly '~types': infer Types extends AnyTypes } ? Types : never
/** `never` for a data type that the compiler does not know. */
type NameOf<T> = IsAny<T> extends true ? never : T extends { readonly name: infer Name } ? Name : never
type IsAny<T> = 0 extends 1 & T ? true : false
type IsUnknown<G, T> = [TypesOf<G>] extends [never] ? true : [NameOf<T>] extends [never] ? true : false

/**
 * A target as calls take it: the data type itself when a step of the graph makes it, otherwise a sentence.
 *
 * @example function ask<G extends AnyGraph, T extends TypedDataType>(graph: G, target: TargetOf<G, T>): ValueOf<T>
 */
export type TargetOf<G, T> =
  IsUnknown<G, T> extends true
    ? T
    : [NameOf<T>] extends [keyof TypesOf<G>['producers']]
      ? [T] extends [At<TypesOf<G>['types'], NameOf<T>>]
        ? T
        : `graph ${Quoted<NameOf<G>>} means another data type named ${Quoted<NameOf<T>>}. Share one declaration`
      : `no step of graph ${Quoted<NameOf<G>>} produces ${Quoted<NameOf<T>>}`
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

/** A value that `shared` gives, by the name it stands under. */
export type SharedValue<G, T, Name> =
  IsUnknown<G, T> extends true
    ? unknown
    : Name extends Exclude<Upstream<TypesOf<G>['neededBy'], NameOf<T>>, keyof TypesOf<G>['producers']>
      ? GivenAs<TypesOf<G>['types'], Name>
      : Name extends keyof TypesOf<G>['producers']
        ? `a step makes ${Quoted<Name>}: give another value in overrides`
        : `no input of ${Quoted<NameOf<T>>} is named ${Quoted<Name>}`

/** A value that `overrides` gives, by the name it stands under. */
export type OverrideValue<G, T, Name> =
  IsUnknown<G, T> extends true
    ? unknown
    : Name extends keyof TypesOf<G>['producers']
      ? Name extends Exclude<Upstream<TypesOf<G>['neededBy'], NameOf<T>>, NameOf<T>>
        ? GivenAs<TypesOf<G>['types'], Name>
        : `${Quoted<NameOf<T>>} does not need ${Quoted<Name>}: leave it out of overrides`
      : `no step makes ${Quoted<Name>}: give it in the inputs, if it is one`

/**
 * What a call takes besides its options. `Given` is what stands in `overrides`; a value that may be undefined may be left out there, and
 * then its step runs.
 */
export type Overrides<G, T, Given> = {
  /**
   * Values for types that steps make, as their schemas take them: these steps, and what only they need, do not run. `undefined` counts as
   * not given. @default {}
   */
  readonly overrides?:
    { readonly [Name in keyof Given]: OverrideValue<G, T, Name> | Extract<Given[Name], undefined> } | undefined
}

/** The names that are overridden for certain. */
export type OverriddenIn<Given> = {
  [Name in keyof Given]-?: undefined extends Given[Name] ? never : Name
}[keyof Given]
