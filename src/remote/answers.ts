import type { Outcome } from './served-graph.ts'
import { jsonOf } from './json-value.ts'

/** A request that is refused, and with which status: 408, 429, 500, 503 and 520 may be sent again, others are final. */
export class HttpError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** An answer whose body is JSON. */
export function jsonAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, { status, headers: { ...always, 'content-type': 'application/json', ...headers } })
}

/** What a caller is notified of a failure: never where in which file it was. */
export function failureAnswer(status: number, message: string, headers?: Readonly<Record<string, string>>): Response {
  return jsonAnswer(status, JSON.stringify({ message: message.slice(0, 2_000) }), headers)
}

/** Names of what operations end with, as Nexus has them. */
export const stateNames = { completed: 'succeeded', failed: 'failed', cancelled: 'canceled' } as const

/** The body of what an operation came to. */
export function bodyOfOutcome(outcome: Outcome): string {
  if (outcome.state === 'completed') return jsonOf(outcome.value, 'the answer')
  const { message, code } = outcome
  return JSON.stringify({ message: message.slice(0, 10_000), ...(code !== undefined && { details: { code } }) })
}

/** The answer that an operation has ended with. */
export function outcomeAnswer(outcome: Outcome): Response {
  const status = outcome.state === 'completed' ? 200 : 424
  return jsonAnswer(status, bodyOfOutcome(outcome), { 'nexus-operation-state': stateNames[outcome.state] })
}

/** The answer that an operation goes on. */
export function runningAnswer(status: number, token: string): Response {
  return jsonAnswer(status, JSON.stringify({ token, state: 'running' }), { 'nexus-operation-state': 'running' })
}
