import type { Duration } from '../duration.ts'
import type { Logger } from '../contracts/logger.ts'
import type { GivenOf, TypedDataType, ValueOf } from '../language/data-type.ts'
import type { RetryPolicy } from '../language/policy.ts'
import type { MaybePromise, StepContext } from '../language/step.ts'
import type { EmitVerdict } from '../contracts/event-record.ts'
import type { EventTypeHint, TypedEventType } from '../language/event-type.ts'
import type { InputsOf, TargetOf } from './graph.ts'
import type { AnyGraph } from './graph-index.ts'

/** What the function of one `ctx.step` gets. */
export interface DurableCall {
  /** Aborted when this attempt times out, or the durable step ends or goes on elsewhere; made only when looked at. */
  readonly signal: AbortSignal
  /** This try, from 1. */
  readonly attempt: number
  /** Stable over the attempts and re-runs of this call: another one for each name, key and generation. */
  readonly idempotencyKey: string
  /** A logger bound to execution id, step and call; silent when none was given. */
  readonly log: Logger
  /** Says how far it has come: kept for whoever tries it again. */
  heartbeat(details?: unknown): void
  /** The details of the last heartbeat of an attempt before this one; undefined where there is none. */
  readonly lastHeartbeat: unknown
}

/** What distinguishes a verb from others of its name. */
export interface DurableKey {
  /** Distinguishes calls of one name that are open at the same time. @default numbered, where no other call of the branch is open */
  readonly key?: string | undefined
}

/** How one `ctx.step` is tried. */
export interface DurableCallOptions extends DurableKey {
  /** How often it is tried, and after what wait. @default once */
  readonly retry?: RetryPolicy | undefined
  /** How long one attempt may take. @default no limit */
  readonly timeout?: Duration | undefined
}

/** How a message is waited for. */
export interface ReceiveOptions extends DurableKey {
  /** How long it is waited for; 0 takes what is there. @default no limit */
  readonly timeout?: Duration | undefined
}

/** How a child is begun. */
export interface ChildOptions extends DurableKey {
  /**
   * What becomes of the child when the function returns while it has not ended: it goes on by itself, is cancelled, or the step waits for its end, whatever that
   * is. A step that fails or is cancelled cancels it in any case. @default 'leave'
   */
  readonly onParentEnd?: 'leave' | 'cancel' | 'wait' | undefined
}

/** A message that a durable function has received, as a union by `type`, the name of its data type. */
export type MessageOf<T> = T extends TypedDataType
  ? { readonly type: T['name']; readonly value: ValueOf<T>; readonly timedOut?: undefined } & AnswerableBy<T>
  : never

/** What a message has besides that is an update: it is answered once. */
type AnswerableBy<T> = T extends { readonly result: infer Result extends TypedDataType }
  ? {
      /** Answers it: `handle.update` gives this. Resolves once that is on record; where it is, it is not answered again when the function runs again. */
      reply(value: GivenOf<Result>): Promise<void>
      /** Fails it: `handle.update` rejects with an UpdateError whose cause is this. */
      fail(error: unknown): Promise<void>
    }
  : unknown

/** What a wait comes to whose time is over. */
export interface TimedOut {
  /** Nothing came in time. */
  readonly timedOut: true
  /** There is none. */
  readonly type?: undefined
  /** There is none. */
  readonly value?: undefined
}

/** An execution of another graph that a durable function has begun. */
export interface DurableChild<Value> {
  /** Its id, in a docket that of its record. */
  readonly id: string
  /** Waits for its end: its value, or a rejection with what it failed with, both on record. */
  result(): Promise<Value>
  /** Cancels it; resolves once that is on its way. */
  cancel(reason?: unknown): Promise<void>
}

/** The type, and a sentence where the step's declaration lists none: the compiler prints it to those who give one. */
type OrUnlisted<T, Listed, Option extends string> =
  T | ([Listed] extends [never] ? `a data type that the step's declaration lists in ${Option}` : never)

/**
 * What the function of a durable step gets besides its inputs. After a crash, or when its execution was parked, that function runs again from its top, and each verb
 * that has ended gives what was recorded, in the recorded order. So whatever does something, or differs from one time to the next, belongs into a verb.
 * Like the context of every step it can be taken apart, and is not to be copied: `{ ...ctx }` has no verbs.
 */
