import type { AnyDataType } from '../language/data-type.ts'
import type { Drawing } from './drawing.ts'
import type { FormerNames } from './former-names.ts'
import type { Duration } from '../duration.ts'
import type { Observer } from '../contracts/observer.ts'
import type { ConcurrencyPolicy, LimitScope, PersistPolicy, PersistScope, RetryPolicy } from '../language/policy.ts'
import type { AnyStep } from '../language/step.ts'
import type { Store } from '../contracts/store.ts'

/** Policies that hold for every step of a graph that does not state its own. */
export interface StepDefaults {
  /** How long one attempt may take. @default no limit */
  readonly timeout?: Duration | undefined
  /** How often a step is tried. @default once */
  readonly retry?: RetryPolicy | undefined
  /** For how long, and for which calls, results are remembered. @default not at all */
  readonly persist?: 'execution' | 'global' | PersistPolicy | undefined
  /** How many attempts of each step run at the same time, over all executions of the process. @default no limit */
  readonly concurrency?: number | ConcurrencyPolicy | undefined
}

/** Any graph, its types forgotten: what the runtime sees. Made by `createGraph` only, so it is checked. */
export interface AnyGraph {
  readonly kind: 'graph'
  /** Part of keys, events and errors. */
  readonly name: string
  /** As they were declared. */
  readonly steps: readonly AnyStep[]
  /** The leaves that the declaration names; undefined where it names none. */
  readonly inputs: readonly AnyDataType[] | undefined
  /** How long an execution may take; undefined for no limit. */
  readonly timeout: Duration | undefined
  /** Policies of steps that do not state their own. */
  readonly defaults: StepDefaults
  /** What gets the events of all executions of the graph. */
  readonly observers: readonly Observer[]
  /** What the graph was called before, the newest name first. */
  readonly formerly: readonly string[]
  /** Functions of what is on record of an execution, by name. */
  readonly queries: object
  /** The types that no step produces, of the whole graph or of what one target needs, in the order in which steps name them. */
  leaves(target?: AnyDataType): readonly AnyDataType[]
  /** All types: what steps produce and what they need, in the order in which steps name them. */
  types(): readonly AnyDataType[]
}

/** One input of a step, ready for the runtime. */
export interface PortSpec {
  readonly name: string
  readonly type: string
  readonly kind: 'plain' | 'optional' | 'all'
}

/** What is remembered of a step, durations as numbers. */
export interface PersistSpec {
  readonly scope: PersistScope
  readonly ttlMs: number | undefined
  readonly namespace: string
  readonly capacity: number
  /** A store of the step's own for global results. */
  readonly store: Store | undefined
  readonly onStoreError: 'fail' | 'run'
  /** Names the step's results in a framed way: namespace, step, version, output type and its version. */
  readonly family: string
  /** Where results are that were made before something got another name; undefined where nothing did. */
  readonly former: FormerResults | undefined
}

/** What the results of a step were remembered under before. */
export interface FormerResults {
  /** Families, the newest first. */
  readonly families: readonly string[]
  /** Namespace and output type as they were first: what idempotency keys are made of. */
  readonly firstNamespace: string
  readonly firstOutput: string
}

/** A checked step with its policies resolved: numbers instead of texts, defaults filled in. */
export interface StepSpec extends Tries {
  readonly step: AnyStep
  /** The declaration that its limits are of: the step, or what a node of a workflow stands for. */
  readonly limited: AnyStep
  readonly kind: AnyStep['kind']
  readonly name: string
  /** The name that it had first: what keys of its attempts are made of. */
  readonly firstName: string
  readonly output: AnyDataType
  readonly ports: readonly PortSpec[]
  /** Whether it runs once for a whole batch because it takes all items of a type. */
  readonly takesAll: boolean
  readonly run: (inputs: unknown, context: unknown) => unknown
  /** Whether it hands on what it takes, as it is. */
  readonly passesOn: boolean
  /** Whether it runs, by its inputs; may throw, being the user's. */
  readonly when: ((inputs: unknown) => unknown) | undefined
  /** The data types of which it takes any number of values from outside. */
  readonly receives: readonly AnyDataType[]
  /** What it may show while it runs. */
  readonly publishes: readonly AnyDataType[]
  /** Whether its work is to wait, so that it holds no slot of any limit. */
  readonly isWait: boolean
  readonly timeoutMs: number | undefined
  readonly persist: PersistSpec | undefined
  readonly version: string
  readonly concurrency: ConcurrencySpec | undefined
  readonly rate: RateSpec | undefined
  /** Whether an attempt may have to wait for a limit of its own. */
  readonly isLimited: boolean
  /** Whether one of these limits is kept in the store, for all processes. */
  readonly sharesLimits: boolean
  readonly fallback: { readonly value: unknown } | undefined
  readonly compensate: CompensateSpec | undefined
}

