import type { TakesApp } from '../language/step.ts'
import type { AnyGraph } from './graph-index.ts'
import type { TargetOf } from './graph.ts'
import type { IsAny } from './graph-types.ts'

/**
 * What the steps of a graph (or of several) read as `ctx.app`, all that each of them needs; `unknown` where none needs any, and where the compiler
 * does not know the graph.
 */
export type AppOf<G> = AppTakenBy<TakerIn<G>>
/** Of several steps that take different ones, the inferred parameter is what satisfies all of them. */
type AppTakenBy<Taker> = [Taker] extends [never] ? unknown : [Taker] extends [(app: infer App) => void] ? App : unknown
type TakerIn<G> =
  IsAny<G> extends true ? never : G extends { readonly steps: readonly (infer Step)[] } ? TakerOf<Step> : never
type TakerOf<Step> = Step extends { readonly '~app': infer Taker } ? Taker : never

/** What a step is besides that runs a graph whose steps read `ctx.app`. */
export type AppOfNested<G> = unknown extends AppOf<G> ? unknown : TakesApp<AppOf<G>>

/** What calls take that run a graph by themselves. `App` is what they are given, and nothing where they are not given any. */
export interface GivenApp<App> {
  /** What steps see as `ctx.app`: connections, clients, configuration. It is handed on as it is, and never stored. @default undefined */
  readonly app?: App | undefined
}

/** What `createDocket` must be given for its graphs. */
export type AppFor<G extends AnyGraph> = unknown extends AppOf<G> ? unknown : { readonly app: AppOf<G> }

/** As `TargetOf`, of a call that is given `App`, or `never`: a sentence where the graph's steps need one. */
export type TargetWith<G, T, App> = [App] extends [never]
  ? unknown extends AppOf<G>
    ? TargetOf<G, T>
    : G extends { readonly name: infer Name extends string }
      ? `steps of graph "${Name}" read ctx.app: give it in the options, { app }`
      : never
  : TargetOf<G, T>
