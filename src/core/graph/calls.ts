import type { DocketError } from '../docket-error.ts'
import type { TypedDataType, ValueOf } from '../language/data-type.ts'
import type { AppOf, GivenApp, TargetWith } from './app-types.ts'
import type { ExplainedPlan } from './explained-plan.ts'
import type { InputsOf, OverriddenIn, OverrideValue, Overrides, SharedValue, TargetOf } from './graph.ts'
import type { AnyWorkflow } from './any-workflow.ts'
import type { AnyGraph } from './graph-index.ts'
import type { GivenSignals, ItemSignalValues, SignalValues } from './signal-types.ts'

/** How a batch treats an item that fails. Calls have the words themselves, because the compiler then prints them. */
export type OnError = 'fail' | 'collect'

/** What came of one item of a batch under `onError: 'collect'`. */
export type Outcome<Value> =
  { readonly value: Value; readonly error?: undefined } | { readonly error: DocketError; readonly value?: undefined }

/** What a batch gives for each item. */
export type Collected<Mode extends OnError, Value> = Mode extends 'collect' ? Outcome<Value> : Value

/** A workflow itself; for other graphs, a sentence. */
export type WorkflowAlone<F> = F extends AnyWorkflow
  ? F
  : 'a graph needs a target and its inputs, like (users, EnrichedUser, { UserID }): a workflow alone does without'
/** What is made of a workflow. */
export type ResultsOf<F> = F extends AnyWorkflow ? ValueOf<F['results']> : never
/** The options of a call, which must be there where the steps read an app. */
type CallOptions<App, Options> = unknown extends App ? [options?: Options] : [options: Options & { readonly app: App }]

/** The signature of `execute`. */
export interface Execute<Options> {
  /** A workflow alone: its results are made of the arguments that stand in it. */
  <F extends AnyGraph>(
    workflow: WorkflowAlone<F>,
    ...options: CallOptions<AppOf<F>, Options & GivenApp<AppOf<F>>>
  ): Promise<ResultsOf<F>>
  <G extends AnyGraph, T extends TypedDataType, Given extends object = Record<never, never>, App = never>(
    graph: G,
    target: TargetWith<G, T, App>,
    inputs: InputsOf<G, T, never, OverriddenIn<Given>>,
    options?: Options &
      GivenApp<App> &
      GivenApp<AppOf<G>> &
      GivenSignals<SignalValues<G>> &
      Overrides<{ readonly [Name in keyof Given]: OverrideValue<G, T, Name, Given[Name]> }>,
  ): Promise<ValueOf<T>>
}

/** The signature of `executeBatch`. */
export interface ExecuteBatch<Options> {
  <
    G extends AnyGraph,
    T extends TypedDataType,
    Shared extends string = never,
    Mode extends 'fail' | 'collect' = 'fail',
    Given extends object = Record<never, never>,
    App = never,
  >(
    graph: G,
    target: TargetWith<G, T, App>,
    items: readonly InputsOf<G, T, Shared, OverriddenIn<Given>>[],
    options?: {
      /** Leaf inputs given once for all items; the items then leave them out. @default {} */
      readonly shared?: { readonly [Name in Shared]: SharedValue<G, T, Name> }
      /** Whether the first failure ends the batch, or each item has its own outcome. @default 'fail' */
      readonly onError?: Mode
    } & Overrides<{ readonly [Name in keyof Given]: OverrideValue<G, T, Name, Given[Name]> }> &
      GivenSignals<ItemSignalValues<G, InputsOf<G, T, Shared, OverriddenIn<Given>>>> &
      GivenApp<App> &
      GivenApp<AppOf<G>> &
      Omit<Options, 'shared' | 'onError' | 'overrides' | 'signals' | 'app'>,
  ): Promise<Collected<Mode, ValueOf<T>>[]>
}

/** The signature of `streamBatch`. */
export interface StreamBatch<Options> {
  <
    G extends AnyGraph,
    T extends TypedDataType,
    Shared extends string = never,
    Mode extends 'fail' | 'collect' = 'fail',
    Given extends object = Record<never, never>,
    App = never,
  >(
    graph: G,
    target: TargetWith<G, T, App>,
    // The array stands there for the compiler's messages: it compares items with items then, not iterators.
    items:
      | readonly InputsOf<G, T, Shared, OverriddenIn<Given>>[]
      | Iterable<InputsOf<G, T, Shared, OverriddenIn<Given>>>
      | AsyncIterable<InputsOf<G, T, Shared, OverriddenIn<Given>>>,
    options?: {
      /** Leaf inputs given once for all items; the items then leave them out. @default {} */
      readonly shared?: { readonly [Name in Shared]: SharedValue<G, T, Name> }
      /** Whether the first failure ends the batch, or each item has its own outcome. @default 'fail' */
      readonly onError?: Mode
    } & Overrides<{ readonly [Name in keyof Given]: OverrideValue<G, T, Name, Given[Name]> }> &
      GivenSignals<ItemSignalValues<G, InputsOf<G, T, Shared, OverriddenIn<Given>>>> &
      GivenApp<App> &
      GivenApp<AppOf<G>> &
      Omit<Options, 'shared' | 'onError' | 'overrides' | 'signals' | 'app'>,
  ): AsyncIterable<Collected<Mode, ValueOf<T>>>
}

/** The signature of `parseInputs`. */
export interface ParseInputs {
  <
    G extends AnyGraph,
    T extends TypedDataType,
    Shared extends string = never,
    Given extends object = Record<never, never>,
  >(
    graph: G,
    target: TargetOf<G, T>,
    given: unknown,
    options?: {
      /** Leaf inputs that a batch is given once for all items, where the inputs are of an item. @default {} */
      readonly shared?: { readonly [Name in Shared]: SharedValue<G, T, Name> }
    } & Overrides<{ readonly [Name in keyof Given]: OverrideValue<G, T, Name, Given[Name]> }>,
  ): Promise<InputsOf<G, T, Shared, OverriddenIn<Given>>>
}

/** The signature of `explain`; what is not given yet is shown as missing. */
export interface Explain<Options> {
  <G extends AnyGraph, T extends TypedDataType, Given extends object = Record<never, never>>(
    graph: G,
    target: TargetOf<G, T>,
    inputs?: Partial<InputsOf<G, T>>,
    options?: Options & Overrides<{ readonly [Name in keyof Given]: OverrideValue<G, T, Name, Given[Name]> }>,
  ): ExplainedPlan
}