/** How many attempts of a step run at the same time. */
export interface ConcurrencySpec {
  readonly limit: number
  readonly key: ((inputs: unknown) => string) | undefined
  readonly scope: LimitScope
  readonly version: number
}

/** How many attempts of a step begin in a period. */
export interface RateSpec extends ConcurrencySpec {
  readonly perMs: number
  readonly burst: number
}

/** How what a step did is undone. */
export interface CompensateSpec extends Tries {
  /** The step's name. */
  readonly name: string
  readonly run: (output: unknown, context: unknown) => unknown
  readonly timeoutMs: number | undefined
  /** How long an attempt of the step is waited for that still runs. */
  readonly waitMs: number
}

/** How often something is tried. */
export interface Tries {
  readonly maxAttempts: number
  /** Milliseconds to wait after failed attempt number `attempt`; may throw, being the user's. */
  readonly backoff: ((attempt: number, random: () => number) => unknown) | undefined
  readonly retryIf: ((error: unknown) => boolean) | undefined
}

/** A graph's steps by what they produce. */
export interface GraphIndex {
  readonly graph: AnyGraph
  readonly specs: readonly StepSpec[]
  readonly producers: ReadonlyMap<string, StepSpec>
  /** Every type by its name, in the order in which steps name them. */
  readonly types: ReadonlyMap<string, AnyDataType>
  /** What the graph, its steps and its types were called before; undefined where nothing had another name. */
  readonly former: FormerNames | undefined
  /** A step whose functions read `ctx.app`; undefined where none does. */
  readonly readsApp: string | undefined
  /** The graph's name at first. */
  readonly firstName: string
  readonly timeoutMs: number | undefined
  /** Of a graph drawn by name, the drawing that it was made of. */
  readonly drawing: Drawing | undefined
  /** The steps that it was made with, by the names that the drawing has for them; undefined where there is none. */
  readonly drawnWith: ReadonlyMap<string, AnyStep> | undefined
  /** Whether it was put together at run time, so that its names may be any. */
  readonly isUntyped?: boolean | undefined
}

/** Whether a program names the graph, its steps and its types, rather than what made them at run time. */
export function hasDeclaredNames({ drawing, isUntyped }: Pick<GraphIndex, 'drawing' | 'isUntyped'>): boolean {
  return drawing === undefined && isUntyped !== true
}

/**
 * Where a graph holds its index: the same key in every copy of the package, so that each can run the graphs of the others. The number
 * goes up when the index changes its shape.
 */
const indexKey = Symbol.for('docket.graphIndex.3')

/** Lets something be a graph whose index is made when it is first looked at. */
export function keepIndexLater(graph: AnyGraph, make: () => GraphIndex): void {
  let index: GraphIndex | undefined
  Object.defineProperty(graph, indexKey, { get: () => (index ??= make()) })
}

/** Keeps a checked graph's index; called once, when the graph is made. */
export function keepIndex(index: GraphIndex): void {
  Object.defineProperty(index.graph, indexKey, { value: index })
}

/** The index of a graph made by `graph()` or `untypedGraph()`; undefined for anything else. */
export function indexOf(graph: AnyGraph): GraphIndex | undefined {
  return Object.hasOwn(graph, indexKey) ? (Reflect.get(graph, indexKey) as GraphIndex) : undefined
}
