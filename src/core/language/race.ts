import { isRecord } from '../is-record.ts'
import { ownFields } from './data-type.ts'
import type { DataTypeHint, GivenOf, TypedDataType } from './data-type.ts'
import type { Duration } from '../duration.ts'
import type { ConcurrencyPolicy, PersistPolicy, RetryPolicy } from './policy.ts'
import type { AnyStep, MaybePromise, StepContext, TypedStep } from './step.ts'

/** The ports of a race: data types that steps of the graph make, each of another type. */
export type RacePorts = Readonly<Record<string, TypedDataType>>
/** As `RacePorts`, in a declaration: the compiler prints the hints to those who give something else. */
export type DeclaredRacePorts = Readonly<Record<string, TypedDataType | RacePortHint>>
type RacePortHint = 'a data type that a step of the graph makes; optional(T) and all(T) can take no part in a race'
export type RacePortsOf<Inputs extends DeclaredRacePorts> = [Inputs] extends [RacePorts] ? Inputs : RacePorts

/**
 * What a race's `run` gets: the port that came first, and its value, as a union by `port`. Read out of an object, because the
 * compiler's messages then print the union instead of this name.
 */
export type FirstOf<Inputs> = {
  readonly first: {
    readonly [Port in keyof Inputs]: { readonly port: Port; readonly value: ReceivedAt<Inputs[Port]> }
  }[keyof Inputs]
}['first']
type ReceivedAt<Given> = Given extends TypedDataType ? Given['~types']['received'] : unknown

/** A step that takes whichever of its inputs comes first. Made by `race`. */
export interface RaceStep<
  Inputs extends RacePorts,
  Output extends TypedDataType,
  Name extends string = string,
> extends TypedStep {
  readonly kind: 'race'
  /** Part of keys, events and errors. */
  readonly name: Name
  /** Named ports, of which the first to have a value is taken. */
  readonly inputs: Inputs
  /** The one data type that the race makes. */
  readonly output: Output
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Inputs[keyof Inputs]['~types']['requires']
    readonly wants: never
    readonly touches: Output | Inputs[keyof Inputs]['~types']['touches']
  }
}

/** What `race` takes. */
export interface RaceDeclaration<
  Output extends TypedDataType,
  Inputs extends DeclaredRacePorts,
  Name extends string,
  Keys extends PropertyKey,
  App = unknown,
> {
  /** Part of keys, events and errors; no two steps of a graph share one. */
  readonly name: Name
  /** At least two named ports: data types that steps of the graph make, each of another type. */
  readonly inputs: PortsThatFit<Inputs, Output, Keys>
  /** The one data type that the race makes. */
  readonly output: Output | DataTypeHint
  /** Makes the output of what came first; may be async. @default the value that came first, as it is */
  readonly run?: ((first: FirstOf<Inputs>, context: StepContext<App>) => MaybePromise<GivenOf<Output>>) | undefined
  /** How long one attempt of `run` may take. @default no limit */
  readonly timeout?: Duration | undefined
  /** How often `run` is tried. @default once */
  readonly retry?: RetryPolicy | undefined
  /** Whether the result is remembered for the execution; in a docket it always is. @default not at all */
  readonly persist?: 'execution' | (PersistPolicy & { readonly scope: 'execution' }) | undefined
  /** Part of the key of remembered results: change it when the code changes its meaning. @default none */
  readonly version?: string | number | undefined
  /** What the race was called before, the newest name first. @default none */
  readonly formerly?: string | readonly string[] | undefined
  /** How many attempts of `run` run at the same time, over all executions of the process. @default no limit */
  readonly concurrency?: number | ConcurrencyPolicy<FirstOf<Inputs>> | undefined
  /** Whether the race takes what came first; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((first: FirstOf<Inputs>) => boolean) | undefined
  /** Takes the place of the result when no port came, or `run` failed for good: a value, or a function that makes one. @default none */
  readonly fallback?:
    | GivenOf<Output>
    | ((error: unknown, first: FirstOf<Inputs> | undefined) => MaybePromise<GivenOf<Output>>)
    | undefined
}

/** Without `run` the value that came first is the output, and is not parsed again: it must fit. */
type PortsThatFit<Inputs extends DeclaredRacePorts, Output extends TypedDataType, Keys> = 'run' extends Keys
  ? Inputs
  : { readonly [Port in keyof Inputs]: PortThatFits<Inputs[Port], Output> }
type Known = keyof RaceDeclaration<TypedDataType, RacePorts, string, 'run'>
export type KnownRaceOptions<Keys extends PropertyKey> = {
  readonly [Key in Keys]: Key extends Known ? unknown : `race has no option "${Key & string}"`
}
type PortThatFits<Given, Output extends TypedDataType> = [ReceivedAt<Given>] extends [Output['~types']['received']]
  ? Given
  : Given extends { readonly name: infer Name extends string }
    ? `"${Name}" does not fit "${Output['name']}": give the race a run that makes one of the other`
    : Given

/**
 * Takes whichever of its inputs comes first: the first that has a value wins, and the steps that only the others need are cancelled, their
 * signals aborted with a RaceLostError. An input that fails, or is skipped, is out; when all are, the race fails with an AggregateError of
 * their errors, in the order of declaration. What wins stays the winner, also after a restart.
 *
 * Inert: `graph()` reports wrong options.
 *
 * @example
 * const decide = race({
 *   name: 'Decide',
 *   inputs: { approval: Approval, expiry: Expiry },
 *   output: Decision,
 *   run: (first) => (first.port === 'approval' ? first.value.verdict : 'expired'),
 * })
 */
export function race<
  Output extends TypedDataType,
  const Inputs extends DeclaredRacePorts,
  const Name extends string = string,
  Keys extends PropertyKey = never,
>(
  declaration: RaceDeclaration<Output, Inputs, Name, Keys> & KnownRaceOptions<Keys>,
): RaceStep<RacePortsOf<Inputs>, Output, Name> {
  const fields = ownFields(declaration)
  for (const key of ['inputs', 'retry', 'persist', 'concurrency'])
    if (isRecord(fields[key]) && !('kind' in fields[key])) fields[key] = Object.freeze(ownFields(fields[key]))
  const run = 'run' in fields && fields['run'] !== undefined ? fields['run'] : passOn
  return Object.freeze({ ...fields, run, kind: 'race' }) as unknown as RaceStep<RacePortsOf<Inputs>, Output, Name>
}

function passOn(first: { readonly value: unknown }): unknown {
  return first.value
}

/** Whether a race hands its winner's value on as it is. Of whatever copy of the package: `run` is no function of the user's then. */
export function passesOn({ kind, run }: Pick<AnyStep, 'kind' | 'run'>): boolean {
  return kind === 'race' && Reflect.get(run, passesOnKey) === true
}

const passesOnKey = Symbol.for('docket.passesOn')
Object.defineProperty(passOn, passesOnKey, { value: true })

/** What came first in a race. */
export interface First {
  /** Its name among the race's inputs. */
  readonly port: string
  /** What it brought. */
  readonly value: unknown
}
