import { bareErrorOf } from './bare-error.ts'
import { DocketError, named, defaultFields } from './docket-error.ts'
import type { ErrorPlace } from './docket-error.ts'
import { describeThrown } from './thrown.ts'

/** What is wrong with one element of a graph's declaration. */
export interface GraphProblem {
  /** What kind of mistake it is, for programs: see docs/errors.md. */
  readonly kind:
    | 'cycle'
    | 'duplicate-producer'
    | 'duplicate-step'
    | 'unknown-step'
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
    const isOfCall = problems.length === 1 && problems[0]!.kind === 'unknown-target'
    const head = isOfCall
      ? `graph "${graph}" can't make the target of this call: `
      : problems.length === 1
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

  constructor(message: string, place?: ErrorPlace, options?: ErrorOptions) {
    super('OPTION_INVALID', message, place, options)
  }
}

/** A step failed for good; `cause` is what its last attempt threw, untouched. */
export class StepError extends DocketError {
  static {
    named(this, 'StepError')
    defaultFields(this, { policyError: undefined })
  }

  /** What a throwing `retryIf`, `backoff` or `fallback` threw on top of the step's own failure. */
  declare readonly policyError: unknown

  constructor(message: string, place: ErrorPlace, cause: unknown, policyError?: unknown) {
    super('STEP_FAILED', message, place, { cause })
    if (policyError !== undefined) this.policyError = policyError
  }
}

/** An attempt took longer than the step's `timeout`. The cause of a StepError, and the reason on the attempt's signal. */
export class StepTimeoutError extends DocketError {
  static {
    named(this, 'StepTimeoutError')
  }

  /** The step's timeout, in milliseconds. */
  readonly timeoutMs: number

  constructor(timeoutMs: number, place: ErrorPlace, what = 'step') {
    super(
      'STEP_TIMEOUT',
      `${what} "${place.step}" did not answer within ${timeoutMs} ms (attempt ${place.attempt})`,
      place,
    )
    this.timeoutMs = timeoutMs
  }
}

/** What a step did could not be undone, however often its `compensate` was tried; `cause` is what the last attempt threw. */
export class CompensationError extends DocketError {
  static {
    named(this, 'CompensationError')
  }

  constructor(message: string, place: ErrorPlace, cause: unknown) {
    super('COMPENSATION_FAILED', message, place, { cause })
  }
}

/** The execution took longer than its `timeout`, or did not end by its `deadline`; what still ran was cancelled. */
export class ExecutionTimeoutError extends DocketError {
  static {
    named(this, 'ExecutionTimeoutError')
    defaultFields(this, { timeoutMs: undefined, deadline: undefined })
  }

  /** Undefined where it was the deadline. */
  declare readonly timeoutMs: number | undefined
  /** Undefined where it was the timeout. */
  declare readonly deadline: Date | undefined

  constructor({ timeoutMs, deadline }: { readonly timeoutMs?: number; readonly deadline?: Date }, place: ErrorPlace) {
    const limit = deadline === undefined ? `within ${timeoutMs} ms` : `by its deadline, ${deadline.toISOString()}`
    const message = `execution of graph "${place.graph}" did not end ${limit}; what still ran was cancelled`
    super('EXECUTION_TIMEOUT', message, place)
    if (timeoutMs !== undefined) this.timeoutMs = timeoutMs
    if (deadline !== undefined) this.deadline = deadline
  }
}

/** The execution was cancelled from outside; `cause` is the reason on the signal that did it. */
export class ExecutionCancelledError extends DocketError {
  static {
    named(this, 'ExecutionCancelledError')
  }

  constructor(
    message: string,
    place: ErrorPlace = {},
    options?: ErrorOptions,
    code: 'EXECUTION_CANCELLED' | 'EXECUTION_EXPIRED' = 'EXECUTION_CANCELLED',
  ) {
    super(code, message, place, options)
  }
}

/** A durable execution was cancelled because it had not begun within its `maxPending`, or not ended within its `maxRunning`. */
export class ExecutionExpiredError extends ExecutionCancelledError {
  static {
    named(this, 'ExecutionExpiredError')
  }

