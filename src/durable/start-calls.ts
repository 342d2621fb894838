import type { OnError, ResultsOf } from '../core/graph/calls.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import type {
  ForkValue,
  InputsOf,
  OverriddenIn,
  OverrideValue,
  Overrides,
  SharedValue,
  TargetOf,
} from '../core/graph/graph.ts'
import type { GivenSignals, SignalValues } from '../core/graph/signal-types.ts'
import type { TypedDataType } from '../core/language/data-type.ts'
import type { TimerNameOf } from '../core/graph/timer-names.ts'
import type { OverridingOptions, StartOptions } from './context/start-options.ts'
import type { ExecutionHandle } from './execution-handle.ts'
import type { StartBatchOptions } from './start/batch-request.ts'
import type { ForkOptions } from './start/fork-execution.ts'

/** Values for types that steps of the graph make. */
type OverridesOf<G extends AnyGraph, T extends TypedDataType, Given extends object> = Overrides<{
  readonly [Name in keyof Given]: OverrideValue<G, T, Name, Given[Name]>
}>

/** What `docket.execute` takes besides graph, target and inputs. */
export type ExecuteCall<G extends AnyGraph, T extends TypedDataType, Given extends object> = StartOptions &
  GivenSignals<SignalValues<G>> &
  OverridesOf<G, T, Given>

/** What `docket.start` takes besides graph, target and inputs. */
export type StartCall<G extends AnyGraph, T extends TypedDataType, Given extends object> = ExecuteCall<G, T, Given> & {
  /**
   * The client on which the caller has begun a transaction: the execution exists if and only if that commits. The handle waits for that
   * for up to 30 s; then, as after a rollback, it rejects with an ExecutionConflictError.
   */
  readonly transaction?: unknown
}

/** What `docket.fork` takes where the caller names the graph and the target, so that the compiler knows the steps, and the values. */
export interface ForkCall<G extends AnyGraph, T extends TypedDataType, Given extends object> extends Omit<
  ForkOptions,
  'from' | 'overrides'
> {
  /** The execution's graph. */
  readonly graph: G
  /** The execution's target. */
  readonly target: TargetOf<G, T>
  /** The step from which on everything begins anew. Only with `overrides` may it be left out. @default what `overrides` change */
  readonly from?: StepNameOf<G> | undefined
  /** Other values, by type: for leaf inputs, and for types that steps make. @default none */
  readonly overrides?: { readonly [Name in keyof Given]: ForkValue<G, T, Name, Given[Name]> }
}

/** The names of a graph's steps; any name of a graph that the compiler does not know. */
type StepNameOf<G> = AnyGraph extends G
  ? string
  : G extends { readonly steps: readonly (infer Step)[] }
    ? Step extends { readonly name: infer Name extends string }
      ? Name
      : string
    : string

/** One of the starts of `docket.startMany`. */
export type StartOfMany<G extends AnyGraph, T extends TypedDataType, Given extends object> = ExecuteCall<
  G,
  T,
  Given
> & {
  /** Its leaf inputs, as of `start`. */
  readonly inputs: InputsOf<G, T, never, OverriddenIn<Given>>
}

/** What one of the starts of `docket.startMany` came to. */
export type StartOutcome<Handle> =
  | {
      /** Of the execution, which is written down. */
      readonly handle: Handle
      /** Absent: it was started. */
      readonly error?: undefined
    }
  | {
      /** Why it was not started: its id stands for something else, an interceptor refused it, a value of it can't be stored. */
      readonly error: unknown
      /** Absent: there is none. */
      readonly handle?: undefined
    }

/** What `docket.start` takes besides a workflow that stands alone. */
export type WorkflowCall = StartOptions & {
  /** As of any other start. */
  readonly transaction?: unknown
}

/** What `docket.start` gives for a workflow that stands alone. */
export type HandleOfWorkflow<F extends AnyGraph> = ExecutionHandle<ResultsOf<F>, never, TimerNameOf<F>>

/** The options of any start, their types forgotten. */
export type AnyStart = OverridingOptions & {
  /** As of any other start. */
  readonly transaction?: unknown
}
/** The handle of any start. */
export type AnyHandle = ExecutionHandle<never, never, never, never>

/** What `docket.logic` takes besides graph and target. */
export type LogicCall<G extends AnyGraph, T extends TypedDataType, Given extends object> = Omit<
  StartOptions,
  'id' | 'signal' | 'onBusy' | 'dedupe'
> &
  OverridesOf<G, T, Given> & {
    /** Names the execution, by its input: an actor with the same id goes on with the same execution. @default a random UUID */
    readonly id?: string | ((input: InputsOf<G, T, never, OverriddenIn<Given>>) => string)
  }

/** How a durable batch runs. */
export type StartBatch<
  G extends AnyGraph,
  T extends TypedDataType,
  Shared extends string,
  Mode extends OnError,
  Given extends object,
> = Omit<StartBatchOptions, 'shared' | 'overrides' | 'onError' | 'key'> &
  OverridesOf<G, T, Given> & {
    /** Leaf inputs given once for all items; the items then leave them out. @default {} */
    readonly shared?: { readonly [Name in Shared]: SharedValue<G, T, Name> }
    /** Whether the first failure ends the batch, or each item has its own outcome. @default 'fail' */
    readonly onError?: Mode
    /** Names an item in the records: what it is found by after a restart. @default its index */
    readonly key?: (item: InputsOf<G, T, Shared, OverriddenIn<Given>>, index: number) => string
  }
