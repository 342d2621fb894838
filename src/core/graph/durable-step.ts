import { isRecord } from '../is-record.ts'
import type { Duration } from '../duration.ts'
import { ownFields } from '../language/data-type.ts'
import type { DataTypeHint, GivenOf, TypedDataType, ValueOf } from '../language/data-type.ts'
import type { Compensate, CompensatePolicy } from '../language/compensation.ts'
import type { RetryPolicy } from '../language/policy.ts'
import type {
  DeclaredPorts,
  MaybePromise,
  OnceKnown,
  Ports,
  PortsHint,
  PortsOf,
  ReceivedBy,
  TypedStep,
} from '../language/step.ts'
import type { DurableContext } from './durable-context.ts'

/** A long-lived function from data types to one data type. Made by `durableStep`. */
export interface DurableStep<
  Inputs extends Ports,
  Output extends TypedDataType,
  Name extends string = string,
  Received extends TypedDataType = never,
  Published extends TypedDataType = never,
> extends TypedStep {
  readonly kind: 'durable'
  /** Part of keys, events and errors. */
  readonly name: Name
  /** Named ports: data types, `optional(T)`, `all(T)`. */
  readonly inputs: Inputs
  /** The one data type that the step makes. */
  readonly output: Output
  /** What the function may receive any number of while it runs. */
  readonly receives: readonly Received[]
  /** What the function may show while it runs. */
  readonly publishes: readonly Published[]
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Inputs[keyof Inputs]['~types']['requires']
    readonly wants: Inputs[keyof Inputs]['~types']['wants']
    readonly touches: Output | Inputs[keyof Inputs]['~types']['touches'] | Received | Published
  }
}

/** What `durableStep` takes. */
export interface DurableStepDeclaration<
  Output extends TypedDataType,
  Inputs extends DeclaredPorts | PortsHint,
  Name extends string,
  App = unknown,
  Received extends TypedDataType = never,
  Published extends TypedDataType = never,
> {
  /** Part of keys, events and errors; no two steps of a graph share one. */
  readonly name: Name
  /** Named ports: data types, `optional(T)`, `all(T)`. @default {} */
  readonly inputs?: Inputs
  /** The one data type that the step makes. */
  readonly output: Output | DataTypeHint
  /** Data types of which the function may receive any number while it runs, from outside. @default [] */
  readonly receives?: readonly Received[]
  /** Data types that the function may set while it runs, for those who look at it: no step takes them. @default [] */
  readonly publishes?: readonly Published[]
  /** Makes the output, by the verbs of its context; runs again from its top after a crash, and when it was parked. */
  readonly run: OnceKnown<
    Output,
    (
      inputs: ReceivedBy<Inputs>,
      context: DurableContext<App, Received, Published, ReceivedBy<Inputs>>,
    ) => MaybePromise<GivenOf<Output>>
  >
  /** How long one attempt may take, but for the time in which it only waits. @default no limit */
  readonly timeout?: Duration | undefined
  /** How often the function is tried: a further attempt finds what is on record, but for the failure that it is made for. Re-runs are no attempts. @default once */
  readonly retry?: RetryPolicy | undefined
  /** What the step was called before, the newest name first: what its verbs came to stays its own. @default none */
  readonly formerly?: string | readonly string[] | undefined
  /** Whether the step runs, by its inputs; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((inputs: ReceivedBy<Inputs>) => boolean) | undefined
  /** Takes the place of the result when the step failed for good: a value, or a function that makes one. @default none */
  readonly fallback?:
    GivenOf<Output> | ((error: unknown, inputs: ReceivedBy<Inputs>) => MaybePromise<GivenOf<Output>>) | undefined
  /** Undoes what the step did when the execution fails or is cancelled. @default none */
  readonly compensate?:
    | Compensate<ValueOf<Output>, ReceivedBy<Inputs>, App>
    | CompensatePolicy<ValueOf<Output>, ReceivedBy<Inputs>, App>
    | undefined
}

/**
 * Declares a long-lived function: one that may sleep for days, and loops over many calls. In a docket what its verbs came to is on record: after a crash, or when its
 * execution was parked, it runs again from its top, and each verb that had ended gives what was recorded. Under `execute` it lives in memory.
 *
 * Inert: `graph()` reports wrong options.
 *
 * @example
 * const remind = durableStep({
 *   name: 'Remind',
 *   inputs: { user: User },
 *   output: Reminder,
 *   run: async ({ user }, ctx) => {
 *     await ctx.step('welcome', () => mail.send(user.email, 'Welcome'))
 *     await ctx.sleep('3d')
 *     return ctx.step('remind', () => mail.send(user.email, 'Still there?'))
 *   },
 * })
 */
export function durableStep<
  Output extends TypedDataType,
  const Inputs extends DeclaredPorts | PortsHint = Record<never, never>,
  const Name extends string = string,
  Received extends TypedDataType = never,
  Published extends TypedDataType = never,
>(
  declaration: DurableStepDeclaration<Output, Inputs, Name, unknown, Received, Published>,
): DurableStep<PortsOf<Inputs>, Output, Name, Received, Published> {
  const fields = ownFields(declaration)
  for (const key of ['inputs', 'retry', 'compensate'])
    if (isRecord(fields[key]) && !('kind' in fields[key])) fields[key] = Object.freeze(ownFields(fields[key]))
  for (const key of ['receives', 'publishes']) {
    const types = fields[key] ?? []
    fields[key] = Array.isArray(types) ? Object.freeze([...types]) : types
  }
  return Object.freeze({ ...fields, inputs: fields['inputs'] ?? noInputs, kind: 'durable' }) as never
}

const noInputs = Object.freeze({})
