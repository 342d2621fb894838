import { bareErrorOf } from './bare-error.ts'
import { errorJsonOf } from './error-json.ts'

/** Every stable error code, with what it means. `docs/errors.md` documents each; a test keeps the two equal. */
export const errorCodes = [
  'GRAPH_INVALID',
  'INPUT_INVALID',
  'OUTPUT_INVALID',
  'STEP_FAILED',
  'STEP_TIMEOUT',
  'EXECUTION_TIMEOUT',
  'EXECUTION_CANCELLED',
  'EXECUTION_ABORTED',
  'EXECUTION_CONFLICT',
  'NON_RETRYABLE',
  'SERIALIZATION_FAILED',
  'OPTION_INVALID',
  'STORE_FAILED',
  'LEASE_LOST',
  'DEADLOCK',
  'DOCKET_CLOSED',
] as const

/** A stable, documented code: branch on it where `instanceof` can't reach (across processes, in logs). */
export type ErrorCode = (typeof errorCodes)[number]

/** Where in which execution something went wrong. Every field is absent where it does not apply. */
export interface ErrorPlace {
  /** The graph's name. */
  readonly graph?: string | undefined
  /** The execution. */
  readonly executionId?: string | undefined
  /** The step's name. */
  readonly step?: string | undefined
  /** Attempts made, the failing one included. */
  readonly attempt?: number | undefined
  /** Index of the batch's item. */
  readonly item?: number | undefined
  /** Type names from the target down to the type that could not be made. */
  readonly path?: readonly string[] | undefined
}

/** What marks an error as one of ours, and under which each class of ours has its name: the same in every copy of the package. */
const isOurs = Symbol.for('docket.error')
const className = Symbol.for('docket.errorClass')

type ErrorClass = abstract new (...args: never[]) => Error

const classes = new Map<string, ErrorClass>()

/** Our class of this name, for an error that was read from a store; undefined for all others. */
export function errorClassOf(name: unknown): ErrorClass | undefined {
  return classes.get(name as string)
}

/** The name of the nearest class of ours that an error is an instance of, in whatever copy of the package. May throw, where reading does. */
export function classNameOf(error: object): string | undefined {
  if (Reflect.get(error, isOurs) !== true) return undefined
  return namesOf(error).next().value
}

/** The names of all classes of ours that a value is an instance of, nearest first. */
function* namesOf(value: object): Generator<string, undefined> {
  let prototype: unknown = Object.getPrototypeOf(value)
  // A proxy may have prototypes without end.
  for (let i = 0; i < 100 && typeof prototype === 'object' && prototype !== null; i++) {
    const type = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
    const name = typeof type === 'function' && Object.hasOwn(type, className) ? Reflect.get(type, className) : undefined
    if (typeof name === 'string') yield name
    prototype = Object.getPrototypeOf(prototype)
  }
  return undefined
}

/** Gives a class its name as a text: names are stored, and a minifier would shorten them. */
function named(type: ErrorClass, name: string): void {
  Object.defineProperty(type, 'name', { value: name, configurable: true })
  Object.defineProperty(type, className, { value: name })
  classes.set(name, type)
}

/**
 * The base of every error that Docket makes: a stable `code`, the original `cause`, and the ids that a person needs.
 *
 * `instanceof` is true for errors of another copy of the package too (a monorepo, a bundle beside node_modules, a jest realm), and for those
 * that were read from a store. `JSON.stringify` gives the name, code, message, ids and the chain of causes, without stacks.
 */
export class DocketError extends Error {
  static {
    named(this, 'DocketError')
    Object.defineProperty(this.prototype, isOurs, { value: true })
  }

