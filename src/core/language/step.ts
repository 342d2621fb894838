import { ownFields } from './data-type.ts'
import type {
  AnyDataType,
  AnyPort,
  DataTypeHint,
  GivenOf,
  Port,
  PortHint,
  TypedDataType,
  ValueOf,
} from './data-type.ts'
import type { Duration } from '../duration.ts'
import type { Logger } from '../contracts/logger.ts'
import type { Compensate, CompensatePolicy } from './compensation.ts'
import type { ConcurrencyPolicy, PersistPolicy, PersistScope, RatePolicy, RetryPolicy } from './policy.ts'

/**
 * What a step's `run` gets besides its inputs. `App` is known in steps that `defineSteps` makes. It is made for each attempt, and most of it when it is looked at: take
 * out of it what you need, `({ user }, { signal, log }) => …`, or pass it on as it is. A copy (`{ ...ctx }`, `Object.assign({}, ctx)`) lacks what it makes.
 */
export interface StepContext<App = unknown> {
  /** Aborted when this attempt times out or the execution ends; made only when looked at. */
  readonly signal: AbortSignal
  /** This try of the step, from 1. */
  readonly attempt: number
  /** The execution's id: the caller's `id`, else a random one. Items of a batch share the batch's. */
  readonly executionId: string
  /** The step's `name`. */
  readonly stepName: string
  /** Index of the batch's item; undefined outside batches and in steps that run once for the whole batch. */
  readonly item: number | undefined
  /** How many items of the batch have failed so far: what an `all(T)` port leaves out under `onError: 'collect'`. 0 outside batches. */
  readonly failedItems: number
  /** Stable over the attempts of this step in this execution (for a global step: over all executions with equal inputs). */
  readonly idempotencyKey: string
  /** Headers that the caller gave. */
  readonly headers: Readonly<Record<string, string>>
  /** What the call, or the docket, was given as `app`: as it is, and the same for all steps. */
  readonly app: App
  /** A logger bound to execution id, step and attempt; silent when none was given. */
  readonly log: Logger
}

/** Any step, its types forgotten: what the runtime sees. */
export interface AnyStep {
  /** `step`: a function makes the output. `value`: the declaration holds it. `race`: the first of its inputs is, or leads to, the output. `timer`: a time comes. `signal`: somebody outside gives it. `event`: it is broadcast. `subgraph`: another graph makes it. `machine`: it is the output of an XState machine. `durable`: a function that may wait, and run again from its top. `remote`: another service makes it. */
  readonly kind:
    'step' | 'value' | 'race' | 'timer' | 'signal' | 'event' | 'subgraph' | 'machine' | 'durable' | 'remote'
  /** Part of keys, events and errors. */
  readonly name: string
  /** Named ports: data types, `optional(T)`, `all(T)`. */
  readonly inputs: Readonly<Record<string, AnyPort>>
  /** The one data type that the step makes. */
  readonly output: AnyDataType
  /** Makes the output from the inputs. */
  readonly run: (inputs: never, context: StepContext) => unknown
  /** The data types of which it takes any number of values from outside, while it runs; undefined for none. */
  readonly receives?: readonly AnyDataType[] | undefined
  /** What it may show while it runs; undefined for nothing. */
  readonly publishes?: readonly AnyDataType[] | undefined
  /** How long one attempt may take; undefined for the graph's default. */
  readonly timeout?: Duration | undefined
  /** How often it is tried; undefined for the graph's default. */
  readonly retry?: RetryPolicy | undefined
  /** What is remembered of it; undefined for the graph's default. */
  readonly persist?: PersistScope | PersistPolicy | undefined
  /** Part of the key of remembered results. */
  readonly version?: string | number | undefined
  /** What it was called before, the newest name first. */
  readonly formerly?: string | readonly string[] | undefined
  /** How many attempts run at the same time; undefined for the graph's default. */
  readonly concurrency?: number | ConcurrencyPolicy | undefined
  /** How many attempts begin in a period; undefined for any number. */
  readonly rate?: RatePolicy | undefined
  /** The queue in which it is an execution of its own, where it runs in a docket; undefined for the execution that it is part of. */
  readonly queue?: string | undefined
  /** Whether it runs, by its inputs; undefined for always. */
  readonly when?: ((inputs: never) => boolean) | undefined
  /** A value, or a function `(error, inputs) => value`, that takes the place of the result when the step failed for good. */
  readonly fallback?: unknown
  /** Undoes what it did when the execution fails or is cancelled: a function of its output, or one with policies of its own. */
  readonly compensate?: unknown
  /** Whether its functions read `ctx.app`: then nothing runs it without one. */
  readonly needsApp?: boolean | undefined
  /** In a workflow, the results of other nodes that it reads as `ctx.results`; undefined for a step that reads none. */
  readonly results?: Readonly<Record<string, AnyDataType>> | undefined
  /** What it is in the graph of a workflow: one of the nodes, or what makes the record of all results. */
  readonly drawn?: 'node' | 'results' | undefined
  /** Of such a node, the step that it stands for: limits are that step's. */
  readonly origin?: AnyStep | undefined
}

