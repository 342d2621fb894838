import type { ErrorPlace } from '../../core/docket-error.ts'
import type { EndReport } from './end-report.ts'
import type { ExecutionEvent as ExecutionMachineEvent, ReleaseCause, StepEvent } from '../../../machines/index.ts'
import { OptionError } from '../../core/errors.ts'
import { missingAppText } from '../../core/graph/read-app.ts'
import type { GivenApp } from '../../core/graph/app-types.ts'
import { durationMs } from '../../core/duration.ts'
import { hasDeclaredNames } from '../../core/graph/graph-index.ts'
import type { AnyGraph, GraphIndex, PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import { silentLogger } from '../../core/contracts/logger.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { BatchPart } from './part.ts'
import { fullClockOf } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import { Emitter } from './emitter.ts'
import type { ExecuteOptions } from './execution-options.ts'
import type { KeyNames } from '../steps/key-names.ts'
import type { Recorder } from './recorder.ts'
import type { ResultCache } from '../results/result-cache.ts'
import type { SharedResults } from '../results/shared-results.ts'
import type { ChildRequest, RunningChild, StepInterceptors } from '../steps/step-work.ts'
import type { Checkpoints } from '../steps/checkpoints.ts'
import type { EmitEvent, Events } from '../steps/events.ts'
import type { Inbox } from '../steps/inbox.ts'
import type { SharedLimits } from '../steps/shared-limits.ts'
import type { Signals } from '../steps/signals.ts'
import type { TimerTimes } from '../steps/timer-times.ts'
import type { Undoings } from '../results/undoings.ts'
import type { StepState } from './step-state.ts'
import { randomId } from '../environment/ids.ts'
import { deadlineMs } from '../environment/time-limit.ts'
import type { TimeBounds } from '../environment/time-limit.ts'

/** What a call's options come to, with the graph's own filled in. */
export interface ResolvedOptions extends TimeBounds {
  readonly id: string | undefined
  readonly clock: FullClock
  readonly random: () => number
  readonly emitter: Emitter | undefined
  readonly logger: Logger
  readonly headers: Readonly<Record<string, string>>
  /** What steps see as `ctx.app`. */
  readonly app: unknown
  /** What stands around functions of steps; undefined outside of dockets. */
  readonly interceptors: StepInterceptors | undefined
  readonly signal: AbortSignal | undefined
  /** Those that the call has given, beside the graph's: they get the events of child executions too. */
  readonly observers: readonly Observer[]
}

/** An execution, as what begins its children sees it. */
export interface ChildParent {
  readonly id: string
  readonly place: ErrorPlace
  readonly options: ResolvedOptions
  readonly setup: Pick<ExecutionSetup, 'beginsAgain'>
  readonly recorder: Recorder | undefined
  /** Why it goes on elsewhere; undefined where it does not. */
  readonly released: ReleaseCause | undefined
}

/** Begins the children of durable executions, which are executions of their own. */
export interface DurableChildren {
  /** `item`: key of the batch's item in its records. */
  begin(parent: ChildParent, id: string, request: ChildRequest, item?: string): RunningChild
  /** Ends one that an earlier process of its parent may have begun, and of which nobody takes the value any more. */
  cancel(parent: ChildParent, id: string, step: string, reason: unknown, item?: string): void
  /** Ends those that a durable function of the parent has begun, and whose ids stand below this one. */
  cancelBelow(parent: ChildParent, id: string, step: string, reason: unknown, item?: string): void
  /** Ends those of a batch that its items have left: `leftOf` finds them, by id, among all that are open. */
  cancelLeft(
    parent: ChildParent,
    leftOf: (open: readonly string[]) => Promise<ReadonlyMap<string, { readonly step: string; readonly item: string }>>,
    reason: unknown,
  ): void
}

/** Everything that an execution is given. */
export interface ExecutionSetup {
  readonly plan: Plan
  readonly options: ResolvedOptions
  /** Where results of scope 'execution' are remembered; undefined where they could never be found again. */
  readonly cache: ResultCache | undefined
  /** Digest of target and inputs, for keys of scope 'execution'; undefined for a part of a batch. */
  readonly requestDigest?: string | undefined
  readonly onCompleted: (value: unknown) => void
  /** Of a durable one, nobody has been shown yet how it ended: that is for `report`. */
  readonly onFailed: (error: unknown, report: EndReport) => void
  /** The caller's own signal or time has ended its wait for a durable one, of which it is on record that it is undone. */
  readonly onCallerLeft?: ((error: unknown) => void) | undefined
  /** Called for each step that has made its value. */
  readonly onSettled?: ((run: StepState) => void) | undefined
  /** Called for each transition, where the execution is an actor. */
  readonly watcher?: Watcher | undefined
  /** Whether ended steps stay to be looked at. @default only where there is a watcher */
  readonly keepsRuns?: boolean | undefined
  /** Keeps what the steps make, where the execution is durable. */
  readonly recorder?: Recorder | undefined
  /** Where global results are kept that have no store of their own. @default this process's memory */
  readonly shared?: SharedResults | undefined
  /** The policy of steps that have none. */
  readonly persistOf?: ((spec: StepSpec) => PersistSpec | undefined) | undefined
  /** Names that keys of attempts are made of. @default what graph and steps were called first */
  readonly keyNames?: KeyNames | undefined
  /** How often what steps did was undone before. @default never */
  readonly undoings?: Undoings | undefined
  /** Key of the batch's item in its records; undefined for what its items share, and outside batches. */
  readonly itemKey?: string | undefined
  /** Called when all that has begun waits, and when something goes on again; `rests`: none of it for its next attempt, so that the timeout rests. */
  readonly onWaits?: ((waits: boolean, rests: boolean) => void) | undefined
  /** Where values come in from outside; undefined where none can. */
  readonly signals?: Signals | undefined
  /** Where messages come in for what steps receive; undefined where none receives anything. */
  readonly inbox?: Inbox | undefined
  /** Is shown what happens in the machines that are the work of steps. @default nobody is */
  readonly inspect?: ((event: never) => void) | undefined
  /** Where events come in; undefined outside of dockets. */
  readonly events?: Events | undefined
  /** Where it is kept what verbs of durable functions came to. @default this process's memory */
  readonly checkpoints?: Checkpoints | undefined
  /** The queue in which it stands; undefined outside of dockets. */
  readonly queue?: string | undefined
  /** Limits that all processes share; undefined outside of dockets. */
  readonly limits?: SharedLimits | undefined
  /** Emits an event, once for each `emission`; undefined outside of dockets. */
  readonly emit?: EmitEvent | undefined
  /** Times that timers were given from outside; undefined where none can be. */
  readonly times?: TimerTimes | undefined
  /** Whether a step of another execution in this process has begun it. @default false */
  readonly isChild?: boolean | undefined
  /** Makes children that survive the process; undefined where they live with it. */
  readonly children?: DurableChildren | undefined
  /** Whether it had ended, and begins again: then its children do so too, where they had failed. @default false */
  readonly beginsAgain?: boolean | undefined
  /** Present where the execution is part of a batch. */
  readonly part?: BatchPart | undefined
}

/** Sees every transition of an execution and its steps as it happens. */
export interface Watcher {
  stepChanged(run: StepState, event: StepEvent): void
  executionChanged(event: ExecutionMachineEvent): void
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})
const noOptions: ExecuteOptions = {}