  /** What happened, stable between versions: see docs/errors.md. */
  readonly code: ErrorCode
  /** The graph's name, where one is concerned. */
  readonly graph: string | undefined
  /** The execution, where one has begun. */
  readonly executionId: string | undefined
  /** The step's name, where one is concerned. */
  readonly step: string | undefined
  /** The attempt of the step, from 1. */
  readonly attempt: number | undefined
  /** Index of the batch's item, from 0. */
  readonly item: number | undefined
  /** Type names from the target down to the type that could not be made; empty where none is concerned. */
  readonly path: readonly string[]

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.graph = place.graph
    this.executionId = place.executionId
    this.step = place.step
    this.attempt = place.attempt
    this.item = place.item
    this.path = place.path ?? []
  }

  /** Never throws, whatever the value is. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false
    try {
      if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
      // Classes of users that extend ours are matched by the language's own rule alone.
      if (Reflect.get(value, isOurs) !== true || !Object.hasOwn(this, className)) return false
      return [...namesOf(value)].includes(Reflect.get(this, className) as string)
    } catch {
      return false // a proxy that throws
    }
  }

  /** The error as data: what `JSON.stringify`, loggers and HTTP handlers show of it. Cycles are cut; stacks are left out. */
  toJSON(): Record<string, unknown> {
    return errorJsonOf(this)
  }
}

/** What is wrong with one element of a graph's declaration. */
export interface GraphProblem {
  /** What kind of mistake it is, for programs: see docs/errors.md. */
  readonly kind:
    | 'cycle'
    | 'duplicate-producer'
    | 'duplicate-step'
    | 'missing-producer'
    | 'unneeded-input'
    | 'type-conflict'
    | 'bad-declaration'
    | 'bad-option'
    | 'unknown-target'
    | 'empty'
  /** What, which, and what to do. */
  readonly message: string
  /** The step concerned, where there is one. */
  readonly step?: string | undefined
}

/** A graph's declaration is wrong. `problems` has all problems at once. */
export class GraphError extends DocketError {
  static {
    named(this, 'GraphError')
  }

  /** All that is wrong, at least one. */
  readonly problems: readonly GraphProblem[]

  constructor(graph: string, problems: readonly GraphProblem[]) {
    const head =
      problems.length === 1
        ? `graph "${graph}" is not valid: `
        : `graph "${graph}" is not valid, ${problems.length} problems:\n`
    super(
      'GRAPH_INVALID',
      head + (problems.length === 1 ? problems[0]!.message : problems.map((p) => `- ${p.message}`).join('\n')),
      { graph },
    )
    this.problems = problems
  }
}

/** One thing that a schema (or the check of the input's keys) found wrong with a value. */
export interface InputIssue {
  /** What does not fit, as the schema says it. */
  readonly message: string
  /** Keys from the value's root, the type's name first. */
  readonly path: readonly (string | number)[]
  /** Index of the batch's item, where one error is about several items. */
  readonly item?: number | undefined
}

/** A value does not fit its data type: a leaf input that the caller gave, or what a step returned (then with `step`). */
export class InputError extends DocketError {
  static {
    named(this, 'InputError')
  }

  /** All that the check found, at least one. */
  readonly issues: readonly InputIssue[]

  constructor(
    code: 'INPUT_INVALID' | 'OUTPUT_INVALID',
    message: string,
    issues: readonly InputIssue[],
    place?: ErrorPlace,
    options?: ErrorOptions,
  ) {
    super(code, message, place, options)
    this.issues = issues
  }
}

/** An option of a call is wrong: an unknown name, a value out of range. Nothing has run. */
export class OptionError extends DocketError {
  static {
    named(this, 'OptionError')
  }

  constructor(message: string, place?: ErrorPlace) {
    super('OPTION_INVALID', message, place)
  }
}

/** A step failed for good; `cause` is what its last attempt threw, untouched. */
export class StepError extends DocketError {
  static {
    named(this, 'StepError')
  }

  /** What a throwing `retryIf`, `backoff` or `fallback` threw on top of the step's own failure. */
  readonly policyError: unknown

  constructor(message: string, place: ErrorPlace, cause: unknown, policyError?: unknown) {
    super('STEP_FAILED', message, place, { cause })
    this.policyError = policyError
  }
}

/** An attempt took longer than the step's `timeout`. The cause of a StepError, and the reason on the attempt's signal. */
export class StepTimeoutError extends DocketError {
  static {
    named(this, 'StepTimeoutError')
  }

  /** The step's timeout, in milliseconds. */
  readonly timeoutMs: number

  constructor(timeoutMs: number, place: ErrorPlace) {
    super(
      'STEP_TIMEOUT',
      `step "${place.step}" did not answer within ${timeoutMs} ms (attempt ${place.attempt})`,
      place,
    )
    this.timeoutMs = timeoutMs
  }
}

