import { createGraph } from './create-graph.ts'
import type { AnyDataType, TypedDataType, ValueOf } from './data-type.ts'
import type { Duration } from './duration.ts'
import type { AnyGraph, StepDefaults } from './graph-index.ts'
import type { Observer } from './observer.ts'
import type { AnyStep, TypedStep } from './step.ts'

/** A set of steps with one producer per type, all of it known to the compiler. Made by `graph`. */
export interface Graph<Name extends string, Steps extends readonly TypedStep[]> extends AnyGraph {
  readonly name: Name
  /** The literal list, so that graphs compose: `graph({ name, steps: [...users.steps, more] })`. */
  readonly steps: Steps
  readonly '~types': GraphTypes<Steps>
}

/**
 * What the compiler knows of a graph, under `'~types'`; there is no such property at run time. An interface, so that
 * each property is computed once per list of steps. All but `types` end in literals: the checker walks tuples of
 * objects anew whenever it meets them, literals never.
 *
 * @example of steps A → B and (B, optional C) → D:
 * makes ['B', 'D'], requires ['A', 'B'], wants [never, 'C'], producers { B: '0', D: '1' },
 * requiredBy { B: 'A', D: 'B' }, wantedBy { B: never, D: 'C' }, types { A: DataType<'A', …>, … }
 */
export interface GraphTypes<Steps extends readonly TypedStep[]> {
  readonly indexes: Exclude<keyof Steps, keyof readonly unknown[]>
  readonly makes: Pick<Makes<Steps>, GraphTypes<Steps>['indexes'] & keyof Makes<Steps>>
  readonly requires: Pick<Requires<Steps>, GraphTypes<Steps>['indexes'] & keyof Requires<Steps>>
  readonly wants: Pick<Wants<Steps>, GraphTypes<Steps>['indexes'] & keyof Wants<Steps>>
  readonly producers: KnownKeys<ByName<GraphTypes<Steps>['makes'], Same<GraphTypes<Steps>['indexes']>>>
  readonly requiredBy: KnownKeys<ByName<GraphTypes<Steps>['makes'], GraphTypes<Steps>['requires']>>
  readonly needs: KnownKeys<ByName<GraphTypes<Steps>['makes'], GraphTypes<Steps>['wants']>>
  /** A union of data types where one name stands for two shapes. */
  readonly types: KnownKeys<{ readonly [Type in Steps[number]['~types']['touches'] as Type['name']]: Type }>
  readonly clashes: Clashes<GraphTypes<Steps>['types']>
}

type Makes<Steps extends readonly TypedStep[]> = { readonly [Index in keyof Steps]: Steps[Index]['~types']['makes'] }
type Requires<Steps extends readonly TypedStep[]> = { readonly [Index in keyof Steps]: Steps[Index]['~types']['requires'] }
type Wants<Steps extends readonly TypedStep[]> = { readonly [Index in keyof Steps]: Steps[Index]['~types']['wants'] | Steps[Index]['~types']['requires'] }
type Same<Keys> = { [Key in Keys & string]: Key }
type ByName<Names, Values> = { readonly [Index in keyof Names as Names[Index] & string]: At<Values, Index> }
type KnownKeys<Map> = Pick<Map, keyof Map>
type At<Map, Key> = Map[Key & keyof Map]

/** Members of a union that do not stand for all of it: none for a single type, nor for equal shapes. */
type Several<Type, Whole = Type> = Type extends unknown ? ([Whole] extends [Type] ? never : Type) : never
type Clashes<Types> = { [Name in keyof Types]: [Several<Types[Name]>] extends [never] ? never : Name }[keyof Types]
type NotLiteral<Name> = Name extends string ? ({} extends Record<Name, 1> ? Name : never) : never

// ---- the verdict on a declaration ----

/**
 * The steps themselves when all is well, otherwise a sentence in the place of what is wrong. The conditionals are not
 * distributive and few: `const` inference sees the tuple through no more than four of that kind.
 */
