import { errorJsonOf } from './error-json.ts'

/** Every stable error code, with what it means. `docs/errors.md` documents each; a test keeps the two equal. */
export const errorCodes = [
  'GRAPH_INVALID',
  'INPUT_INVALID',
  'OUTPUT_INVALID',
  'STEP_FAILED',
  'STEP_TIMEOUT',
  'COMPENSATION_FAILED',
  'EXECUTION_TIMEOUT',
  'EXECUTION_CANCELLED',
  'EXECUTION_EXPIRED',
  'EXECUTION_ABORTED',
  'EXECUTION_CONFLICT',
  'NON_RETRYABLE',
  'RETRY_AFTER',
  'REFUSED',
  'QUERY_FAILED',
  'SERIALIZATION_FAILED',
  'OPTION_INVALID',
  'STORE_FAILED',
  'ENGINE_FAILED',
  'LEASE_LOST',
  'DEADLOCK',
  'RERUN_MISMATCH',
  'RACE_LOST',
  'STEP_SKIPPED',
  'UPDATE_REJECTED',
  'UPDATE_FAILED',
  'UPDATE_ENDED',
  'UPDATE_TIMEOUT',
  'REMOTE_FAILED',
  'REMOTE_CANCELLED',
  'REMOTE_REFUSED',
  'REMOTE_UNREACHABLE',
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
export function named(type: ErrorClass, name: string): void {
  Object.defineProperty(type, 'name', { value: name, configurable: true })
  Object.defineProperty(type, className, { value: name })
  classes.set(name, type)
}

/**
 * What an error has of these fields where nothing is said of them: they are in it (`'step' in error`), and neither printed, logged nor stored with it.
 * Fields of its own are `declare`d beside. They are made by a setter, since a field of a prototype that somebody has frozen can't be assigned.
 */
export function defaultFields(type: ErrorClass, fields: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(fields))
    Object.defineProperty(type.prototype, key, {
      get: () => value,
      set(this: object, own: unknown) {
        Object.defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true })
      },
      configurable: true,
    })
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
    defaultFields(this, {
      graph: undefined,
      executionId: undefined,
      step: undefined,
      attempt: undefined,
      item: undefined,
      path: Object.freeze([]),
    })
  }

  /** The name of its class. A field, since what is only assigned can't be where `Error.prototype` is frozen. */
  override name = ''
  /** What happened, stable between versions: see docs/errors.md. */
  readonly code: ErrorCode
  /** The graph's name, where one is concerned. */
  declare readonly graph: string | undefined
  /** The execution, where one has begun. */
  declare readonly executionId: string | undefined
  /** The step's name, where one is concerned. */
  declare readonly step: string | undefined
  /** The attempt of the step, from 1. */
  declare readonly attempt: number | undefined
  /** Index of the batch's item, from 0. */
  declare readonly item: number | undefined
  /** Type names from the target down to the type that could not be made; empty where none is concerned. */
  declare readonly path: readonly string[]
  /** What could not be undone (see `compensate`) after an execution had ended with this error; absent where everything could, or nothing had to be. */
  declare undoErrors?: readonly DocketError[]

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    if (place.graph !== undefined) this.graph = place.graph
    if (place.executionId !== undefined) this.executionId = place.executionId
    if (place.step !== undefined) this.step = place.step
    if (place.attempt !== undefined) this.attempt = place.attempt
    if (place.item !== undefined) this.item = place.item
    if (place.path !== undefined && place.path.length > 0) this.path = place.path
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
