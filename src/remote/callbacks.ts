import { checkOptions, describe } from '../core/check-options.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { ExecutionConflictError, InputError, OptionError } from '../core/errors.ts'
import type { Docket } from '../durable/docket.ts'
import { failureAnswer, HttpError, jsonAnswer, stateNames } from './answers.ts'
import { BodyError, boundedText } from './bounded-body.ts'
import { callbackType, callHeader, provenMessage, unsealedPlace } from './callback-message.ts'
import type { CallbackMessage, WaitingPlace } from './callback-message.ts'
import { valueOfJson } from './json-value.ts'
import { messageOf } from './remote-service.ts'
import { isSignatureOf, problemOfSecret } from './secrets.ts'
import type { Secret } from './secrets.ts'
import type { FetchHandler } from './serve.ts'

/** Options of `receiveCallbacks`. */
export interface CallbackOptions {
  /** The secrets of all services that call back, as their `remote` steps have them. */
  readonly secret: Secret
  /** The largest body that is read, in bytes. @default 1 MiB */
  readonly maxBody?: number | undefined
  /** How long a body may take. @default '10s' */
  readonly bodyTimeout?: Duration | undefined
  /** How far the clock of a service may be from this one's. @default '5m' */
  readonly tolerance?: Duration | undefined
  /** Called with what went wrong here, of which the service learns nothing. @default console.error */
  readonly onError?: ((error: unknown) => void) | undefined
}

const optionNames = ['secret', 'maxBody', 'bodyTimeout', 'tolerance', 'onError']

/**
 * Takes callbacks of other services, and hands each to the execution that waits for it, wherever that is: a message in its mailbox. Any process that has the docket's store will do. What was not
 * signed, or is about nothing that was requested here, is refused; what comes again is taken as known.
 *
 * @example
 * app.post('/callbacks', (c) => callbacks(c.req.raw))   // const callbacks = receiveCallbacks(docket, { secret })
 * @throws OptionError with all problems
 */
export function receiveCallbacks(docket: Docket, options: CallbackOptions): FetchHandler {
  checkOptions('receiveCallbacks', options, optionNames, ({ secret, maxBody, bodyTimeout, tolerance, onError }) => [
    problemOfSecret('secret', secret),
    maxBody !== undefined &&
      !(Number.isSafeInteger(maxBody) && (maxBody as number) >= 1) &&
      `maxBody must be a number of bytes from 1, not ${describe(maxBody)}`,
    ...Object.entries({ bodyTimeout, tolerance }).map(
      ([name, duration]) =>
        duration !== undefined &&
        durationMs(duration) === undefined &&
        `${name} ${describe(duration)} is not a duration; ${durationHint}`,
    ),
    onError !== undefined && typeof onError !== 'function' && `onError must be a function, not ${describe(onError)}`,
  ])
  const { secret, onError = (error: unknown) => console.error(error) } = options
  const limits = { maxBytes: options.maxBody ?? 1024 * 1024, timeoutMs: durationMs(options.bodyTimeout ?? '10s')! }
  const toleranceMs = durationMs(options.tolerance ?? '5m')!
  return async (request) => {
    try {
      if (request.method !== 'POST') throw new HttpError(404, 'callbacks are posted')
      // A stranger's body is not even read.
      const place = unsealedPlace(secret, request.headers.get(callHeader) ?? '')
      if (place === undefined) throw new HttpError(401, 'this callback is about nothing that was requested here')
      requireRecent(request.headers, toleranceMs)
      const body = await boundedText(request, limits)
      const message = messageIn(request.headers, body, place)
      await post(docket, place, message)
      return jsonAnswer(200, '{}')
    } catch (error) {
      if (error instanceof HttpError) return failureAnswer(error.status, error.message)
      if (error instanceof BodyError)
        return failureAnswer({ 'too large': 413, 'too slow': 408, unreadable: 400 }[error.reason], error.message)
      try {
        onError(error)
      } catch {
        // The service is answered all the same.
      }
      return failureAnswer(503, 'the callback can’t be taken now')
    }
  }
}

/** @throws HttpError for what was signed long ago, or will be */
function requireRecent(headers: Headers, toleranceMs: number): void {
  const timestamp = headers.get('webhook-timestamp') ?? ''
  const isRecent = /^\d{1,12}$/.test(timestamp) && Math.abs(Date.now() - Number(timestamp) * 1_000) <= toleranceMs
  if (!isRecent) throw new HttpError(401, 'the callback was not signed just now')
}

/** What a callback says, once it is known who says it. @throws HttpError */
function messageIn(
  headers: Headers,
  body: string,
  { secret, request }: WaitingPlace & { readonly secret: string },
): CallbackMessage {
  const id = headers.get('webhook-id') ?? ''
  const timestamp = headers.get('webhook-timestamp') ?? ''
  if (!isSignatureOf(secret, 'signature', [id, timestamp, body], headers.get('webhook-signature')))
    throw new HttpError(401, 'the signature of the callback is wrong')
  const name = headers.get('nexus-operation-state')
  const state = (['completed', 'failed', 'cancelled'] as const).find((one) => stateNames[one] === name)
  // The id is signed, the header is not.
  if (state === undefined || id !== `${request}:${name}`)
    throw new HttpError(400, 'the callback is about another request')
  if (state !== 'completed')
    return provenMessage(secret, { request, state, value: undefined, message: messageOf(body) })
  try {
    const value = body === '' ? undefined : valueOfJson(body)
    return provenMessage(secret, { request, state, value, message: '' })
  } catch {
    throw new HttpError(400, 'the body of the callback is no JSON')
  }
}

/** Leaves it for the execution; one that has ended, or has it already, needs it no more. @throws HttpError where there is none, StoreError */
async function post(
  docket: Docket,
  { executionId, step, item }: WaitingPlace,
  message: CallbackMessage,
): Promise<void> {
  const handle = await docket.get(executionId)
  if (handle === undefined) throw new HttpError(404, 'nothing waits for this callback any more')
  // The same callback is the same message; one that was signed with the secret of another service is not, and must not stand in its way.
  try {
    await handle.signal(callbackType(step), message, { id: message.proof, ...(item !== undefined && { item }) })
  } catch (error) {
    if (error instanceof OptionError || error instanceof InputError || error instanceof ExecutionConflictError)
      throw new HttpError(404, 'nothing waits for this callback any more')
    throw error
  }
}
