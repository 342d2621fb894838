import { createHash, randomUUID } from 'node:crypto'
import {
  DocketClosedError,
  ExecutionConflictError,
  InputError,
  RefusedError,
  SerializationError,
  StoreError,
} from '../core/errors.ts'
import { durationMs } from '../core/duration.ts'
import type { Docket } from '../durable/docket.ts'
import { failureAnswer, HttpError, jsonAnswer, outcomeAnswer, runningAnswer } from './answers.ts'
import { backlogAnswer } from './backlog.ts'
import { BodyError, boundedText } from './bounded-body.ts'
import { callbackHeadersOf } from './callback-headers.ts'
import { CallbackHosts } from './callback-hosts.ts'
import { valueOfJson } from './json-value.ts'
import { passedOf } from './passed-headers.ts'
import { seal, unseal } from './secrets.ts'
import type { Secret } from './secrets.ts'
import { resolveServeOptions } from './serve-options.ts'
import type { ResolvedServeOptions, ServeOptions, ServiceCall } from './serve-options.ts'
import { servedGraph } from './served-graph.ts'
import { ServedOperation } from './served-operation.ts'
import { callbackHeader, keptCallback, notifyCaller } from './notify-caller.ts'

/** Answers requests: what hono, Next, Bun and Deno take as it is, and `nodeListener` makes a listener of for Node. */
export type FetchHandler = (request: Request) => Promise<Response>

const longestWaitMs = 60_000
const longestId = 300
const requestIdForm = /^[\x21-\x7e]{1,200}$/

/**
 * Serves operations to other services, over HTTP in the shapes of Nexus: `POST /{service}/{operation}` begins one (200 with the value, if it is there soon; 201 with a token;
 * 424 where it has failed), `GET /{service}/{operation}/result` looks at it, `POST /{service}/{operation}/cancel` cancels it; `GET /backlog?queue=` counts what a queue has, for autoscalers. Every operation is done by an execution of the
 * docket, once per caller and `Nexus-Request-Id`. Every process that runs them calls this, whether it has a port or not.
 *
 * @example
 * const handler = serve(docket, { operations: [implement(Charge, { graph: charges })], authorize: callerOf, secret: process.env.CALLBACK_SECRET })
 * @throws OptionError with all problems
 */
export function serve(docket: Docket, options: ServeOptions): FetchHandler {
  const service = new Service(docket, resolveServeOptions(options))
  return (request) => service.answer(request)
}

/** Where a request leads. */
interface Route {
  readonly action: ServiceCall['action']
  /** Undefined for a backlog. */
  readonly operation: string | undefined
}

/** A caller that is known, and wants something of an operation. */
interface Known {
  readonly request: Request
  readonly url: URL
  readonly caller: string
  readonly secret: Secret
  readonly operation: string
  readonly served: ServedOperation
}

class Service {
  readonly #docket: Docket
  readonly #options: ResolvedServeOptions
  readonly #hosts: CallbackHosts
  readonly #served: ReadonlyMap<string, ServedOperation>
  /** Callers that wait here for what they have requested: whether they were given it. */
  readonly #answering = new Map<string, Promise<boolean>>()

