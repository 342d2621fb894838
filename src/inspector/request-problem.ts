import { describeThrown, readOf } from '../core/thrown.ts'
import type { Refusal } from './protocol.ts'

/** A status that says what is wrong with a request. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 500 | 503

/** A request that can't be answered. */
export class RequestProblem extends Error {
  /** Of the answer. */
  readonly status: RefusalStatus

  constructor(status: RefusalStatus, message: string) {
    super(message)
    this.status = status
  }
}

const statuses: Readonly<Record<string, RefusalStatus>> = {
  OPTION_INVALID: 400,
  INPUT_INVALID: 400,
  GRAPH_INVALID: 400,
  SERIALIZATION_FAILED: 400,
  QUERY_FAILED: 400,
  EXECUTION_CONFLICT: 409,
  DEADLOCK: 409,
  REFUSED: 409,
  STORE_FAILED: 503,
  ENGINE_FAILED: 503,
  LEASE_LOST: 503,
  DOCKET_CLOSED: 503,
}

/** How a request is answered that something thrown has ended. Of what nobody foresaw nothing is said to the other side: that is for the log. */
export function refusalOf(thrown: unknown): { readonly status: RefusalStatus; readonly body: Refusal } {
  if (thrown instanceof RequestProblem) return { status: thrown.status, body: { error: { message: thrown.message } } }
  const code = readOf(thrown, 'code')
  const status = typeof code === 'string' && Object.hasOwn(statuses, code) ? statuses[code] : undefined
  if (status === undefined) {
    process.emitWarning(`the inspector could not answer a request. ${describeThrown(thrown)}`, 'DocketInspectorWarning')
    return { status: 500, body: { error: { message: 'this could not be answered; the log of the process says why' } } }
  }
  const message = String(readOf(thrown, 'message'))
  const isGone = code === 'EXECUTION_CONFLICT' && message.startsWith('there is no execution')
  return { status: isGone ? 404 : status, body: { error: { message, code: String(code) } } }
}
