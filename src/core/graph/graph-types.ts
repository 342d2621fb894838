import type { TypedStep } from '../language/step.ts'

/** Steps that are known to the compiler, or any. */
export type TypedSteps<Steps> = [Steps] extends [readonly TypedStep[]] ? Steps : readonly TypedStep[]

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

/**
 * What each step makes, by the steps' names. For people: it is what an editor shows first of a graph. A conditional, because the map is
 * then printed instead of this name.
 */
export type MadeBy<Steps> = [Steps] extends [readonly TypedStep[]]
  ? { [Step in Steps[number] as Step['name']]: Step['~types']['makes'] }
  : never

/** `GraphTypes` of whatever steps. */
export interface AnyTypes {
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
/** The names among whatever keys. */
export type NameIn<Name> = Name extends string ? Name : never
/** A map with an `as` clause works out its keys at every look; this copy knows them. */
type KnownKeys<Map> = Pick<Map, keyof Map>
/** What stands in a map under a key; `never` where nothing does. */
export type At<Map, Key> = Key extends keyof Map ? Map[Key] : never

type Clashes<Types> = { [Name in keyof Types]: [Several<Types[Name]>] extends [never] ? never : Name }[keyof Types]
/** The members of a union of different shapes; none for a single type, nor for equal ones. */
export type Several<Type, Whole = Type> = Type extends unknown ? ([Whole] extends [Type] ? never : Type) : never
/** The names among these that the compiler does not know. */
export type NotLiteral<Name> = Name extends string
  ? Record<never, never> extends Record<Name, 1>
    ? Name
    : never
  : never

/** `never` for a data type that the compiler does not know. */
export type NameOf<T> = IsAny<T> extends true ? never : T extends { readonly name: infer Name } ? Name : never
export type IsAny<T> = 0 extends 1 & T ? true : false
