import { describe } from '../core/check-options.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { RemoteError } from '../core/remote-error.ts'
import { isRecord } from '../core/is-record.ts'
import type { RemoteAnswer } from '../core/language/remote-step.ts'
import { describeThrown } from '../core/thrown.ts'
import { BodyError, boundedText } from './bounded-body.ts'
import { jsonOf, valueOfJson } from './json-value.ts'
import type { AnyOperation } from './operation.ts'

/** Headers, or a function that makes them for each call: where credentials come from. */
export type CallHeaders<Context> =
  | Readonly<Record<string, string>>
  | ((context: Context) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/** How a service is called. */
export interface CallOptions {
  /** Calls it. @default the host's fetch */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /** The largest answer that is read, in bytes. @default 1 MiB */
  readonly maxBody?: number | undefined
  /** How long one call may take; what it began goes on meanwhile. @default '30s' */
  readonly callTimeout?: Duration | undefined
}

/** What is wrong with how a service is called. */
export function problemsOfCalls({
  fetch,
  maxBody,
  callTimeout,
}: Readonly<Record<string, unknown>>): readonly (string | false)[] {
  return [
    fetch !== undefined &&
      typeof fetch !== 'function' &&
      `fetch must be a function like the host's, not ${describe(fetch)}`,
    maxBody !== undefined &&
      !(Number.isSafeInteger(maxBody) && (maxBody as number) >= 1) &&
      `maxBody must be a number of bytes from 1, not ${describe(maxBody)}`,
    callTimeout !== undefined &&
      !(durationMs(callTimeout)! > 0) &&
      `callTimeout ${describe(callTimeout)} is not a duration above 0; ${durationHint}`,
  ]
}

/** What is wrong with where a service is; undefined where nothing is. */
export function problemOfUrl(what: string, url: unknown): string | undefined {
  const isGood = typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (isGood && new URL(url).username === '' && new URL(url).search === '' && new URL(url).hash === '') return undefined
  return `${what} must be the address of a service, like 'https://billing.example.com/operations', without credentials and a query, not ${describe(url)}`
}

/** One call: which method, where below the service's address, and with what. */
interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>> | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal: AbortSignal
}

/** What begins an operation. */
export interface StartCall {
  readonly request: unknown
  readonly requestId: string
  readonly headers: Readonly<Record<string, string>>
  readonly callback?: string | undefined
  readonly signal: AbortSignal
}

/** Which operation that was begun is meant. */
export interface BegunCall {
  readonly requestId: string
  readonly token: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** May be sent again; all others are final. */
const againStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524])
const longestToken = 16_384
const longestPauseMs = 60 * 60_000

/** An operation of a service that is reached by HTTP. None of its methods rejects. */
export class RemoteService {
  readonly #operation: AnyOperation
  readonly #options: CallOptions
  readonly #callTimeoutMs: number

  constructor(operation: AnyOperation, options: CallOptions) {
    this.#operation = operation
    this.#options = options
    this.#callTimeoutMs = durationMs(options.callTimeout ?? '30s')!
  }

  /** Begins it, or asks what the same request has begun. */
  async start(url: string, { request, requestId, headers, callback, signal }: StartCall): Promise<RemoteAnswer> {
    let body: string
    try {
      const { name, input } = this.#operation
      body = jsonOf(request, `the request of "${name}"`, input.isSensitive === true)
    } catch (error) {
      return { state: 'failed', error }
    }
    const own = { 'content-type': 'application/json', 'nexus-request-id': requestId }
    const call = {
      method: 'POST',
      path: '',
      query: { callback },
      headers: { ...headers, ...own },
      body,
      signal,
    } as const
    return this.#answerOf(url, call)
  }

  /** Asks what it came to. */
  poll(url: string, call: BegunCall, wait?: string): Promise<RemoteAnswer> {
    const { signal } = call
    return this.#answerOf(url, { method: 'GET', path: '/result', query: { wait }, headers: headersOf(call), signal })
  }