  constructor(docket: Docket, options: ResolvedServeOptions) {
    this.#docket = docket
    this.#options = options
    const hosts = (this.#hosts = new CallbackHosts(options.callbackHosts))
    const { secretOf } = options
    const isAnswered = async (id: string): Promise<boolean> => (await this.#answering.get(id)) ?? false
    const notify = notifyCaller({ hosts, secretOf, isAnswered })
    this.#served = new Map(
      [...options.operations].map(([name, implementation]) => {
        const graph = servedGraph(implementation, notify)
        docket.addGraph(implementation.graph)
        docket.addGraph(graph)
        return [name, new ServedOperation(docket, implementation, graph)] as const
      }),
    )
  }

  /** Never rejects, and never says more than it should. */
  async answer(request: Request): Promise<Response> {
    try {
      return await this.#answer(request)
    } catch (error) {
      const { status, message } = this.#refusalOf(error)
      return failureAnswer(status, message, status === 503 ? { 'retry-after': '1' } : undefined)
    }
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const { action, operation } = this.#routeOf(request.method, url.pathname)
    // Strangers do not learn what there is.
    const caller = await this.#callerOf({ action, operation, headers: request.headers, request })
    if (operation === undefined) return backlogAnswer(this.#docket, url.searchParams)
    const served = this.#served.get(operation)
    if (served === undefined) throw new HttpError(404, 'there is no such operation')
    const secret = this.#options.secretOf(caller)
    if (secret === undefined) throw new HttpError(403, 'this caller has no secret here')
    const known: Known = { request, url, caller, secret, operation, served }
    if (action === 'start') return this.#start(known)
    return action === 'cancel' ? this.#cancel(known) : this.#read(known)
  }

  #routeOf(method: string, pathname: string): Route {
    const { basePath } = this.#options
    const [first, ...rest] = pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length).split('/') : ['-']
    if (first === '' && rest.length === 1 && rest[0] === 'backlog' && method === 'GET')
      return { action: 'backlog', operation: undefined }
    if (first !== '' || rest.length < 2 || rest.length > 3) throw new HttpError(404, 'there is nothing here')
    let names: string[]
    try {
      names = rest.map(decodeURIComponent)
    } catch {
      throw new HttpError(400, 'the path can’t be read')
    }
    const operation = `${names[0]!}/${names[1]!}`
    if (rest.length === 2 && method === 'POST') return { action: 'start', operation }
    if (rest.length === 3 && names[2] === 'cancel' && method === 'POST') return { action: 'cancel', operation }
    if ((rest.length === 2 || names[2] === 'result') && method === 'GET') return { action: 'read', operation }
    throw new HttpError(404, 'there is nothing here')
  }