/** @throws OptionError where steps of the graph read `ctx.app`, and there is none */
export function requireApp({ graph, readsApp }: Pick<GraphIndex, 'graph' | 'readsApp'>, app: unknown): void {
  if (readsApp !== undefined && app === undefined) throw new OptionError(missingAppText(graph.name, readsApp))
}

/** Fills a call's options in. An id is made only if somebody may look at it. */
export function resolveOptions(
  index: GraphIndex,
  target: string,
  options: ExecuteOptions & GivenApp<unknown> = noOptions,
  clock?: FullClock,
): ResolvedOptions {
  const { graph } = index
  requireApp(index, options.app)
  const observers = observersOf(graph, options)
  const random = options.random ?? Math.random
  const { headers = noHeaders } = options
  const id = options.id ?? (observers.length > 0 || options.random !== undefined ? randomId(options.random) : undefined)
  return {
    id,
    clock: clock ?? fullClockOf(options.clock),
    random,
    emitter:
      observers.length === 0
        ? undefined
        : new Emitter(id!, graph.name, target, observers, {
            headers,
            hasDeclaredNames: hasDeclaredNames(index),
            parent: undefined,
          }),
    logger: options.logger ?? loggerOf(observers),
    headers,
    app: options.app,
    interceptors: undefined,
    timeoutMs: options.timeout === undefined ? index.timeoutMs : durationMs(options.timeout),
    deadline: deadlineMs(options.deadline),
    lifetime: undefined,
    signal: options.signal,
    observers: options.observers ?? noObservers,
  }
}

const noObservers: readonly Observer[] = Object.freeze([])

function observersOf(graph: AnyGraph, options: ExecuteOptions): readonly Observer[] {
  return options.observers === undefined || options.observers.length === 0
    ? graph.observers
    : [...graph.observers, ...options.observers]
}

function loggerOf(observers: readonly Observer[]): Logger {
  for (const observer of observers)
    if (typeof observer === 'object' && observer.logger !== undefined) return observer.logger
  return silentLogger
}