type CheckedSteps<Steps extends readonly unknown[], Given> = number extends Steps['length']
  ? 'steps must be a literal list, so that its types are known. For an array put together at run time, use untypedGraph'
  : [Steps] extends [readonly []]
    ? 'a graph needs at least one step'
    : [Steps] extends [readonly TypedStep[]]
      ? [Suspects<GraphTypes<Steps>, Given>] extends [never]
        ? Steps
        : { readonly [Index in keyof Steps]: Told<SentenceOn<Steps, GraphTypes<Steps>, Given, Index>, Steps[Index]> }
      : { readonly [Index in keyof Steps]: Steps[Index] extends TypedStep ? Steps[Index] : NotTyped }

type NotTyped =
  'not a step whose types are known: make it with step({ … }). For steps put together at run time, use untypedGraph'
type Told<Sentence, Otherwise> = [Sentence] extends [never] ? Otherwise : Sentence

/** Not `never` when something is wrong: a quick look at literals, before any sentence is made. */
type Suspects<Types extends AnyTypes, Given> =
  | {
      [Index in Types['indexes']]:
        | ([At<Types['producers'], At<Types['makes'], Index>>] extends [Index] ? never : Index)
        | (At<Types['requires'], Index> extends keyof Types['producers'] | Given ? never : Index)
        | Several<At<Types['makes'], Index>>
    }[Types['indexes']]
  | Types['clashes']
  | NotLiteral<keyof Types['types']>

/** `GraphTypes` as the checks see it. */
interface AnyTypes {
  readonly makes: unknown
  readonly requires: unknown
  readonly wants: unknown
  readonly indexes: PropertyKey
  readonly producers: unknown
  readonly requiredBy: unknown
  readonly needs: unknown
  readonly wantedBy: unknown
  readonly types: unknown
  readonly clashes: unknown
}

type SentenceOn<Steps, Types extends AnyTypes, Given, Index> = 'bad'

/** What `graph` takes. */
export interface GraphDeclaration<Name, Steps, Inputs> {
  readonly name: Name
  readonly steps: Steps
  readonly inputs?: Inputs
  readonly timeout?: Duration
  readonly defaults?: StepDefaults
  readonly observers?: readonly Observer[]
}

export function graph<
  const Name extends string,
  const Steps extends readonly unknown[],
  const Inputs extends readonly AnyDataType[] = readonly AnyDataType[],
>(
  declaration: GraphDeclaration<Name, CheckedSteps<Steps, Inputs[number]['name']>, Inputs>,
): Graph<Name, TypedSteps<Steps>> {
  return createGraph(declaration) as never
}

type TypedSteps<Steps> = [Steps] extends [readonly TypedStep[]] ? Steps : readonly TypedStep[]

// ---- calls ----

type TypesOf<G> = G extends { readonly '~types': infer Types extends AnyTypes } ? Types : never

/** All names that lead to the open ones, eight hops a turn: the compiler grants a thousand turns. Cycles end because seen names are left out. */
type Upstream<Needs, Open, Seen = Open> = [Open] extends [never]
  ? Seen
  : Upstream<Needs, Exclude<Hop<Needs, Open>, Seen>, Seen | Hop<Needs, Open>>
type Hop<Needs, Names> = Names extends keyof Needs ? Needs[Names] : never

type TargetName<T> = T extends { readonly name: infer N } ? N : never

export type InputsOf<G, T> = InputRecord<TypesOf<G>, Upstream<TypesOf<G>['needs'], TargetName<T>>, TargetName<T>>
type InputRecord<Types extends AnyTypes, Needed, Target> = {
  readonly [N in Exclude<Needed, keyof Types['producers']> & string]: GivenTo<At<Types['types'], N>>
} & {
  readonly [N in Exclude<Needed & keyof Types['producers'], Target> & string]?: GivenTo<At<Types['types'], N>>
}
type GivenTo<T> = T extends TypedDataType ? T['~types']['given'] : never

export interface Execute {
  <G extends AnyGraph, T extends TypedDataType>(graph: G, target: T, inputs: InputsOf<G, T>): Promise<ValueOf<T>>
}