  async #callerOf(call: ServiceCall): Promise<string> {
    const caller: unknown = await this.#options.authorize(call)
    if (caller === undefined || caller === null || caller === '') throw new HttpError(401, 'the caller is not known')
    if (typeof caller !== 'string' || caller.length > 200 || !caller.isWellFormed())
      throw new TypeError('authorize must return the name of the caller, of 1 to 200 characters, or undefined')
    return caller
  }

  async #start(known: Known): Promise<Response> {
    const { request, caller, operation, secret, served } = known
    const { headers } = request
    const requestId = headers.get('nexus-request-id') ?? randomUUID()
    if (!requestIdForm.test(requestId))
      throw new HttpError(400, 'Nexus-Request-Id must have 1 to 200 visible characters of ASCII')
    const executionId = executionIdOf(caller, operation, requestId)
    const kept = this.#callbackOf(known, executionId, requestId)
    const value = await this.#valueOf(request)
    const passed = passedOf(this.#options.passHeaders, (name) => headers.get(name))
    let answered!: (isAnswered: boolean) => void
    const answering = new Promise<boolean>((resolve) => (answered = resolve))
    this.#answering.set(executionId, answering)
    try {
      const outcome = await served.start({
        executionId,
        value,
        headers: kept === undefined ? passed : { ...passed, [callbackHeader]: kept },
        answerWithinMs: this.#options.answerWithinMs,
        signal: request.signal,
      })
      answered(outcome !== undefined && !request.signal.aborted)
      if (outcome !== undefined) return outcomeAnswer(outcome)
      return runningAnswer(201, tokenOf(secret, caller, operation, executionId))
    } finally {
      answered(false)
      if (this.#answering.get(executionId) === answering) this.#answering.delete(executionId)
    }
  }

  /** Where the outcome is to go, as the execution keeps it; undefined where the caller asks by itself. */
  #callbackOf({ url, request, caller, secret }: Known, executionId: string, requestId: string): string | undefined {
    const address = url.searchParams.get('callback')
    if (address === null || address === '') return undefined
    const verdict = this.#hosts.verdict(address)
    if ('refusal' in verdict) throw new HttpError(400, verdict.refusal)
    const headers = callbackHeadersOf(request.headers)
    return keptCallback(secret, executionId, { url: verdict.url.href, headers, caller, request: requestId })
  }

  async #valueOf(request: Request): Promise<unknown> {
    const type = request.headers.get('content-type')
    const { maxBody: maxBytes, bodyTimeoutMs: timeoutMs } = this.#options
    if (type !== null && !/^application\/json\s*(?:;|$)/i.test(type))
      throw new HttpError(400, 'the body must be JSON, with content-type: application/json')
    const text = await boundedText(request, { maxBytes, timeoutMs })
    if (text === '') return null
    try {
      return valueOfJson(text)
    } catch (error) {
      throw new HttpError(
        400,
        `the body is no JSON that can be taken: ${error instanceof Error ? error.message : 'unknown'}`,
      )
    }
  }

  async #read(known: Known): Promise<Response> {
    const { request, url, served } = known
    const { executionId, token } = executionOf(known)
    const isResult = url.pathname.endsWith('/result')
    const wait = url.searchParams.get('wait')
    const waitMs = wait === null || !isResult ? 0 : durationMs(wait)
    if (waitMs === undefined) throw new HttpError(400, 'wait must be a duration, like 5s')
    const outcome = await served.outcome(executionId, Math.min(waitMs, longestWaitMs), request.signal)
    if (!isResult) {
      const state =
        outcome === undefined
          ? 'running'
          : { completed: 'succeeded', failed: 'failed', cancelled: 'canceled' }[outcome.state]
      return jsonAnswer(200, JSON.stringify({ token, state }))
    }
    return outcome === undefined ? runningAnswer(412, token) : outcomeAnswer(outcome)
  }

  async #cancel(known: Known): Promise<Response> {
    await known.served.cancel(executionOf(known).executionId)
    return jsonAnswer(202, '{}')
  }

  /** What the caller is notified of an error. */
  #refusalOf(error: unknown): { readonly status: number; readonly message: string } {
    if (error instanceof HttpError) return error
    if (error instanceof BodyError) {
      const status = { 'too large': 413, 'too slow': 408, unreadable: 400 }[error.reason]
      return { status, message: error.message }
    }
    if (error instanceof InputError || error instanceof SerializationError)
      return { status: 400, message: error.message }
    if (error instanceof ExecutionConflictError)
      return { status: 409, message: 'this request was made before, and requested something else' }
    if (error instanceof RefusedError) return { status: 403, message: error.message }
    if (error instanceof DocketClosedError || (error instanceof StoreError && error.isTransient))
      return { status: 503, message: 'the service can’t do that now' }
    this.#report(error)
    return { status: 500, message: 'the service failed' }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError(error)
    } catch {
      // The caller is answered all the same.
    }
  }
}

/** Of one caller and one request: nobody else's can be the same. */
function executionIdOf(caller: string, operation: string, request: string): string {
  const parts = [caller, ...operation.split('/'), request]
  const id = `remote/${parts.map(encodeURIComponent).join('/')}`
  // Stores have their limits, and its child has a longer one.
  return id.length <= longestId
    ? id
    : `remote/~${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`
}

/** What a caller calls an execution: random, and of use to nobody else. */
function tokenOf(secret: Secret, caller: string, operation: string, executionId: string): string {
  return seal(secret, 'token', placeOf(caller, operation), { id: executionId })
}

function placeOf(caller: string, operation: string): string {
  return JSON.stringify([caller, operation])
}

/** The execution that a request means, by its token or by the id of the request that has begun it. @throws HttpError */
function executionOf({ request, url, caller, secret, operation }: Known): {
  readonly executionId: string
  readonly token: string
} {
  const given = request.headers.get('nexus-operation-token') ?? url.searchParams.get('token')
  const requestId = request.headers.get('nexus-request-id')
  if (given !== null) {
    const id = unseal(secret, 'token', placeOf(caller, operation), given)?.data['id']
    if (typeof id !== 'string') throw new HttpError(404, 'there is no such operation of this caller')
    return { executionId: id, token: given }
  }
  if (requestId === null || !requestIdForm.test(requestId))
    throw new HttpError(400, 'say which operation is meant, by the header Nexus-Operation-Token')
  const executionId = executionIdOf(caller, operation, requestId)
  return { executionId, token: tokenOf(secret, caller, operation, executionId) }
}
