import { isRecord } from '../is-record.ts'
import type { Duration } from '../duration.ts'
import { ownFields } from './data-type.ts'
import type { DataTypeHint, GivenOf, TypedDataType, ValueOf } from './data-type.ts'
import type { AnyEventType, EventTypeHint, TypedEventType } from './event-type.ts'
import type { AnyStep, DeclaredPorts, MaybePromise, Ports, ReceivedBy, TypedStep } from './step.ts'

/** A step that waits for an event, its types forgotten. */
export interface AnyEventStep extends AnyStep {
  readonly kind: 'event'
  /** What is waited for. */
  readonly event: AnyEventType
  /** Under which key. */
  readonly key: (inputs: never) => string
}

/** A step that waits for an event. Made by `event`. */
export interface EventStep<Inputs extends Ports, Output extends TypedDataType> extends AnyEventStep, TypedStep {
  readonly kind: 'event'
  /** That of the type that it makes. */
  readonly name: Output['name']
  /** What has to be there before the event is waited for. */
  readonly inputs: Inputs
  /** The data type that the event's value is. */
  readonly output: Output
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Inputs[keyof Inputs]['~types']['requires']
    readonly wants: Inputs[keyof Inputs]['~types']['wants']
    readonly touches: Output['~types']['touches'] | Inputs[keyof Inputs]['~types']['touches']
  }
}

/** How an event is waited for. */
export interface EventOptions<E extends TypedEventType, Output extends TypedDataType, Inputs extends DeclaredPorts> {
  /** What has to be there before the wait begins: what the key is made of. @default {} */
  readonly inputs?: Inputs
  /** Which of the events of this type is waited for: must be pure, and give a non-empty string. */
  readonly key: (inputs: ReceivedBy<Inputs>) => string
  /** The type that the value is in this graph, so that one event type can stand in it twice; the value is handed on as it is. @default the event type itself */
  readonly output?: OutputThatFits<E, Output> | DataTypeHint
  /** How long it is waited for. @default no limit */
  readonly timeout?: Duration | undefined
  /** Whether it is waited for, by the inputs; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((inputs: ReceivedBy<Inputs>) => boolean) | undefined
  /** Takes the value's place when the wait timed out: a value, or a function that makes one. @default none */
  readonly fallback?:
    GivenOf<Output> | ((error: unknown, inputs: ReceivedBy<Inputs>) => MaybePromise<GivenOf<Output>>) | undefined
}

type OutputThatFits<E extends TypedEventType, Output extends TypedDataType> = [ValueOf<E>] extends [ValueOf<Output>]
  ? Output
  : `the value of "${E['name']}" does not fit this type`

/**
 * Waits for an event that is broadcast: the first one that was emitted under the key, by `docket.emit` in any process, whether before the
 * wait began or since. It is a step, named like the type that it makes, and holds no slot while it waits. Events live in the store of a docket, so its graph
 * runs in one.
 *
 * Inert: `graph()` reports wrong options; what `key` returns is checked when it is called.
 *
 * @example
 * const packed = event(Packed, { inputs: { order: Order }, key: ({ order }) => order.id, timeout: '3d' })
 */
export function event<
  E extends TypedEventType,
  const Inputs extends DeclaredPorts = Record<never, never>,
  Output extends TypedDataType = E,
>(
  type: E | EventTypeHint,
  options: EventOptions<E, Output, Inputs>,
): EventStep<[Inputs] extends [Ports] ? Inputs : Ports, Output> {
  const { output = type, ...fields } = ownFields(options)
  const { inputs } = fields
  const ports = inputs === undefined ? noInputs : isRecord(inputs) ? Object.freeze(ownFields(inputs)) : inputs
  const name = isRecord(output) ? output['name'] : undefined
  return Object.freeze({ ...fields, kind: 'event', name, inputs: ports, output, event: type, run: passOn }) as never
}

const noInputs = Object.freeze({})

function passOn(value: unknown): unknown {
  return value
}

/** Whether a step is made by `event`. */
export function isEventStep(step: AnyStep): step is AnyEventStep {
  return step.kind === 'event'
}
