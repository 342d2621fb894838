import { describe, reportUnknownKeys } from '../core/check-options.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { isRecord } from '../core/is-record.ts'
import type { Compensate, CompensatePolicy } from '../core/language/compensation.ts'
import { ownFields } from '../core/language/data-type.ts'
import type { GivenOf, TypedDataType, ValueOf } from '../core/language/data-type.ts'
import type { AnyRemoteStep, RemoteAnswer, RemoteCall, RemoteCalls } from '../core/language/remote-step.ts'
import type { MaybePromise, TypedStep } from '../core/language/step.ts'
import { provideRemoteKind } from '../runtime/kinds/remote-kind.ts'
import { callbackHeaderName } from './callback-headers.ts'
import { callbackType, callHeader, messageFor, sealedPlace } from './callback-message.ts'
import { problemsOfOperation } from './operation.ts'
import type { AnyOperation, Operation } from './operation.ts'
import { passedByDefault, passedOf, problemOfPassed } from './passed-headers.ts'
import { problemOfUrl, problemsOfCalls, RemoteService } from './remote-service.ts'
import type { CallHeaders, CallOptions } from './remote-service.ts'
import { problemOfSecret } from './secrets.ts'
import type { Secret } from './secrets.ts'

/** Where a step's calls come from. */
export interface RemoteContext {
  /** What the call, or the docket, was given as `app`. */
  readonly app: unknown
  /** Headers of the execution. */
  readonly headers: Readonly<Record<string, string>>
  /** The execution's id. */
  readonly executionId: string
  /** The step's name. */
  readonly step: string
}

/** How a service notifies a step that its operation has ended. */
export interface CallbackTarget {
  /** The public address of what `receiveCallbacks` has made. */
  readonly url: string
  /** The secret that this service and the other one share. */
  readonly secret: Secret
}

/** A step whose value another service makes. Made by `remote`. */
export interface RemoteStep<Name extends string, Input extends TypedDataType, Output extends TypedDataType>
  extends AnyRemoteStep, TypedStep {
  readonly kind: 'remote'
  /** Part of keys, events and errors. */
  readonly name: Name
  /** Its one port: what the operation is called with. */
  readonly inputs: { readonly request: Input }
  /** The one data type that the step makes. */
  readonly output: Output
  readonly '~types': {
    readonly makes: Output['name']
    readonly requires: Input['name']
    readonly wants: never
    readonly touches: Input | Output
  }
}

/** How an operation of another service stands in a graph. */
export interface RemoteOptions<
  Name extends string,
  Input extends TypedDataType,
  Output extends TypedDataType,
> extends CallOptions {
  /** The address of what `serve` has made there; a function where it is known only later. */
  readonly url: string | ((context: RemoteContext) => string | Promise<string>)
  /** Part of keys, events and errors; no two steps of a graph share one. @default the operation's name */
  readonly name?: Name | undefined
  /** The graph's type in the place of the operation's input, so that one operation can stand in a graph twice. @default the operation's input */
  readonly input?: Input | undefined
  /** The graph's type in the place of the operation's output. @default the operation's output */
  readonly output?: Output | undefined
  /** Headers of each call, for who this service is: made anew each time, and never stored. @default {} */
  readonly headers?: CallHeaders<RemoteContext> | undefined
  /** Where the other service says that it has ended. @default none: it is polled */
  readonly callback?: CallbackTarget | undefined
  /** The longest pause between two questions for what became of it: they begin with a second (half a minute, where it calls back), and each is twice as long. @default '5m' */
  readonly poll?: Duration | undefined
  /** How long it may take from the first call to the value, whatever happens meanwhile; then it is cancelled there. @default no limit */
  readonly timeout?: Duration | undefined
  /** Names of the execution's headers that go along. @default ['traceparent', 'tracestate', 'baggage'] */
  readonly passHeaders?: readonly string[] | undefined
  /** What the step was called before, the newest name first. @default none */
  readonly formerly?: string | readonly string[] | undefined
  /** Whether it is polled, by the request; false skips it, and what can't do without it. Must be pure. @default always */
  readonly when?: ((inputs: { readonly request: ValueOf<Input> }) => boolean) | undefined
  /** Takes the place of the value when the operation failed: a value, or a function that makes one. @default none */
  readonly fallback?:
    | GivenOf<Output>
    | ((error: unknown, inputs: { readonly request: ValueOf<Input> }) => MaybePromise<GivenOf<Output>>)
    | undefined
  /** Undoes what a completed operation did. One that runs is cancelled by itself. @default none */
  readonly compensate?:
    | Compensate<ValueOf<Output>, { readonly request: ValueOf<Input> }>
    | CompensatePolicy<ValueOf<Output>, { readonly request: ValueOf<Input> }>
    | undefined
}

