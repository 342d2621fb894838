import { checkOptions, describe } from '../core/check-options.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { problemOfHosts } from './callback-hosts.ts'
import { problemsOfImplementation } from './implementation.ts'
import type { Implementation } from './implementation.ts'
import { passedByDefault, problemOfPassed } from './passed-headers.ts'
import { problemOfSecret } from './secrets.ts'
import type { Secret } from './secrets.ts'

/** What somebody wants of a service. */
export interface ServiceCall {
  /** What it is: `start` and `cancel` change something, `read` looks at what an operation came to, `backlog` at a queue. */
  readonly action: 'start' | 'read' | 'cancel' | 'backlog'
  /** The operation's name; undefined for a backlog. */
  readonly operation: string | undefined
  /** The request's headers. */
  readonly headers: Headers
  /** The request itself. Its body is not to be read. */
  readonly request: Request
}

/** Gives the name of the caller: one that is the same whenever this caller calls, and no other's. */
export type Authorize = (call: ServiceCall) => string | undefined | Promise<string | undefined>

/** Options of `serve`. */
export interface ServeOptions {
  /** What is served, and by which graphs. */
  readonly operations: readonly Implementation[]
  /**
   * Gives the name of the caller, of every call: what a caller has begun, no other one can attach to, read or cancel. Undefined for somebody unknown (401); a RefusedError for one who may not do
   * this (403).
   */
  readonly authorize: Authorize
  /** Signs callbacks and makes tokens: 32 characters at least. Of several, the first is used, and all are known. A function gives each caller one of its own. */
  readonly secret: Secret | ((caller: string) => Secret | undefined)
  /**
   * Where callbacks may go: `'orders.example.com'`, with a port where it has one, `'*.example.com'`, or `'http://localhost:3000'` without TLS. What leads to the machine itself, its link or a
   * cloud's metadata is refused, unless it is listed by its address or as `localhost`. @default none: callers have to ask
   */
  readonly callbackHosts?: readonly string[] | undefined
  /** The largest body that is read, in bytes. @default 1 MiB */
  readonly maxBody?: number | undefined
  /** How long a request's body may take. @default '10s' */
  readonly bodyTimeout?: Duration | undefined
  /** How long a caller is kept waiting for the value before it is notified that the operation runs. @default '1s' */
  readonly answerWithin?: Duration | undefined
  /** What stands before `/{service}/{operation}` in paths. @default '' */
  readonly basePath?: string | undefined
  /** Called with what went wrong here, of which callers learn nothing. @default console.error */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Names of the request's headers that become the execution's. @default ['traceparent', 'tracestate', 'baggage'] */
  readonly passHeaders?: readonly string[] | undefined
}

const optionNames = [
  'operations',
  'authorize',
  'secret',
  'callbackHosts',
  'maxBody',
  'bodyTimeout',
  'answerWithin',
  'basePath',
  'passHeaders',
  'onError',
]

/** The same with all that was left out. */
export interface ResolvedServeOptions {
  readonly operations: ReadonlyMap<string, Implementation>
  readonly authorize: Authorize
  readonly secretOf: (caller: string) => Secret | undefined
  readonly callbackHosts: readonly string[]
  readonly maxBody: number
  readonly bodyTimeoutMs: number
  readonly answerWithinMs: number
  readonly basePath: string
  readonly passHeaders: readonly string[]
  readonly onError: (error: unknown) => void
}

/** @throws OptionError with all problems */
export function resolveServeOptions(options: ServeOptions): ResolvedServeOptions {
  checkOptions('serve', options, optionNames, (given) => {
    const {
      operations,
      authorize,
      secret,
      callbackHosts,
      maxBody,
      bodyTimeout,
      answerWithin,
      basePath,
      passHeaders,
      onError,
    } = given
    const list: readonly unknown[] = Array.isArray(operations) ? operations : []
    const wrong = list.flatMap(problemsOfImplementation)
    const names = wrong.length > 0 ? [] : (list as readonly Implementation[]).map(({ operation }) => operation.name)
    const twice = names.find((name, index) => names.indexOf(name) < index)
    return [
      list.length === 0 &&
        `operations must be an array of what implement(…) makes, and have one at least, not ${describe(operations)}`,
      ...wrong,
      twice !== undefined && `operations has "${twice}" twice`,
      typeof authorize !== 'function' &&
        `authorize must be a function that says who calls, not ${describe(authorize)}: without it anybody could`,
      typeof secret !== 'function' && problemOfSecret('secret', secret),
      problemOfHosts(callbackHosts),
      maxBody !== undefined &&
        !(Number.isSafeInteger(maxBody) && (maxBody as number) >= 1) &&
        `maxBody must be a number of bytes from 1, not ${describe(maxBody)}`,
      ...Object.entries({ bodyTimeout, answerWithin }).map(
        ([name, duration]) =>
          duration !== undefined &&
          durationMs(duration) === undefined &&
          `${name} ${describe(duration)} is not a duration; ${durationHint}`,
      ),
      basePath !== undefined &&
        !(typeof basePath === 'string' && /^(\/[^/?#]+)*$/.test(basePath)) &&
        `basePath must be a path like '/operations', without a slash at its end, not ${describe(basePath)}`,
      problemOfPassed(passHeaders),
      onError !== undefined && typeof onError !== 'function' && `onError must be a function, not ${describe(onError)}`,
    ]
  })
  const { operations, authorize, secret } = options
  return {
    operations: new Map(operations.map((one) => [one.operation.name, one])),
    authorize,
    secretOf: typeof secret === 'function' ? secret : () => secret,
    callbackHosts: options.callbackHosts ?? [],
    maxBody: options.maxBody ?? 1024 * 1024,
    bodyTimeoutMs: durationMs(options.bodyTimeout ?? '10s')!,
    answerWithinMs: durationMs(options.answerWithin ?? '1s')!,
    basePath: options.basePath ?? '',
    passHeaders: options.passHeaders ?? passedByDefault,
    onError: options.onError ?? ((error) => console.error(error)),
  }
}
