import { ExecutionConflictError } from '../core/errors.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import type { Docket } from '../durable/docket.ts'
import type { ExecutionHandle } from '../durable/execution-handle.ts'
import { HttpError } from './answers.ts'
import { checkedValue, MisfitError } from './check-value.ts'
import type { Implementation } from './implementation.ts'
import { RequestType, Cancel, OutcomeType, Notified } from './served-graph.ts'
import type { Outcome } from './served-graph.ts'

/** What a caller wants an operation to do. */
interface Wanted {
  readonly executionId: string
  readonly value: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly answerWithinMs: number
  readonly signal: AbortSignal
}

/** One operation of a docket, by the executions of which each serves one request. */
export class ServedOperation {
  readonly #docket: Docket
  readonly #implementation: Implementation
  readonly #graph: AnyGraph

  constructor(docket: Docket, implementation: Implementation, graph: AnyGraph) {
    this.#docket = docket
    this.#implementation = implementation
    this.#graph = graph
  }

  /** Begins, or attaches to what the same request has begun. @returns what it came to, if that was soon @throws HttpError, and what the docket throws */
  async start({ executionId, value, headers, answerWithinMs, signal }: Wanted): Promise<Outcome | undefined> {
    await this.#requireFitting(value)
    const known = await this.#docket.get(executionId)
    // One that was ended by hand is not begun again by a request that was sent twice.
    const ended = known === undefined ? undefined : await endOf(known)
    if (ended !== undefined) return ended
    const inputs = { [RequestType.name]: { value } }
    const handle = await this.#docket.start(this.#graph, Notified, inputs, { id: executionId, headers })
    return this.#outcomeWithin(handle, answerWithinMs, signal)
  }

  /** What an execution came to; undefined while it goes on. @throws HttpError where there is none */
  async outcome(executionId: string, waitMs: number, signal: AbortSignal): Promise<Outcome | undefined> {
    return this.#outcomeWithin(await this.#handleOf(executionId), waitMs, signal)
  }

  /** Asks an execution to give up, unless it has ended. @throws HttpError where there is none */
  async cancel(executionId: string): Promise<void> {
    const handle = await this.#handleOf(executionId)
    await handle.signal(Cancel, { reason: 'the caller has cancelled the operation' }, { id: 'cancel' })
  }

  async #handleOf(executionId: string): Promise<ExecutionHandle<unknown>> {
    const handle = await this.#docket.get(executionId)
    if (handle === undefined) throw new HttpError(404, 'there is no such operation of this caller')
    return handle
  }

  async #requireFitting(value: unknown): Promise<void> {
    const { operation, inputs } = this.#implementation
    try {
      const checked = await checkedValue(operation.input, value)
      await inputs?.(checked)
    } catch (error) {
      if (error instanceof MisfitError) throw new HttpError(400, error.message)
      throw error
    }
  }

  /** Waits for so long; whoever leaves meanwhile is not waited for. */
  async #outcomeWithin(
    handle: Pick<ExecutionHandle<unknown>, 'get' | 'watch' | 'details'>,
    ms: number,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    if (ms > 0) {
      const isOver = AbortSignal.any([AbortSignal.timeout(ms), signal])
      try {
        for await (const outcome of handle.watch(OutcomeType, { signal: isOver })) return outcome
      } catch (error) {
        if (!isOver.aborted) throw goneOf(error)
      }
    }
    return endOf(handle)
  }
}

/** What has ended of an execution; undefined while it goes on. */
async function endOf(handle: Pick<ExecutionHandle<unknown>, 'get' | 'details'>): Promise<Outcome | undefined> {
  try {
    const outcome = await handle.get(OutcomeType)
    if (outcome !== undefined) return outcome
    const { status } = await handle.details()
    if (status !== 'failed' && status !== 'cancelled') return undefined
    return {
      state: status,
      message: `the operation was ${status === 'failed' ? 'given up' : 'cancelled'}`,
      code: undefined,
    }
  } catch (error) {
    throw goneOf(error)
  }
}

/** It was deleted meanwhile. */
function goneOf(error: unknown): unknown {
  return error instanceof ExecutionConflictError ? new HttpError(404, 'there is no such operation any more') : error
}
