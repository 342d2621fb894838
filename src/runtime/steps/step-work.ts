import type { InterceptorChains } from '../../core/contracts/interceptor.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { EmitEvent, Events } from './events.ts'
import type { Inbox } from './inbox.ts'
import type { KeyedSteps } from './key-names.ts'
import type { Signals } from './signals.ts'
import type { TimerTimes } from './timer-times.ts'

/** Where a value is on record of an execution: as the output of a step, or among its inputs. */
export type ValueSource = { readonly step: string } | { readonly input: string }

/** What a step needs to let another graph make its value. */
export interface ChildRequest {
  /** The step's name: part of the child's id. */
  readonly step: string
  /** Whether the attempt goes on with what an earlier process may have begun; else it is the first, or one after another that has failed. */
  readonly goesOn: boolean
  /** Whether it goes on where its parent completes without waiting for it. @default false */
  readonly mayOutlive?: boolean | undefined
  readonly plan: Plan
  /** The queue in which it waits for a process; undefined where its parent's process begins it. */
  readonly queue?: string | undefined
  /** What becomes of it when its process is lost; undefined where another one goes on with it. */
  readonly onWorkerLoss?: 'restart' | 'fail' | undefined
  /** One per `plan.leaves`; they are checked. */
  readonly leafValues: readonly unknown[]
  /** For each of them, where it is on record of the parent; undefined where it is not. Absent where that is no matter. */
  readonly sources?: readonly (ValueSource | undefined)[] | undefined
  readonly onCompleted: (value: unknown) => void
  /** It has failed or was cancelled, and what it did is undone. */
  readonly onFailed: (error: unknown) => void
}

/** A child execution that is under way. */
export interface RunningChild {
  /** Ends it, for the reason for which its step ends: with its parent, or because of that. */
  stop(reason: unknown): void
  /** Resolves once it is known whether it had ended before. Absent where it has just begun. */
  readonly looked?: Promise<unknown> | undefined
}

/** What stands around the functions of steps, and around those that undo them. */
export type StepInterceptors = Pick<InterceptorChains, 'step' | 'compensate'>

