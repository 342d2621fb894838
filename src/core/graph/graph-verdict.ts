import type { AnyDataType } from '../language/data-type.ts'
import type { AnyStep, TypedStep } from '../language/step.ts'
import type { AnyGraph } from './graph-index.ts'
import type { AnyTypes, At, GraphTypes, NameIn, NotLiteral, Several } from './graph-types.ts'

/**
 * The steps themselves when all is well, otherwise a sentence in the place of each that is wrong. `const` inference sees
 * the tuple through no more than four conditionals, and through none that distributes.
 */
export type CheckedSteps<Steps extends readonly unknown[], Given> = number extends Steps['length']
  ? 'steps must be a literal list (written in place, or as const), so that its types are known. For an array put together at run time, use untypedGraph'
  : [Steps] extends [readonly []]
    ? 'a graph needs at least one step'
    : [Suspects<Steps, Given>] extends [never]
      ? Steps
      : { readonly [Index in keyof Steps]: OrElse<StepSentence<Steps, Given, Index>, Steps[Index]> }

/** What to say of something that is no step. */
type NotTyped<Given> = Given extends AnyStep
  ? 'a step whose types are not known. Let the compiler infer the type of what step({ … }) returns; for steps put together at run time, use untypedGraph'
  : Given extends AnyDataType
    ? 'a data type, not a step. List the step that makes it; types that no step makes need not be listed'
    : Given extends AnyGraph | readonly unknown[]
      ? 'not a step. Spread the steps of a graph or list: ...users.steps'
      : Given extends false | null | undefined
        ? 'a step that may be missing: its type is then not known. Decide between two graphs, or use untypedGraph'
        : 'not a step. Make it with step({ name, inputs, output, run })'
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
    : NotTyped<MissingOf<At<Steps, Index>>>
/** Of a step that may be missing, what stands in its place then. */
type MissingOf<Given> = [Extract<Given, false | null | undefined>] extends [never]
  ? Given
  : Extract<Given, false | null | undefined>
type SentenceOn<Steps, Types extends AnyTypes, Given, Index> = [
  NotLiteral<At<Types['makes'], Index> | At<Types['needs'], Index>>,
] extends [never]
  ? [Several<At<Types['makes'], Index>>] extends [never]
    ? First<
        DuplicateSentence<Steps, Types, Index>,
        ClashSentence<Steps, Types, Index>,
        MissingSentence<Types, Given, Index>
      >
    : 'which type this step produces must be known: one data type, not one of several'
  : 'the name of a data type must be a literal, so that it is known. For names made at run time, use untypedGraph'
/** A step of the list, by its name where the compiler knows that. */
type Called<Steps, Index extends string> =
  At<Steps, Index> extends { readonly name: infer Name extends string }
    ? [NotLiteral<Name>] extends [never]
      ? `step "${Name}"`
      : `steps[${Index}]`
    : never
type First<A, B, C> = OrElse<A, OrElse<B, C>>

type DuplicateSentence<Steps, Types extends AnyTypes, Index> =
  FirstIndex<Types['makes'], At<Types['makes'], Index>> extends infer Earlier extends string
    ? Earlier extends Index
      ? never
      : [NotLiteral<At<Types['makes'], Earlier>>] extends [never]
        ? [At<Steps, Index>, At<Steps, Earlier>] extends [At<Steps, Earlier>, At<Steps, Index>]
          ? `this step is listed twice: steps[${Earlier}] is the same`
          : `two steps produce "${NameIn<At<Types['makes'], Index>>}": ${Called<Steps, Earlier>} already does`
        : never
    : never

type ClashSentence<Steps, Types extends AnyTypes, Index> = {
  [Name in Extract<At<Types['makes'], Index> | At<Types['needs'], Index>, Types['clashes']>]: [
    TypeNamed<At<Steps, Index>, Name>,
  ] extends [TypeNamed<At<Steps, FirstUser<Types, Name>>, Name>]
    ? never
    : `two data types with different shapes are named "${NameIn<Name>}": ${Called<Steps, FirstUser<Types, Name>>} means another. Share one declaration`
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
export type CheckedInputs<Inputs extends readonly unknown[], Types extends AnyTypes> = number extends Inputs['length']
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