const optionNames = [
  'url',
  'name',
  'input',
  'output',
  'headers',
  'callback',
  'poll',
  'timeout',
  'passHeaders',
  'formerly',
  'when',
  'fallback',
  'compensate',
  'fetch',
  'maxBody',
  'callTimeout',
]

/** What it shares with other steps. */
const policies = ['timeout', 'formerly', 'when', 'fallback', 'compensate']

/**
 * Lets another service make a type, by an operation that it serves. In a docket the request is on record before it is made, and is made under the same id however often this process
 * dies: the other service does it once. The execution is parked meanwhile; a callback or a question for it brings the value, and what ends the execution cancels the operation.
 *
 * Inert: `graph()` reports wrong options.
 *
 * @example
 * const charge = remote(Charge, { url: 'https://billing.example.com/operations', headers: () => ({ authorization: `Bearer ${token()}` }) })
 */
export function remote<
  OperationName extends string,
  OperationInput extends TypedDataType,
  OperationOutput extends TypedDataType,
  Input extends TypedDataType = OperationInput,
  Output extends TypedDataType = OperationOutput,
  const Name extends string = OperationName,
>(
  operation: Operation<OperationName, OperationInput, OperationOutput>,
  options: RemoteOptions<Name, Input, Output> & Renamed<OperationInput, Input, OperationOutput, Output>,
): RemoteStep<Name, Input, Output> {
  provideRemoteKind()
  const declared = (isRecord(operation) ? operation : {}) as Partial<AnyOperation>
  const fields = ownFields(options)
  const { callback, poll, name, input, output } = fields
  const stepName = name ?? declared.name
  const problems = problemsOf(operation, fields)
  const given = fields as unknown as RemoteOptions<string, TypedDataType, TypedDataType>
  return Object.freeze({
    ...Object.fromEntries(policies.flatMap((key) => (key in fields ? [[key, fields[key]]] : []))),
    kind: 'remote',
    name: stepName,
    inputs: Object.freeze({ request: input ?? declared.input }),
    output: output ?? declared.output,
    operation: declared.name,
    receives: callback === undefined || typeof stepName !== 'string' ? undefined : [callbackType(stepName)],
    pauses: pausesOf(callback, poll as Duration | undefined),
    problems,
    // Not among its fields: an address and a secret are nobody's to print.
    calls: problems.length > 0 ? undefined : callsOf(declared as AnyOperation, given),
    run: passOn,
  }) as never
}

/** What the operation takes and gives must fit what stands in its place. */
type Renamed<
  OperationInput extends TypedDataType,
  Input,
  OperationOutput extends TypedDataType,
  Output extends TypedDataType,
> = {
  /** A sentence where it does not fit. */
  readonly input?: Input extends TypedDataType
    ? [ValueOf<Input>] extends [GivenOf<OperationInput>]
      ? Input | undefined
      : 'this type does not fit the input of the operation'
    : never
  /** A sentence where it does not fit. */
  readonly output?: [GivenOf<OperationOutput>] extends [GivenOf<Output>]
    ? Output | undefined
    : 'the output of the operation does not fit this type'
}

function passOn(value: unknown): unknown {
  return value
}