/** A record of named ports: what a step's `inputs` is. */
export type Ports = Readonly<Record<string, Port>>

/** As `Ports`, in a declaration: the compiler prints the hints to those who give something else. */
export type DeclaredPorts = Readonly<Record<string, Port | PortHint>>
/** Beside `DeclaredPorts`, not among them: of a union with a name, the compiler prints the name. */
export type PortsHint = 'an object of named ports, like { user: UserID }'
/**
 * The ports of a declaration: none where `Inputs` is all that it could be, since `step` has no default for it, nor for its other type parameters. With one the
 * compiler would take the defaults for what they are, and the widest type for the output, before it looks at a function without parameters.
 */
type Declared<Inputs> = [PortsHint] extends [Inputs] ? Record<never, never> : Inputs
export type PortsOf<Inputs extends DeclaredPorts | PortsHint> = [Declared<Inputs>] extends [Ports]
  ? Declared<Inputs>
  : Ports

/**
 * What `run` gets for its ports: a value, `value | undefined` for `optional(T)`, an array for `all(T)`. Read out of an object, because
 * the compiler's messages then print the ports instead of this name.
 */
export type ReceivedBy<Inputs extends DeclaredPorts | PortsHint> = OfPorts<Declared<Inputs>>['ports']
interface OfPorts<Inputs> {
  readonly ports: { readonly [Key in keyof Inputs]: Received<Inputs[Key]> }
}
type Received<Given> = Given extends Port ? Given['~types']['received'] : unknown

/** What the compiler knows of a step, under `'~types'`. There is no such property at run time. */
export interface StepTypes {
  /** Name of the type that it makes. */
  readonly makes: string
  /** Names of the types that must be there. */
  readonly requires: string
  /** Names of the types that may be missing. */
  readonly wants: string
  /** All types that it names. */
  readonly touches: AnyDataType
}

/** A step whose types the compiler knows, whichever they are. */
export interface TypedStep extends AnyStep {
  readonly '~types': StepTypes
}

/** A function from data types to one data type. Made by `step`. */
export interface Step<
  Inputs extends Ports,
  Output extends TypedDataType,
  Name extends string = string,
> extends TypedStep {
  /** Part of keys, events and errors. */
  readonly name: Name
  /** Named ports: data types, `optional(T)`, `all(T)`. */
  readonly inputs: Inputs
  /** The one data type that the step makes. */
  readonly output: Output
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Inputs[keyof Inputs]['~types']['requires']
    readonly wants: Inputs[keyof Inputs]['~types']['wants']
    readonly touches: Output | Inputs[keyof Inputs]['~types']['touches']
  }
}

/** Data types by the names of the nodes of a workflow that make them: what a step's `results` is. */
export type DeclaredResults = Readonly<Record<string, TypedDataType>>

/** What the `run` of a step with `results` finds in its context: of each node that it depends on, the result. */
export interface ReadsResults<Results extends DeclaredResults> {
  /** Results of the nodes that `results` names, and of all others that this node depends on: for these, see `resultsOfType` and `resultsLike`. */
  readonly results: ResultsIn<Results>
}
/** A conditional, because the compiler's messages then print the record instead of a name. */
type ResultsIn<Results> = Results extends DeclaredResults
  ? { readonly [Name in keyof Results]: ValueOf<Results[Name]> }
  : never
/** As `ReadsResults`; nothing for a step that declares no results. */
export type ContextBesides<Results> = [Results] extends [DeclaredResults] ? ReadsResults<Results> : unknown
/** What a step is besides that reads results: for the compiler alone. */
export interface TakesResults<Results> {
  readonly '~reads': Results
}
/** As `TakesResults`; nothing for a step that declares no results. */
export type StepBesides<Results> = [Results] extends [DeclaredResults] ? TakesResults<Results> : unknown

/** What a step is besides whose functions read `ctx.app`: for the compiler alone. */
export interface TakesApp<App> {
  readonly '~app': (app: App) => void
}

/** What `step` takes. Options that are left out take the graph's `defaults`, then none. */
export interface StepDeclaration<
  Output extends TypedDataType,
  Inputs extends DeclaredPorts | PortsHint,
  Name extends string,
  App = unknown,
  Results extends DeclaredResults | undefined = undefined,
