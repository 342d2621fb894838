import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { checkOptions, describe, refuse } from '../core/check-options.ts'
import { isRecord } from '../core/is-record.ts'
import type { GivenOf, TypedDataType, ValueOf } from '../core/language/data-type.ts'
import type { RemoteAnswer } from '../core/language/remote-step.ts'
import { checkedValue } from './check-value.ts'
import { problemsOfOperation } from './operation.ts'
import type { Operation } from './operation.ts'
import { problemOfUrl, problemsOfCalls, RemoteService } from './remote-service.ts'
import type { CallHeaders, CallOptions } from './remote-service.ts'

/** Options of `client`. */
export interface ClientOptions extends CallOptions {
  /** Headers of each call, for who calls: made anew each time. @default {} */
  readonly headers?: CallHeaders<undefined> | undefined
}

/** How one operation is begun. */
export interface RemoteStartOptions {
  /** The same for the same request, however often it is sent: the service does it once. @default a random one */
  readonly id?: string | undefined
  /** Ends the wait; the operation goes on. @default none */
  readonly signal?: AbortSignal | undefined
}

/** An operation that was begun. */
export interface BegunOperation<Output extends TypedDataType> {
  /** The request's id. */
  readonly id: string
  /** What the service calls it; undefined where it had ended at once. */
  readonly token: string | undefined
  /** Waits for its value. @throws (as rejection) RemoteError, and the reason of `signal` */
  result(options?: { readonly signal?: AbortSignal | undefined }): Promise<ValueOf<Output>>
  /** Asks the service to cancel it. @returns whether it has heard that */
  cancel(): Promise<boolean>
}

/** Calls the operations of one service from code that is no graph. Made by `client`. */
export interface RemoteClient {
  /** Begins an operation. @throws (as rejection) RemoteError where it is refused or can't be reached */
  start<Input extends TypedDataType, Output extends TypedDataType>(
    operation: Operation<string, Input, Output>,
    request: GivenOf<Input>,
    options?: RemoteStartOptions,
  ): Promise<BegunOperation<Output>>
  /** Begins an operation and waits for its value. @throws (as rejection) RemoteError */
  execute<Input extends TypedDataType, Output extends TypedDataType>(
    operation: Operation<string, Input, Output>,
    request: GivenOf<Input>,
    options?: RemoteStartOptions,
  ): Promise<ValueOf<Output>>
}

const mostTries = 5
const firstPauseMs = 200
const longWait = '20s'

/**
 * A client of one service, for scripts, tests and handlers. It remembers nothing: what must survive this process is a `remote` step.
 *
 * @example
 * const billing = client('https://billing.example.com/operations', { headers: { authorization: `Bearer ${token}` } })
 * const receipt = await billing.execute(Charge, { amount: 12 }, { id: 'order:o-1' })
 * @throws OptionError with all problems
 */
export function client(url: string, options: ClientOptions = {}): RemoteClient {
  checkOptions('client', options, ['headers', 'fetch', 'maxBody', 'callTimeout'], ({ headers, ...rest }) => [
    problemOfUrl('url', url),
    headers !== undefined &&
      typeof headers !== 'function' &&
      !isRecord(headers) &&
      `headers must be an object of headers, or a function that makes one, not ${describe(headers)}`,
    ...problemsOfCalls(rest),
  ])
  const headersNow = async (): Promise<Readonly<Record<string, string>>> =>
    typeof options.headers === 'function' ? options.headers(undefined) : (options.headers ?? {})

  const start: RemoteClient['start'] = async (operation, request, { id = randomUUID(), signal } = {}) => {
    refuse('client', problemsOfOperation(operation))
    const service = new RemoteService(operation, options)
    const never = new AbortController().signal
    const first = await persistently(
      async () => service.start(url, { request, requestId: id, headers: await headersNow(), signal: signal ?? never }),
      signal,
    )
    const token = first.state === 'running' ? first.token : undefined
    const result = async (ends: AbortSignal | undefined): Promise<unknown> => {
      for (let answer: RemoteAnswer = first; ;) {
        if (answer.state === 'completed') return checkedValue(operation.output, answer.value)
        if (answer.state !== 'running') throw answer.error
        const call = { requestId: id, token: answer.token, signal: ends ?? never }
        answer = await persistently(
          async () => service.poll(url, { ...call, headers: await headersNow() }, longWait),
          ends,
        )
      }
    }
    if (first.state === 'failed' && first.outcome === undefined) throw first.error
    return {
      id,
      token,
      result: ({ signal: ends = signal } = {}) => result(ends) as never,
      cancel: async () => service.cancel(url, { requestId: id, token, headers: await headersNow(), signal: never }),
    }
  }

  return Object.freeze({
    start,
    execute: async (operation, request, given) => (await start(operation, request, given)).result(given),
  } satisfies RemoteClient)
}

/** Asks a few times. @throws the reason of the signal, and what no answer came for */
async function persistently(ask: () => Promise<RemoteAnswer>, signal: AbortSignal | undefined): Promise<RemoteAnswer> {
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted()
    const answer = await ask()
    signal?.throwIfAborted()
    if (answer.state !== 'unknown') return answer
    if (tries === mostTries) throw answer.error
    await pause(Math.max(answer.afterMs ?? 0, firstPauseMs * 2 ** tries), undefined, { signal })
  }
}