export interface DurableContext<
  App = unknown,
  Received extends TypedDataType = never,
  Published extends TypedDataType = never,
  Inputs = unknown,
> extends StepContext<App> {
  /** Aborted when the step is cancelled, loses a race or times out; not when it is parked or goes on elsewhere. */
  readonly signal: AbortSignal
  /** How often `continueAsNew` has begun the function anew, from 0. */
  readonly generation: number
  /**
   * Calls the function and records what it comes to, its failure too: once that is on record, it is not called again.
   * Rejects with what the last attempt threw, or with a StepTimeoutError.
   */
  step<Value>(
    name: string,
    run: (call: DurableCall) => MaybePromise<Value>,
    options?: DurableCallOptions,
  ): Promise<Value>
  /** Waits for so long; a restart does not start it over. */
  sleep(duration: Duration, options?: DurableKey): Promise<void>
  /** Waits until a time; one that has passed is now. */
  sleepUntil(at: Date, options?: DurableKey): Promise<void>
  /**
   * Takes the first message of one of these types that nobody has taken, or waits for one. Those of other types stay for later. Messages are sent
   * by `handle.signal`, or by `actor.send(signalEvent(…))`.
   */
  receive<T extends Received>(
    types: OrUnlisted<T, Received, 'receives'> | readonly T[],
    options?: DurableKey,
  ): Promise<MessageOf<T>>
  /** The same, for so long at the most. */
  receive<T extends Received>(
    types: OrUnlisted<T, Received, 'receives'> | readonly T[],
    options: ReceiveOptions,
  ): Promise<MessageOf<T> | TimedOut>
  /** Waits for the first event that was emitted under a key, whether before or since. In a docket only. */
  waitFor<E extends TypedEventType>(type: E | EventTypeHint, key: string, options?: DurableKey): Promise<MessageOf<E>>
  /** The same, for so long at the most. */
  waitFor<E extends TypedEventType>(
    type: E | EventTypeHint,
    key: string,
    options: ReceiveOptions,
  ): Promise<MessageOf<E> | TimedOut>
  /** Emits an event, as `docket.emit` does, once however often the function runs again. In a docket only. */
  emit<E extends TypedEventType>(type: E | EventTypeHint, key: string, value: GivenOf<E>): Promise<EmitVerdict>
  /** Sets the value of a type that `publishes` names, for `handle.get` and `handle.watch`, from any process. Resolves once that is on record. */
  publish<T extends Published>(type: OrUnlisted<T, Published, 'publishes'>, value: GivenOf<T>): Promise<void>
  /**
   * Begins an execution of another graph: a child, which is cancelled when the step is, or when its execution fails; one that nobody waits for goes on when the
   * step completes, unless `onParentEnd` says otherwise. In a docket it is an execution of its own, whose graph must be listed there, and resolves once it is stored.
   */
  start<G extends AnyGraph, T extends TypedDataType>(
    graph: G,
    target: TargetOf<G, T>,
    inputs: InputsOf<G, T>,
    options?: ChildOptions,
  ): Promise<DurableChild<ValueOf<T>>>
  /** Begins a child and waits for its value: `start`, then `result`. */
  execute<G extends AnyGraph, T extends TypedDataType>(
    graph: G,
    target: TargetOf<G, T>,
    inputs: InputsOf<G, T>,
    options?: DurableKey,
  ): Promise<ValueOf<T>>
  /**
   * Begins the function anew with these inputs: what is on record of it goes, but for messages that nobody has taken. For functions that run for ever, whose records
   * would grow without end. Never resolves.
   */
  continueAsNew(inputs: Inputs): Promise<never>
  /** Runs a part of the function whose verbs are named apart from those of other parts: for parts that run at the same time. */
  branch<Value>(name: string, run: (context: this) => MaybePromise<Value>): Promise<Value>
  /** The time at which the function was last given something: the same when it runs again. */
  now(): Date
  /** A number from 0 to below 1: the same when it runs again. */
  random(): number
  /** A UUID: the same when it runs again. */
  uuid(): string
  /** Says how far the function has come, for `details()` and `lastHeartbeat`. */
  heartbeat(details?: unknown): void
  /** The details of the last heartbeat before the function began to run this time; undefined where there is none. */
  readonly lastHeartbeat: unknown
}
