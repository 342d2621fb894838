import type { AnyGraph } from './graph-index.ts'
import type { IsAny } from './graph-types.ts'

/** The names of a graph's timers; any name of a graph that the compiler does not know. */
export type TimerNameOf<G> =
  IsAny<G> extends true
    ? string
    : AnyGraph extends G
      ? string
      : G extends { readonly steps: readonly (infer Step)[] }
        ? Step extends { readonly kind: 'timer'; readonly name: infer Name extends string }
          ? Name
          : never
        : never

/** A timer, or its name. */
export type TimerRef<Name extends string> = Name | { readonly kind: 'timer'; readonly name: Name }