function pausesOf(callback: unknown, poll: Duration | undefined): AnyRemoteStep['pauses'] {
  const longest = Math.max(100, durationMs(poll ?? '5m') ?? 0)
  return { first: Math.min(longest, callback === undefined ? 1_000 : 30_000), longest }
}

function problemsOf(operation: unknown, fields: Readonly<Record<string, unknown>>): readonly string[] {
  const { url, headers, callback, poll, passHeaders } = fields
  const problems: string[] = []
  const report = (problem: string | false | undefined): void => {
    if (typeof problem === 'string') problems.push(problem)
  }
  problemsOfOperation(operation).forEach(report)
  reportUnknownKeys('', fields, optionNames, report)
  report(typeof url !== 'function' && problemOfUrl('url', url))
  report(
    headers !== undefined &&
      typeof headers !== 'function' &&
      !isRecord(headers) &&
      `headers must be an object of headers, or a function that makes one, not ${describe(headers)}`,
  )
  if (callback !== undefined && !isRecord(callback))
    report(`callback must be an object, { url, secret }, not ${describe(callback)}`)
  else if (isRecord(callback)) {
    reportUnknownKeys('callback', callback, ['url', 'secret'], report)
    report(problemOfUrl('callback.url', callback['url']))
    report(problemOfSecret('callback.secret', callback['secret']))
  }
  report(
    poll !== undefined && durationMs(poll) === undefined && `poll ${describe(poll)} is not a duration; ${durationHint}`,
  )
  report(problemOfPassed(passHeaders))
  problemsOfCalls(fields).forEach(report)
  return problems
}

function callsOf(operation: AnyOperation, options: RemoteOptions<string, TypedDataType, TypedDataType>): RemoteCalls {
  const { url, headers, callback, passHeaders = passedByDefault } = options
  const service = new RemoteService(operation, options)
  const secret = callback?.secret
  const prepared = async ({ app, executionId, step, headers: ofExecution }: RemoteCall) => {
    const context = { app, executionId, step, headers: ofExecution }
    return {
      target: typeof url === 'function' ? await url(context) : url,
      headers: {
        ...passedOf(passHeaders, (name) => (Object.hasOwn(ofExecution, name) ? ofExecution[name] : undefined)),
        ...(typeof headers === 'function' ? await headers(context) : headers),
      },
    }
  }
  /** What makes an address or a credential may fail as the other service may: it is tried again. */
  const answered = async (
    call: RemoteCall,
    ask: (target: string, own: Record<string, string>) => Promise<RemoteAnswer>,
  ): Promise<RemoteAnswer> => {
    try {
      const { target, headers: own } = await prepared(call)
      return await ask(target, own)
    } catch (error) {
      return { state: 'unknown', error }
    }
  }
  const calls: RemoteCalls = {
    start: (call) =>
      answered(call, (target, own) => {
        const { request, requestId, signal, executionId, step, item, mayCallBack } = call
        const isCalledBack = mayCallBack && callback !== undefined
        const place = isCalledBack
          ? { [callbackHeaderName(callHeader)]: sealedPlace(secret!, { executionId, step, item, request: requestId }) }
          : {}
        const address = isCalledBack ? callback.url : undefined
        return service.start(target, { request, requestId, signal, callback: address, headers: { ...own, ...place } })
      }),
    poll: (call, token) =>
      answered(call, (target, own) =>
        service.poll(target, { requestId: call.requestId, token, headers: own, signal: call.signal }),
      ),
    cancel: async (call, token) => {
      const { target, headers: own } = await prepared(call)
      return service.cancel(target, { requestId: call.requestId, token, headers: own, signal: call.signal })
    },
    read: (message, requestId) => {
      const known = secret === undefined ? undefined : messageFor(secret, message, requestId)
      if (known === undefined) return undefined
      if (known.state === 'completed') return { state: 'completed', value: known.value }
      return { state: 'failed', outcome: known.state, error: service.outcomeError(known.state, known.message) }
    },
  }
  return Object.freeze(calls)
}