/** The execution took longer than its `timeout`, or did not end by its `deadline`; what still ran was cancelled. */
export class ExecutionTimeoutError extends DocketError {
  static {
    named(this, 'ExecutionTimeoutError')
  }

  /** Undefined where it was the deadline. */
  readonly timeoutMs: number | undefined
  /** Undefined where it was the timeout. */
  readonly deadline: Date | undefined

  constructor({ timeoutMs, deadline }: { readonly timeoutMs?: number; readonly deadline?: Date }, place: ErrorPlace) {
    const limit = deadline === undefined ? `within ${timeoutMs} ms` : `by its deadline, ${deadline.toISOString()}`
    const message = `execution of graph "${place.graph}" did not end ${limit}; what still ran was cancelled`
    super('EXECUTION_TIMEOUT', message, place)
    this.timeoutMs = timeoutMs
    this.deadline = deadline
  }
}

/** The execution was cancelled from outside; `cause` is the reason on the signal that did it. */
export class ExecutionCancelledError extends DocketError {
  static {
    named(this, 'ExecutionCancelledError')
  }

  constructor(message: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super('EXECUTION_CANCELLED', message, place, options)
  }
}

/** An id was used again with other inputs, another target or another graph. */
export class ExecutionConflictError extends DocketError {
  static {
    named(this, 'ExecutionConflictError')
  }

  constructor(message: string, place: ErrorPlace) {
    super('EXECUTION_CONFLICT', message, place)
  }
}

/** A value can't be kept faithfully (a function, a class instance, a cycle), though its step is persisted. */
export class SerializationError extends DocketError {
  static {
    named(this, 'SerializationError')
  }

  constructor(message: string, place?: ErrorPlace, options?: ErrorOptions) {
    super('SERIALIZATION_FAILED', message, place, options)
  }
}

/** A call of a store failed; `cause` is what its driver threw: its name, message, stack and codes, without the request that failed. */
export class StoreError extends DocketError {
  static {
    named(this, 'StoreError')
  }

  /** The store's name. */
  readonly store: string
  /** Whether trying again may help: a lost connection does, a value that the database refuses does not. */
  readonly isTransient: boolean

  constructor(store: string, message: string, isTransient: boolean, options?: ErrorOptions, place?: ErrorPlace) {
    super('STORE_FAILED', `${store} store: ${message}`, place, options && { cause: bareErrorOf(options.cause) })
    this.store = store
    this.isTransient = isTransient
  }
}

/** This process is not the execution's owner any more: it was paused or cut off for longer than its lease. Another one goes on with it. */
export class LeaseLostError extends DocketError {
  static {
    named(this, 'LeaseLostError')
  }

  constructor(message: string, place: ErrorPlace) {
    super('LEASE_LOST', message, place)
  }
}

/**
 * The docket was closed, and takes no calls any more. With an `executionId`, the caller waited for that execution, which has
 * not failed: it goes on elsewhere.
 */
export class DocketClosedError extends DocketError {
  static {
    named(this, 'DocketClosedError')
  }

  constructor(
    message = 'this docket is closed; make another one with createDocket()',
    place: ErrorPlace = {},
    options?: ErrorOptions,
  ) {
    super('DOCKET_CLOSED', message, place, options)
  }
}

/** Thrown by a step to stop the whole execution at once: no retry, no fallback, no optional input tolerates it. */
export class AbortExecutionError extends DocketError {
  static {
    named(this, 'AbortExecutionError')
  }

  constructor(message = 'a step stopped the execution', options?: ErrorOptions) {
    super('EXECUTION_ABORTED', message, {}, options)
  }
}

/** Thrown by a step (or put into a cause chain) to say that another attempt can't help. */
export class NonRetryableError extends DocketError {
  static {
    named(this, 'NonRetryableError')
  }

  constructor(message = 'not retryable', options?: ErrorOptions) {
    super('NON_RETRYABLE', message, {}, options)
  }
}

/** A step waits for itself by a way round: for a slot that it holds, a result that it makes, or an execution that it is part of. */
export class DeadlockError extends DocketError {
  static {
    named(this, 'DeadlockError')
  }

  constructor(message: string, place: ErrorPlace) {
    super('DEADLOCK', message, place)
  }
}
