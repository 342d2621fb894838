import { isRecord } from '../is-record.ts'
import type { Duration } from '../duration.ts'
import type { Compensate, CompensatePolicy } from './compensation.ts'
import { ownFields } from './data-type.ts'
import type { AnyDataType, DataTypeHint, GivenOf, TypedDataType, ValueOf } from './data-type.ts'
import type { AnyStep, DeclaredPorts, MaybePromise, Ports, ReceivedBy, TypedStep } from './step.ts'

/** An XState machine, as far as a step has to know it: what `createMachine` makes is one, of whatever copy of the package. */
export interface MachineLike {
  /** Its name, as inspectors show it. */
  readonly id: string
  /** As it was declared. */
  readonly config: object
  /** Its own, by the names under which states refer to them. */
  readonly implementations: { readonly actors: object }
  /** What an event leads to. */
  transition(snapshot: never, event: never, scope: never): unknown
  /** What it begins with. */
  getInitialSnapshot(scope: never, input?: never): unknown
}

/** The events that a machine knows. */
type EventOf<Machine> = Machine extends { transition(snapshot: never, event: infer Event, scope: never): unknown }
  ? Event
  : never
/** What a machine begins with. */
type InputOf<Machine> = Machine extends { getInitialSnapshot(scope: never, input?: infer Input): unknown }
  ? Input
  : unknown
/** What a machine that has come to its end has made. */
type OutputOf<Machine> = Machine extends { transition(snapshot: never, event: never, scope: never): infer Snapshot }
  ? Extract<Snapshot, { readonly status: 'done' }> extends { readonly output: infer Output }
    ? Output
    : unknown
  : unknown

/** What a machine is at. */
type SnapshotOf<Machine> = Machine extends { transition(snapshot: never, event: never, scope: never): infer Snapshot }
  ? Snapshot
  : unknown

/** What an update is answered with by a machine. */
type AnswerTo<Machine, Update extends TypedDataType> = Update extends {
  readonly result: infer Result extends TypedDataType
}
  ? (snapshot: SnapshotOf<Machine>, value: ValueOf<Update>) => GivenOf<Result>
  : never

/** How a machine answers the updates that it gets, by the names of the events that they come as. */
export type MachineAnswers<Machine, Events> = {
  readonly [Type in keyof Events as Events[Type] extends { readonly result: TypedDataType } ? Type : never]:
    | AnswerTo<Machine, Extract<Events[Type], TypedDataType>>
    | {
        /** Whether it can be answered in the state that the machine is at rest in now; else `when` is called again in the next one. */
        readonly when: (snapshot: SnapshotOf<Machine>, value: ValueOf<Extract<Events[Type], TypedDataType>>) => boolean
        /** Makes the answer. */
        readonly answer: AnswerTo<Machine, Extract<Events[Type], TypedDataType>>
      }
}

/** Data types by the names of the machine's events that bring their values. */
export type MachineEvents = Readonly<Record<string, TypedDataType>>
type DeclaredEvents = Readonly<Record<string, TypedDataType | DataTypeHint>>

/** A step whose work is a machine. Made by `machineStep`. */
export interface MachineStep<
  Inputs extends Ports,
  Output extends TypedDataType,
  Events extends MachineEvents,
  Name extends string = string,
> extends TypedStep {
  readonly kind: 'machine'
  /** Part of keys, events and errors. */
  readonly name: Name
  /** Named ports: data types, `optional(T)`, `all(T)`. */
  readonly inputs: Inputs
  /** The one data type that the machine's output is. */
  readonly output: Output
  /** Data types by the names of the machine's events that bring their values. */
  readonly events: Events
  /** The data types that the machine gets as events. */
  readonly receives: readonly Events[keyof Events][]
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Inputs[keyof Inputs]['~types']['requires']
    readonly wants: Inputs[keyof Inputs]['~types']['wants']
    readonly touches: Output | Inputs[keyof Inputs]['~types']['touches'] | Events[keyof Events]
  }
}

/** What `machineStep` takes. */
export interface MachineStepDeclaration<
  Machine extends MachineLike,
  Output extends TypedDataType,
  Inputs extends DeclaredPorts,
  Events extends DeclaredEvents,
  Name extends string,