/** What a step's work reports to whoever observes its execution. */
interface ObservedWork {
  /** The step begins anew, with other inputs: calls what begins its work. */
  renewed(step: WorkingStep, begin: () => void): void
  /** Headers with which it calls somebody else. */
  outgoing(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>>
}

/** The execution that a step works for, as its work sees it. */
export interface WorkPlace {
  /** Begins an execution of another graph for one of its steps. @throws SerializationError where its results can't be found by its inputs */
  beginChild(request: ChildRequest): RunningChild
  /** The id of the child that `step` of a request names. */
  childIdOf(step: string): string
  /** Ends a durable child that an earlier process may have begun, for a reason. */
  endChild(step: string, reason: unknown): void
  /** Ends all durable children that the function of a step has begun, in whatever generation. */
  endChildren(step: string, reason: unknown): void
  readonly id: string
  /** Index of the batch's item. */
  readonly item: number | undefined
  readonly failedItems: number
  readonly place: ErrorPlace
  /** It has ended, or begins nothing more. */
  readonly isOver: boolean
  /** Undefined where nobody observes it. */
  readonly emitter: ObservedWork | undefined
  readonly clock: FullClock
  readonly context: AsyncContext
  /** An attempt needs its batch's slot no more. */
  leave(): void
  readonly setup: KeyedSteps & {
    readonly signals?: Signals | undefined
    readonly inbox?: Inbox | undefined
    readonly events?: Events | undefined
    readonly emit?: EmitEvent | undefined
    readonly inspect?: ((event: never) => void) | undefined
    readonly times?: TimerTimes | undefined
    readonly checkpoints?: Checkpoints | undefined
    readonly undoings?: { of(step: string, item: number | undefined): number } | undefined
    readonly itemKey?: string | undefined
    readonly isChild?: boolean | undefined
    readonly part?: unknown
    /** Present where children are executions of their own that go on without this process. */
    readonly children?: unknown
  }
  readonly options: {
    readonly headers: Readonly<Record<string, string>>
    readonly app: unknown
    readonly interceptors: StepInterceptors | undefined
    readonly logger: Logger
    readonly random: () => number
  }
  /** Why it goes on elsewhere; undefined where it does not. */
  readonly released: unknown
  /** Its end goes on record after this, which begins once it is on record that it ends, if it does. Absent where it is not one's own to end. */
  endsAfter?(work: () => Promise<unknown>): void
}

/** A step whose attempt has begun: what its work is given, and where the work's outcome goes. */
export interface WorkingStep {
  readonly planStep: PlanStep
  readonly step: string
  /** The attempt that runs, from 1. */
  readonly attempt: number
  readonly attemptStartedAt: number
  /** A new record each time, so that an attempt that changes it changes it for itself. */
  readonly inputs: Record<string, unknown>
  readonly idempotencyKey: string
  /** Whether an earlier process died in, or gave up, an attempt of which this one is the repetition. */
  readonly isRepeated: boolean
  readonly execution: WorkPlace
  /** The time that an earlier life waits for; undefined where none did. */
  readonly heldUntil: number | undefined
  /** How long it has waited in earlier lives, in milliseconds. */
  readonly waitedMs: number
  /** What an earlier life has kept of its work; undefined where there is none. */
  readonly heldState: unknown
  /** Whether what its work is at is kept while it goes on. */
  readonly keepsState: boolean
  /**
   * Keeps what its work is at, with whatever it has taken from its inbox since: by `waitsUntil` it waits then. Resolves once that is on record; only
   * where `keepsState` says so. Rejects where it can't be.
   */
  keepState(state: unknown, waitsUntil: { readonly dueAt: number | undefined } | undefined): Promise<void>
  /** Its work reports something to whoever observes the execution. */
  emitted(event: { readonly type: string }): void
  /** The event that it waits for has this key: it goes on record with the wait. */
  awaitsKey(key: string): void
  /** It waits from now on, for a time where `dueAt` is given, or until then at the latest: it is no running attempt any more, and holds no slot. */
  waits(dueAt: number | undefined): void
  /** The wait that has begun is for another time, or for none. */
  waitsUntil(dueAt: number | undefined): void
  /** It works again, and may wait again: it counts as running. */
  goesOn(): void
  /** Its wait is over: goes on as soon as there is room for what follows, which counts as running. */
  wakes(goOn: () => void): void
  /** Whether it has failed for good. */
  readonly hasFailed: boolean
  /** The work that is under way. */
  current: StepWork | undefined
  /** Whether the attempt stays open though it failed so: the execution is handed over because of it. */
  isHandedOverFor(error: unknown): boolean
  attemptSucceeded(value: unknown): void
  attemptFailed(error: unknown, timedOut: boolean): void
  /** The value came after the attempt had been ended from outside. */
  cameLate(value: unknown): void
  /**
   * The work came to an end without a value after the attempt had been ended from outside; `knewOf`: it may have ended so because of that,
   * and nobody knows what it has done.
   */
  endedLate(knewOf?: boolean): void
}

/** What is under way between the beginning of an attempt and its outcome. */
export interface StepWork {
  readonly attempt: number
  /** Whether it only waits, and holds no slot. @default false */
  readonly isWaiting?: boolean
}

/** How one kind of step works: each kind is a file of this folder. */
export interface StepKind<Work extends StepWork = StepWork> {
  /** Begins the work of the attempt that the step machine has begun; settles the step once, now or later. */
  begin(step: WorkingStep): void
  /** Ends the work from outside, for a reason; what it brings from now on is late. */
  close(work: Work, reason: unknown): void
  /** Lets the work settle another step: an equal call that waited for it. */
  moveTo(work: Work, step: WorkingStep): void
  /** What its work is at, which an actor's snapshot keeps; undefined where it has begun no more than the step has. Absent where a kind has no such thing. */
  stateOf?(work: Work): unknown
  /** Gives what it waits for another time. Absent where it waits for none. */
  reschedule?(work: Work, dueAt: number): void
  /** Ends what an earlier life of a step has begun elsewhere: its execution ends before it goes on here. Absent where a kind begins nothing elsewhere. */
  abandon?(step: WorkingStep): void
}
