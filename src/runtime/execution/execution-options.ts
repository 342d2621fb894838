import { isName } from '../../core/check-name.ts'
import { checkOptions, describe } from '../../core/check-options.ts'
import type { Problem } from '../../core/check-options.ts'
import { isPlainRecord, isRecord } from '../../core/is-record.ts'
import { problemOfObserver } from '../../core/graph/create-graph.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import type { Clock } from '../environment/clock.ts'
import { isDate } from '../../core/is-builtin.ts'

/** How one execution runs. */
export interface ExecuteOptions {
  /** Names the execution: in errors, events, logs, idempotency keys, and for results of scope 'execution'. @default a random UUID */
  readonly id?: string | undefined
  /** Cancels the execution when aborted. @default none */
  readonly signal?: AbortSignal | undefined
  /** Takes the place of the graph's timeout. @default the graph's */
  readonly timeout?: Duration | undefined
  /**
   * When the execution ends with an ExecutionTimeoutError, if it has not ended by then: a Date, or milliseconds since the epoch. Unlike a
   * timeout it counts the time in which no process runs the execution. @default none
   */
  readonly deadline?: Date | number | undefined
  /** What steps see as `ctx.headers`. @default {} */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Get the execution's events, besides the graph's own observers. @default [] */
  readonly observers?: readonly Observer[] | undefined
  /** What `ctx.log` is made from. @default the first observer's logger, else silence */
  readonly logger?: Logger | undefined
  /** Time, for tests. @default the system's */
  readonly clock?: Clock | undefined
  /** Randomness of backoffs, from 0 up to but without 1, for tests. @default Math.random */
  readonly random?: (() => number) | undefined
}

/** What else a call may be given; where the compiler knows the graph, it checks names and values. */
export interface Overriding {
  /** Values for types that steps make: these steps, and what only they need, do not run. @default {} */
  readonly overrides?: Readonly<Record<string, unknown>> | undefined
}

/** What a call may be given that can't be sent any signals. */
export interface Signalling {
  /** Values for types that steps wait for, as their schemas take them: they have come before anything begins. @default none */
  readonly signals?: Readonly<Record<string, unknown>> | undefined
}

/** The names of `ExecuteOptions`, `Overriding` and `GivenApp`. */
export const executeOptionNames: readonly string[] = [
  'id',
  'signal',
  'timeout',
  'deadline',
  'headers',
  'observers',
  'logger',
  'clock',
  'random',
  'overrides',
  'app',
]

/** Makes sure that the options can be used. @throws OptionError with all problems */
export function checkExecuteOptions(
  call: string,
  options: unknown,
  known: readonly string[] = executeOptionNames,
  more: readonly (string | false)[] = [],
): void {
  if (options === undefined) return
  checkOptions(call, options, known, (given) => [...more, ...problemsOfExecute(given)])
}

function problemsOfExecute(options: Readonly<Record<string, unknown>>): readonly Problem[] {
  const { id, signal, timeout, deadline, headers, observers, logger, clock, random, overrides } = options
  return [
    id !== undefined && !isName(id) && `id must be a non-empty string, not ${describe(id)}`,
    signal !== undefined && !isAbortSignal(signal) && `signal must be an AbortSignal, not ${describe(signal)}`,
    timeout !== undefined &&
      !(durationMs(timeout)! > 0) &&
      `timeout ${describe(timeout)} is not a duration above zero; ${durationHint}`,
    deadline !== undefined &&
      !isTime(deadline) &&
      `deadline must be a Date, or milliseconds since the epoch, not ${describe(deadline)}`,
    ...problemsOfHeaders(headers),
    ...problemsOfObservers(observers),
    overrides !== undefined &&
      !isRecord(overrides) &&
      `overrides must be an object keyed by type names, not ${describe(overrides)}`,
    ...problemsOfInjected({ logger, clock, random }),
  ]
}

function problemsOfHeaders(headers: unknown): readonly Problem[] {
  if (headers === undefined) return []
  if (!isPlainRecord(headers)) return [`headers must be a plain object of strings, not ${describe(headers)}`]
  return Object.entries(headers).map(
    ([key, value]) => typeof value !== 'string' && `header "${key}" must be a string, not ${describe(value)}`,
  )
}

/** What is wrong with a list of observers; absent, it is fine. */
export function problemsOfObservers(observers: unknown): readonly Problem[] {
  if (observers === undefined) return []
  return Array.isArray(observers)
    ? observers.map(problemOfObserver)
    : [`observers must be an array, not ${describe(observers)}`]
}

/** Whether something is an AbortSignal, of whatever realm: that of a jest environment is no instance of this one's class. */
export function isAbortSignal(value: unknown): boolean {
  return (
    hasFunctions(value, ['addEventListener', 'removeEventListener']) &&
    typeof (value as { readonly aborted?: unknown }).aborted === 'boolean'
  )
}

/** Whether something is a time that a Date can be. */
function isTime(value: unknown): boolean {
  const isKind = isDate(value) || typeof value === 'number'
  return isKind && !Number.isNaN(new Date(value).getTime())
}

/** What is wrong with what is injected; absent fields are fine. */
export function problemsOfInjected({ logger, clock, random }: Readonly<Record<string, unknown>>): readonly string[] {
  const problems: string[] = []
  if (logger !== undefined && !hasFunctions(logger, ['debug', 'info', 'warn', 'error', 'child']))
    problems.push('logger must have debug, info, warn, error and child, like one of pino')
  if (clock !== undefined && !hasFunctions(clock, ['setTimeout', 'clearTimeout']))
    problems.push(`clock must have setTimeout and clearTimeout`)
  for (const name of ['now', 'elapsed'] as const) {
    const given: unknown = hasFunctions(clock, ['setTimeout']) ? Reflect.get(clock as object, name) : undefined
    if (given !== undefined && typeof given !== 'function')
      problems.push(`clock.${name} must be a function, not ${describe(given)}`)
  }
  if (random !== undefined && typeof random !== 'function')
    problems.push(`random must be a function, not ${describe(random)}`)
  return problems
}

/** Whether something is an object with these functions. */
export function hasFunctions(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => typeof value[name] === 'function')
}
