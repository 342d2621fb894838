import type { GivenOf, TypedDataType } from '../language/data-type.ts'
import type { AnyGraph } from './graph-index.ts'
import type { IsAny } from './graph-types.ts'

/** The data types that a graph gets from outside while it runs; any data type of a graph that the compiler does not know. */
export type SignalTypeOf<G> =
  IsAny<G> extends true
    ? TypedDataType
    : AnyGraph extends G
      ? TypedDataType
      : G extends { readonly steps: readonly (infer Step)[] }
        ? AwaitedBy<Step> | ReceivedBy<Step>
        : never
type AwaitedBy<Step> = Step extends { readonly kind: 'signal'; readonly output: infer T extends TypedDataType }
  ? T
  : never
/** Those of which a step takes any number. */
type ReceivedBy<Step> = Step extends { readonly receives: readonly (infer T extends TypedDataType)[] } ? T : never
type SeveralOf<G> = AnyGraph extends G
  ? never
  : G extends { readonly steps: readonly (infer Step)[] }
    ? ReceivedBy<Step>
    : never
/** One value of a signal, an array of what a step receives. */
type GivenAs<G, T extends TypedDataType> = [T] extends [SeveralOf<G>] ? readonly GivenOf<T>[] : GivenOf<T>

/** Values for what steps of a graph wait for, by the names of their types. */
export type SignalValues<G> = [SignalTypeOf<G>] extends [never]
  ? { readonly [Name in string]: never }
  : string extends SignalTypeOf<G>['name']
    ? Readonly<Record<string, unknown>>
    : { readonly [T in SignalTypeOf<G> as T['name']]?: GivenAs<G, T> | undefined }

/** What calls take that give signals along. */
export interface GivenSignals<Values> {
  /** Values for types that steps wait for, as their schemas take them: they have come before anything begins. @default none */
  readonly signals?: Values | undefined
}

/** Values of what steps of a batch wait for, by the names of their types: the same for all items, or functions of the item. */
export type ItemSignalValues<G, Item> = [SignalTypeOf<G>] extends [never]
  ? { readonly [Name in string]: never }
  : string extends SignalTypeOf<G>['name']
    ? Readonly<Record<string, unknown>>
    : {
        readonly [T in SignalTypeOf<G> as T['name']]?:
          GivenAs<G, T> | ((item: Item, index: number) => GivenAs<G, T> | undefined) | undefined
      }