  /** Which of the two it was. */
  readonly limit: 'maxPending' | 'maxRunning'
  /** That limit, in milliseconds. */
  readonly limitMs: number

  constructor(limit: 'maxPending' | 'maxRunning', limitMs: number, place: ErrorPlace) {
    const what =
      limit === 'maxPending'
        ? `no process had begun it ${limitMs} ms after it was started`
        : `it had not ended ${limitMs} ms after it had begun`
    const { executionId, graph } = place
    super(
      `execution "${executionId}" of graph "${graph}" was cancelled: ${what} (${limit})`,
      place,
      undefined,
      'EXECUTION_EXPIRED',
    )
    this.limit = limit
    this.limitMs = limitMs
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
  /** Whether it waited in vain for a lock of somebody else's: that is about what it was to write, not about the store. */
  readonly isLocked: boolean

  constructor(
    store: string,
    message: string,
    isTransient: boolean,
    options?: ErrorOptions & { readonly isLocked?: boolean },
    place?: ErrorPlace,
  ) {
    super('STORE_FAILED', `${store} store: ${message}`, place, options && { cause: bareErrorOf(options.cause) })
    this.store = store
    this.isTransient = isTransient
    this.isLocked = options?.isLocked === true
  }
}

/** This process is not the execution's owner any more: it was paused or cut off for longer than its lease. Another one goes on with it. */
export class LeaseLostError extends DocketError {
  static {
    named(this, 'LeaseLostError')
  }

  constructor(message: string, place: ErrorPlace, options?: ErrorOptions) {
    super('LEASE_LOST', message, place, options)
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

/**
 * Why a step has no value: its `when` returned false. What a call ends with whose target can't be made without it, and the reason that events
 * and snapshots have.
 */
export class StepSkippedError extends DocketError {
  static {
    named(this, 'StepSkippedError')
  }

  constructor(type: string, place: ErrorPlace) {
    const remedy = `what can do without "${type}" takes it as optional(${type}), or in a race`
    super('STEP_SKIPPED', `step "${place.step}" was skipped, since its when returned false; ${remedy}`, place)
  }
}

/** Why a step was stopped: a race was decided without it, and nothing else needs what it makes. The reason on its attempt's signal. */
export class RaceLostError extends DocketError {
  static {
    named(this, 'RaceLostError')
  }

  /** The race's name. */
  readonly race: string
  /** The race's port that came first. */
  readonly port: string

  constructor(race: string, port: string, type: string, place: ErrorPlace) {
    super('RACE_LOST', `step "${place.step}" lost the race "${race}": "${type}" came first (as "${port}")`, place)
    this.race = race
    this.port = port
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

/** Thrown by an interceptor to refuse a call: nothing of it is stored, and no further attempt of a step is made. */
export class RefusedError extends DocketError {
  static {
    named(this, 'RefusedError')
  }

  constructor(message = 'refused', options?: ErrorOptions) {
    super('REFUSED', message, {}, options)
  }
}

/** A query of a graph threw. */
export class QueryError extends DocketError {
  static {
    named(this, 'QueryError')
  }

  /** The query's name. */
  readonly query: string

  constructor(query: string, place: ErrorPlace, cause: unknown) {
    const message = `query "${query}" of graph "${place.graph}" failed for execution "${place.executionId}": ${describeThrown(cause)}`
    super('QUERY_FAILED', message, place, { cause })
    this.query = query
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

/** The function of a durable step does not fit what is on record of it: it has changed, or does not go the same way each time. */
export class RerunMismatchError extends DocketError {
  static {
    named(this, 'RerunMismatchError')
  }

  /** The verb that is on record, as text. */
  readonly expected: string
  /** What the function did instead, as text. */
  readonly found: string

  constructor(what: string, expected: string, found: string, place: ErrorPlace) {
    super(
      'RERUN_MISMATCH',
      `the function of step "${place.step}" does not fit its records: ${what}; a function that runs again must call the same verbs in the same order: let what has begun end with the code that it began with, or give the new code another name`,
      place,
    )
    this.expected = expected
    this.found = found
  }
}