> {
  /** Part of keys, events and errors; no two steps of a graph share one. */
  readonly name: Name
  /** Named ports: data types, `optional(T)`, `all(T)`. @default {} */
  readonly inputs?: Inputs
  /** The one data type that the step makes. */
  readonly output: Output | DataTypeHint
  /**
   * In a graph drawn by name, the results of other nodes that it reads as `ctx.results`: their types, by the names of the nodes. Such a step
   * stands in workflows alone. @default none
   */
  readonly results?: Results
  /** Makes the output from the inputs; may be async. Should pass `context.signal` on to whatever it waits for. */
  readonly run: OnceKnown<
    Output,
    (inputs: ReceivedBy<Inputs>, context: StepContext<App> & ContextBesides<Results>) => MaybePromise<GivenOf<Output>>
  >
  /** How long one attempt may take. @default no limit */
  readonly timeout?: Duration | undefined
  /** How often the step is tried. @default once */
  readonly retry?: RetryPolicy | undefined
  /** For how long and for whom the result is remembered. @default not at all */
  readonly persist?: 'execution' | 'global' | PersistPolicy | undefined
  /** Part of the key of remembered results: change it when the code changes its meaning. @default none */
  readonly version?: string | number | undefined
  /**
   * What the step was called before, the newest name first: it goes on with the records of that name, finds its global results, and keeps its
   * idempotency keys. @default none
   */
  readonly formerly?: string | readonly string[] | undefined
  /** How many attempts run at the same time: over all executions of the process, or, with a `scope`, of all processes. @default no limit */
  readonly concurrency?: number | ConcurrencyPolicy<ReceivedBy<Inputs>> | undefined
  /** How many attempts begin in a period: over all executions of the process, or, with a `scope`, of all processes. @default no limit */
  readonly rate?: RatePolicy<ReceivedBy<Inputs>> | undefined
  /**
   * In a docket, lets processes that work on this queue run the step: as an execution of its own, whose inputs stay with the execution that it is part of.
   * Its policies hold there, and its timeout does not count the time in the queue. In plain `execute` it runs in place. @default it runs where its execution does
   */
  readonly queue?: string | undefined
  /** Whether the step runs, by its inputs; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((inputs: ReceivedBy<Inputs>) => boolean) | undefined
  /** Takes the place of the result when the step failed for good: a value, or a function that makes one. @default none */
  readonly fallback?:
    GivenOf<Output> | ((error: unknown, inputs: ReceivedBy<Inputs>) => MaybePromise<GivenOf<Output>>) | undefined
  /**
   * Undoes what the step did when the execution fails or is cancelled: after what its dependants did, once, and whatever ended the
   * execution. A value from a cache, an override or a fallback is not undone. @default none
   */
  readonly compensate?:
    | Compensate<ValueOf<Output>, ReceivedBy<Inputs>, App>
    | CompensatePolicy<ValueOf<Output>, ReceivedBy<Inputs>, App>
    | undefined
}

/**
 * The function, as a condition that the compiler decides once it knows the output: so it takes the sum of `prices.reduce((sum, cents) => sum + cents, 0)`, in what
 * a function with parameters returns, for the number that is to be made, and not for a 0.
 */
export type OnceKnown<Output extends TypedDataType, Fn> = [Output] extends [never] ? Fn : Fn
/** `Promise` stands beside `PromiseLike` for the compiler's messages: it compares a promise with a promise then, not two signatures of `then`. */
export type MaybePromise<Value> = Value | Promise<Value> | PromiseLike<Value>

/**
 * Declares a step. Inert: `graph()` reports wrong options.
 *
 * @example
 * const enrich = step({
 *   name: 'Enrich',
 *   inputs: { profile: UserProfile, preferences: optional(UserPreferences) },
 *   output: EnrichedUser,
 *   run: ({ profile, preferences }) => ({ name: profile.name, darkMode: preferences?.darkMode ?? false }),
 * })
 */
export function step<
  Output extends TypedDataType,
  const Inputs extends DeclaredPorts | PortsHint,
  const Name extends string,
  const Results extends DeclaredResults | undefined,
>(
  declaration: StepDeclaration<Output, Inputs, Name, unknown, Results>,
): Step<PortsOf<Inputs>, Output, Name> & StepBesides<Results> {
  const fields = ownFields(declaration)
  for (const key of ['inputs', 'retry', 'persist', 'concurrency', 'rate', 'compensate', 'results']) {
    if (isPlainObject(fields[key])) fields[key] = Object.freeze(ownFields(fields[key]))
  }
  return Object.freeze({ ...fields, inputs: fields['inputs'] ?? noInputs, kind: 'step' }) as never
}

const noInputs = Object.freeze({})

/** Copying anything else would lose what it is. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  try {
    const prototype: unknown = Object.getPrototypeOf(value)
    return prototype === Object.prototype || prototype === null
  } catch {
    return false
  }
}