> {
  /** Part of keys, events and errors; no two steps of a graph share one. */
  readonly name: Name
  /** An XState machine; it is the work of the step as it is. */
  readonly machine: Machine
  /** Named ports: data types, `optional(T)`, `all(T)`. @default {} */
  readonly inputs?: Inputs
  /** The one data type that the step makes: the machine's output must fit it. */
  readonly output: OutputThatFits<Machine, Output> | DataTypeHint
  /** Makes the machine's input of the step's. @default the inputs as they are */
  readonly input?: ((inputs: ReceivedBy<Inputs>) => InputOf<Machine>) | undefined
  /** Data types that come from outside while the machine runs, by the names of the events that bring them: `{ type, value }`. @default {} */
  readonly events?: EventsThatFit<Machine, Events>
  /**
   * How it answers those of its events that are updates: what is made of the state in which the machine is at rest after the event, or, as
   * `{ when, answer }`, of the first one for which `when` holds. An update that the machine does not take in its state is refused; what an answer throws fails it. Must be pure.
   * @default it gets no updates
   */
  readonly answers?: MachineAnswers<Machine, Events>
  /** How long the machine may take from its beginning to its end, its waits included. @default no limit */
  readonly timeout?: Duration | undefined
  /** Which snapshots of the machine still hold: change it where its states or its context change their meaning. @default none */
  readonly version?: string | number | undefined
  /**
   * Makes a persisted snapshot of this version of the machine of one of another version. Without it, what another version has left waits for a process that
   * has that. @default none
   */
  readonly migrate?:
    ((snapshot: PersistedMachine, from: { readonly version: string | undefined }) => object) | undefined
  /**
   * Names of the machine's actors that may begin again though they are callbacks, or subscribe to something: in a docket, whatever else is neither a promise nor
   * a machine nor a graph is refused, since what it did before is lost. @default none
   */
  readonly restartable?: readonly string[] | undefined
  /** What the step was called before, the newest name first. @default none */
  readonly formerly?: string | readonly string[] | undefined
  /** Whether the machine runs, by its inputs; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((inputs: ReceivedBy<Inputs>) => boolean) | undefined
  /** Takes the place of the output when the machine failed or timed out: a value, or a function that makes one. @default none */
  readonly fallback?:
    GivenOf<Output> | ((error: unknown, inputs: ReceivedBy<Inputs>) => MaybePromise<GivenOf<Output>>) | undefined
  /** Undoes what the machine did when the execution fails or is cancelled. @default none */
  readonly compensate?:
    Compensate<ValueOf<Output>, ReceivedBy<Inputs>> | CompensatePolicy<ValueOf<Output>, ReceivedBy<Inputs>> | undefined
}

/** A machine's persisted snapshot, as `getPersistedSnapshot` has given it. */
export interface PersistedMachine {
  /** The state that it was in. */
  readonly value: unknown
  /** Its context. */
  readonly context: unknown
  readonly [field: string]: unknown
}

/** Machines that don't declare their output are checked when they run. */
type OutputThatFits<Machine, Output extends TypedDataType> = [OutputOf<Machine>] extends [GivenOf<Output>]
  ? Output
  : unknown extends OutputOf<Machine>
    ? Output
    : [GivenOf<Output>] extends [OutputOf<Machine>]
      ? Output
      : `the machine's output does not fit "${Output['name']}"`
type EventsThatFit<Machine, Events> = {
  readonly [Type in keyof Events]: Events[Type] extends TypedDataType
    ? [{ type: Type; value: ValueOf<Events[Type]> }] extends [EventOf<Machine>]
      ? Events[Type]
      : `the machine has no event { type: "${Type & string}", value } that takes a value of "${Events[Type]['name']}"`
    : Events[Type]
}
type Known = keyof MachineStepDeclaration<MachineLike, TypedDataType, Ports, MachineEvents, string>
/** Every update is answered: that `answers` is there, while its type is said elsewhere, once, so that its functions get the types of what they are given. */
type AnswersNeeded<Machine, Events> = [keyof MachineAnswers<Machine, Events>] extends [never]
  ? unknown
  : { readonly answers: unknown }
