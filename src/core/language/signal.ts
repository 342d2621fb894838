import { isRecord } from '../is-record.ts'
import { ownFields } from './data-type.ts'
import type { DataTypeHint, GivenOf, TypedDataType } from './data-type.ts'
import type { Duration } from '../duration.ts'
import type { DeclaredPorts, Ports, ReceivedBy, TypedStep } from './step.ts'

/** A step whose value comes from outside. Made by `signal`. */
export interface SignalStep<Inputs extends Ports, Output extends TypedDataType> extends TypedStep {
  readonly kind: 'signal'
  /** That of the type. */
  readonly name: Output['name']
  /** What has to be there before the signal is waited for. */
  readonly inputs: Inputs
  /** The data type that comes from outside. */
  readonly output: Output
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Inputs[keyof Inputs]['~types']['requires']
    readonly wants: Inputs[keyof Inputs]['~types']['wants']
    readonly touches: Output | Inputs[keyof Inputs]['~types']['touches']
  }
}

/** How a signal is waited for. */
export interface SignalOptions<Output extends TypedDataType, Inputs extends DeclaredPorts> {
  /** What has to be there before the wait begins; a value that comes earlier is kept until then. @default {} */
  readonly inputs?: Inputs
  /** How long it is waited for. @default no limit */
  readonly timeout?: Duration | undefined
  /** Whether it is waited for; false skips it, and what can't do without its value. Must be pure. @default always */
  readonly when?: ((inputs: ReceivedBy<Inputs>) => boolean) | undefined
  /** Takes the value's place when the wait timed out: a value, or a function `(error) => value`. @default none */
  readonly fallback?: GivenOf<Output> | ((error: unknown) => GivenOf<Output>) | undefined
}

/** What `actor.send` takes to give an execution a value. Made by `signalEvent`. */
export interface SignalEvent {
  /** The same for all signals. */
  readonly type: 'docket.signal'
  /** The data type's name. */
  readonly signal: string
  /** The value, as the type's schema takes it. */
  readonly value: unknown
}

/**
 * Waits for a value of a data type from outside: one per execution, and the first that comes wins. It is a step, named like its type, and holds no
 * slot while it waits. An actor of `fromGraph` gets it by `actor.send(signalEvent(T, value))`, also before the wait has begun.
 *
 * Inert: `graph()` reports wrong options.
 *
 * @example
 * const approvals = graph({ name: 'approvals', steps: [signal(Approval, { timeout: '7d' }), ship] })
 */
export function signal<Output extends TypedDataType, const Inputs extends DeclaredPorts = Record<never, never>>(
  type: Output | DataTypeHint,
  options: SignalOptions<Output, Inputs> = {},
): SignalStep<[Inputs] extends [Ports] ? Inputs : Ports, Output> {
  const fields = ownFields(options)
  const { inputs } = fields
  const name = isRecord(type) ? type['name'] : undefined
  const ports = inputs === undefined ? noInputs : isRecord(inputs) ? Object.freeze(ownFields(inputs)) : inputs
  return Object.freeze({ ...fields, kind: 'signal', name, inputs: ports, output: type, run: passOn }) as never
}

const noInputs = Object.freeze({})

function passOn(value: unknown): unknown {
  return value
}

/** The event that gives an execution's actor a value of a data type that it waits for, or will wait for. */
export function signalEvent<Output extends TypedDataType>(type: Output, value: GivenOf<Output>): SignalEvent {
  return { type: 'docket.signal', signal: type.name, value }
}
