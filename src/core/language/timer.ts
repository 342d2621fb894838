import { isRecord } from '../is-record.ts'
import { ownFields } from './data-type.ts'
import type { DataTypeHint, GivenOf, TypedDataType } from './data-type.ts'
import type { Duration } from '../duration.ts'
import type { DeclaredPorts, MaybePromise, Ports, ReceivedBy, TypedStep } from './step.ts'

/** What a timer's `value` gets beside its inputs. */
export interface Due {
  /** The time that the timer was set to: it has come, and may have passed. */
  readonly dueAt: Date
}

/** A step that waits for a time. Made by `timer`. */
export interface TimerStep<
  Inputs extends Ports,
  Output extends TypedDataType,
  Name extends string = string,
> extends TypedStep {
  readonly kind: 'timer'
  /** Part of keys, events and errors. */
  readonly name: Name
  /** What has to be there before the timer is set. */
  readonly inputs: Inputs
  /** The data type that is there when the time has come. */
  readonly output: Output
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Inputs[keyof Inputs]['~types']['requires']
    readonly wants: Inputs[keyof Inputs]['~types']['wants']
    readonly touches: Output | Inputs[keyof Inputs]['~types']['touches']
  }
}

/** What `timer` takes. */
export interface TimerDeclaration<
  Output extends TypedDataType,
  Inputs extends DeclaredPorts,
  Name extends string,
  Keys extends PropertyKey,
> {
  /** Part of keys, events and errors; no two steps of a graph share one. */
  readonly name: Name
  /** What has to be there before the timer is set. @default {} */
  readonly inputs?: Inputs
  /** The data type that is there when the time has come. */
  readonly output: OutputThatFits<Output, Keys> | DataTypeHint
  /** How long it waits, once its inputs are there: a duration, or a function that makes one; 0 is now. Either this or `at`. @default none */
  readonly after?: Duration | ((inputs: ReceivedBy<Inputs>) => Duration) | undefined
  /** Until when it waits: a function of its inputs; a time that has passed is now. Either this or `after`. @default none */
  readonly at?: ((inputs: ReceivedBy<Inputs>) => Date) | undefined
  /** Makes the value when the time has come; may be async. @default { dueAt } */
  readonly value?: ((inputs: ReceivedBy<Inputs>, due: Due) => MaybePromise<GivenOf<Output>>) | undefined
  /** How long it may wait at the most. @default no limit */
  readonly timeout?: Duration | undefined
  /** What the timer was called before, the newest name first. @default none */
  readonly formerly?: string | readonly string[] | undefined
  /** Whether the timer is set, by its inputs; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((inputs: ReceivedBy<Inputs>) => boolean) | undefined
  /** Takes the place of the value when the timer failed or timed out: a value, or a function that makes one. @default none */
  readonly fallback?:
    GivenOf<Output> | ((error: unknown, inputs: ReceivedBy<Inputs>) => MaybePromise<GivenOf<Output>>) | undefined
}

/** Without `value` the output is `{ dueAt }`. */
type OutputThatFits<Output extends TypedDataType, Keys> = 'value' extends Keys
  ? Output
  : [Due] extends [GivenOf<Output>]
    ? Output
    : `"${Output['name']}" is not made by { dueAt: Date }: give the timer a value`
type Known = keyof TimerDeclaration<TypedDataType, Ports, string, 'value'>
type KnownOptions<Keys extends PropertyKey> = {
  readonly [Key in Keys]: Key extends Known
    ? Key extends 'at'
      ? 'after' extends Keys
        ? 'give either after or at, not both'
        : unknown
      : unknown
    : `timer has no option "${Key & string}"`
}

/**
 * Waits for a time: for a duration from when its inputs are there, or until a time that is worked out from them. It never fires early, holds no
 * slot of any limit while it waits, and its value is a type like any other, which a `race` can take. In a docket the time is on record as soon as
 * it is known, and a restart does not start it over.
 *
 * Inert: `graph()` reports wrong options; what `after` and `at` return is checked when they are called.
 *
 * @example
 * const expire = timer({ name: 'Expire', inputs: { order: Order }, output: Expiry, after: '24h', value: ({ order }) => ({ order: order.id }) })
 */
export function timer<
  Output extends TypedDataType,
  const Inputs extends DeclaredPorts = Record<never, never>,
  const Name extends string = string,
  Keys extends PropertyKey = never,
>(
  declaration: TimerDeclaration<Output, Inputs, Name, Keys> & KnownOptions<Keys>,
): TimerStep<[Inputs] extends [Ports] ? Inputs : Ports, Output, Name> {
  const fields = ownFields(declaration)
  if (isRecord(fields['inputs']) && !('kind' in fields['inputs']))
    fields['inputs'] = Object.freeze(ownFields(fields['inputs']))
  const run = fields['value'] ?? dueOnly
  return Object.freeze({ ...fields, inputs: fields['inputs'] ?? noInputs, run, kind: 'timer' }) as never
}

const noInputs = Object.freeze({})

function dueOnly(_inputs: unknown, due: Due): Due {
  return due
}