type KnownOptions<Keys extends PropertyKey, Machine, Inputs extends DeclaredPorts, Events> = {
  readonly [Key in Keys]: Key extends Known ? unknown : `machineStep has no option "${Key & string}"`
} & AnswersNeeded<Machine, Events> &
  (undefined extends InputOf<Machine>
    ? unknown
    : 'input' extends Keys
      ? unknown
      : [ReceivedBy<Inputs>] extends [InputOf<Machine>]
        ? unknown
        : { readonly input: "the step's inputs don't fit the machine's input: give a function that makes it of them" })

/**
 * Makes a type by an XState machine of your own, unchanged: it starts with an input that is made of the step's, gets values from outside as events, and
 * what it ends with is the step's value. `after` and delayed events run on the execution's clock. In a docket the machine's state is on record after each
 * event, and goes on from there in any process.
 *
 * Inert: `graph()` reports wrong options.
 *
 * @example
 * const cart = machineStep({ name: 'Cart', machine: cartMachine, inputs: { customer: Customer }, output: Order, events: { ADD_ITEM: AddItem, CHECK_OUT: CheckOut } })
 */
export function machineStep<
  Machine extends MachineLike,
  Output extends TypedDataType,
  const Inputs extends DeclaredPorts = Record<never, never>,
  const Events extends DeclaredEvents = Record<never, never>,
  const Name extends string = string,
  Keys extends PropertyKey = never,
>(
  declaration: MachineStepDeclaration<Machine, Output, Inputs, Events, Name> &
    KnownOptions<Keys, Machine, Inputs, Events>,
): MachineStep<
  [Inputs] extends [Ports] ? Inputs : Ports,
  Output,
  [Events] extends [MachineEvents] ? Events : MachineEvents,
  Name
> & { readonly machine: Machine } {
  const fields = ownFields(declaration)
  for (const key of ['inputs', 'events', 'answers', 'compensate'])
    if (isRecord(fields[key]) && !('kind' in fields[key])) fields[key] = Object.freeze(ownFields(fields[key]))
  const { inputs = nothing, events = nothing } = fields
  const receives = Object.freeze(isRecord(events) ? Object.values(events) : [])
  return Object.freeze({ ...fields, inputs, events, receives, run: passOn, kind: 'machine' }) as never
}

const nothing = Object.freeze({})

function passOn(value: unknown): unknown {
  return value
}

/** What the machine of a step is at, as of the last commit. */
export interface MachineView<Machine = MachineLike> {
  /** `done`: it has come to its end, and what it was at before is gone. */
  readonly status: 'active' | 'done'
  /** The state that it is in: a name, or an object of names. Undefined once it is done. */
  readonly value: unknown
  /** Its context. Undefined once it is done. */
  readonly context: ContextOf<Machine> | undefined
  /** What it has made, once it is done. */
  readonly output: unknown
}

type ContextOf<Machine> = Machine extends { transition(snapshot: never, event: never, scope: never): infer Snapshot }
  ? Snapshot extends { readonly context: infer Context }
    ? Context
    : unknown
  : unknown

/** A step made by `machineStep`, its types forgotten. */
export interface AnyMachineStep extends AnyStep {
  readonly kind: 'machine'
  /** The user's machine. */
  readonly machine: MachineLike
  /** Makes the machine's input. */
  readonly input?: ((inputs: unknown) => unknown) | undefined
  /** Data types by the names of events. */
  readonly events: Readonly<Record<string, AnyDataType>>
  /** Answers those of its events that are updates. */
  readonly answers?: Readonly<Record<string, AnyMachineAnswer>> | undefined
  /** Makes a snapshot of this version of one of another. */
  readonly migrate?: ((snapshot: unknown, from: { readonly version: string | undefined }) => unknown) | undefined
  /** Names of actors that may begin again. */
  readonly restartable?: readonly string[] | undefined
}

type OfSnapshot<Made> = (snapshot: unknown, value: unknown) => Made

/** How a machine answers one kind of update, its types forgotten. */
export type AnyMachineAnswer =
  OfSnapshot<unknown> | { readonly when: OfSnapshot<boolean>; readonly answer: OfSnapshot<unknown> }

/** Whether a step is made by `machineStep`. */
export function isMachineStep(step: AnyStep): step is AnyMachineStep {
  return step.kind === 'machine'
}