  /** Asks it to give up. True once it has heard that, or knows of nothing to give up. */
  async cancel(url: string, call: BegunCall): Promise<boolean> {
    try {
      const response = await this.#call(url, {
        method: 'POST',
        path: '/cancel',
        headers: headersOf(call),
        signal: call.signal,
      })
      void response.body?.cancel().catch(() => {})
      // A request that is on its way may come after this.
      if (response.status === 404) return call.token !== undefined
      return response.ok
    } catch {
      return false
    }
  }

  async #answerOf(url: string, call: Call): Promise<RemoteAnswer> {
    let response: Response
    try {
      response = await this.#call(url, call)
    } catch (cause) {
      if (cause instanceof UnsendableError) return this.#refused(cause.message)
      return {
        state: 'unknown',
        error: this.#errorOf('REMOTE_UNREACHABLE', `could not be called: ${reasonOf(cause)}`, undefined, cause),
      }
    }
    const { status, headers } = response
    let text: string
    try {
      text = await boundedText(response, {
        maxBytes: this.#options.maxBody ?? 1024 * 1024,
        timeoutMs: this.#callTimeoutMs,
      })
    } catch (cause) {
      if (cause instanceof BodyError && cause.reason === 'too large')
        return this.#refused(`answered with more than maxBody allows: ${cause.message}`, status)
      return { state: 'unknown', error: this.#errorOf('REMOTE_UNREACHABLE', 'broke its answer off', status, cause) }
    }
    if (status === 200) return this.#completed(text)
    if (status === 201 || status === 412) return this.#running(status, text)
    if (status === 424) return this.#ended(text, headers.get('nexus-operation-state'))
    const said = messageOf(text)
    if (againStatuses.has(status)) {
      const error = this.#errorOf('REMOTE_UNREACHABLE', `answered with ${status}${said}`, status)
      return { state: 'unknown', error, afterMs: pauseOf(headers.get('retry-after')) }
    }
    if (status >= 300 && status < 400)
      return this.#refused('answered with a redirect, which is not followed: give its new address', status)
    return this.#refused(`answered with ${status}${said}`, status)
  }

  async #call(url: string, { method, path, query = {}, headers, body, signal }: Call): Promise<Response> {
    let target: URL
    let all: Headers
    try {
      const name = this.#operation.name.split('/').map(encodeURIComponent).join('/')
      target = new URL(`${url.replace(/\/$/, '')}/${name}${path}`)
      for (const [key, value] of Object.entries(query)) if (value !== undefined) target.searchParams.set(key, value)
      all = new Headers(headers)
    } catch (cause) {
      throw new UnsendableError(`can’t be called: ${describeThrown(cause)}`, { cause })
    }
    const { fetch = globalThis.fetch } = this.#options
    return fetch(target.href, {
      method,
      headers: all,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#callTimeoutMs)]),
      ...(body !== undefined && { body }),
    })
  }

  #completed(text: string): RemoteAnswer {
    try {
      return { state: 'completed', value: text === '' ? undefined : valueOfJson(text) }
    } catch (error) {
      return this.#refused(`answered with what is no JSON: ${describeThrown(error)}`, 200)
    }
  }

  #running(status: number, text: string): RemoteAnswer {
    try {
      const answer = valueOfJson(text)
      const token = isRecord(answer) ? answer['token'] : undefined
      if (typeof token === 'string' && token !== '' && token.length <= longestToken) return { state: 'running', token }
    } catch {
      // It is said below.
    }
    return this.#refused('says that it runs, without a token', status)
  }

  #ended(text: string, state: string | null): RemoteAnswer {
    const outcome = state === 'canceled' ? 'cancelled' : 'failed'
    return { state: 'failed', outcome, error: this.outcomeError(outcome, messageOf(text)) }
  }

  /** What it has ended with, as an error. */
  outcomeError(outcome: 'failed' | 'cancelled', message: string): RemoteError {
    const code = outcome === 'cancelled' ? 'REMOTE_CANCELLED' : 'REMOTE_FAILED'
    return this.#errorOf(
      code,
      `was ${outcome === 'cancelled' ? 'cancelled there' : 'begun there and failed'}${message}`,
      424,
    )
  }

  #refused(message: string, status?: number): RemoteAnswer {
    return { state: 'failed', error: this.#errorOf('REMOTE_REFUSED', message, status) }
  }

  #errorOf(
    code: RemoteError['code'] & `REMOTE_${string}`,
    message: string,
    status?: number,
    cause?: unknown,
  ): RemoteError {
    const { name } = this.#operation
    const options = cause === undefined ? undefined : { cause }
    return new RemoteError(
      code as never,
      `operation "${name}" of another service ${message}`,
      { operation: name, status },
      options,
    )
  }
}

/** What is wrong is on this side. */
class UnsendableError extends Error {}

function headersOf({ requestId, token, headers }: BegunCall): Record<string, string> {
  return {
    ...headers,
    ...(token === undefined ? { 'nexus-request-id': requestId } : { 'nexus-operation-token': token }),
  }
}

/** What a service says, on one line, and no longer than a log can bear. */
export function messageOf(text: string): string {
  try {
    const answer: unknown = JSON.parse(text)
    const message = isRecord(answer) ? answer['message'] : undefined
    return typeof message === 'string' && message !== '' ? `: ${oneLine(message)}` : ''
  } catch {
    return ''
  }
}

function oneLine(text: string): string {
  return text.slice(0, 2_000).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
}

function reasonOf(cause: unknown): string {
  const inner = isRecord(cause) || cause instanceof Error ? (cause as { readonly cause?: unknown }).cause : undefined
  return inner instanceof Error && inner.message !== ''
    ? `${describeThrown(cause)} (${inner.message})`
    : describeThrown(cause)
}

/** How long the service wants to be left alone: seconds, or until a date. */
function pauseOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined
  const ms = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), longestPauseMs) : undefined
}
