import { isTerminal } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { OptionError } from '../core/errors.ts'
import { checkListQuery } from './check-calls.ts'
import type { ExecutionPage, ListQuery } from './list-executions.ts'

/** Which executions are tried again. */
export interface RetryQuery extends Omit<ListQuery, 'status' | 'waitsFor'> {
  /** In one of these, in which an execution has not come to its value. @default 'failed' */
  readonly status?: 'failed' | 'cancelled' | readonly ('failed' | 'cancelled')[] | undefined
}

/** What became of one of them. */
export interface RetryOutcome {
  /** The execution's id. */
  readonly id: string
  /** Whether it goes on. */
  readonly isRetried: boolean
  /** Why not. */
  readonly error?: unknown
}

/** A portion of what was to be tried again. */
export interface RetryPage {
  /** One for each execution that was found, the newest first. */
  readonly outcomes: readonly RetryOutcome[]
  /** `after` of the next portion; undefined on the last. */
  readonly next: string | undefined
}

const together = 10

/** @throws OptionError with all problems */
export function checkRetryAll(query: unknown): void {
  checkListQuery(query)
  const { status, waitsFor } = query as ListQuery
  if (waitsFor !== undefined) throw new OptionError('retryAll: waitsFor is of executions that have not ended')
  const statuses = status === undefined ? [] : Array.isArray(status) ? (status as readonly ExecutionStatus[]) : [status]
  if (!statuses.every((one) => one !== 'completed' && isTerminal(one as ExecutionStatus)))
    throw new OptionError('retryAll: status must be failed, cancelled, or a list of these')
}

/** Tries one portion again, a few at the same time; what one comes to is no matter to the others. */
export async function retryAll(
  query: RetryQuery,
  list: (query: ListQuery) => Promise<ExecutionPage>,
  retry: (id: string) => Promise<unknown>,
): Promise<RetryPage> {
  const { executions, next } = await list({ ...query, status: query.status ?? 'failed' })
  const outcomes: RetryOutcome[] = []
  for (let first = 0; first < executions.length; first += together) {
    const some = executions.slice(first, first + together)
    const settled = await Promise.allSettled(some.map(({ id }) => retry(id)))
    for (const [index, outcome] of settled.entries()) {
      const { id } = some[index]!
      outcomes.push(
        outcome.status === 'fulfilled' ? { id, isRetried: true } : { id, isRetried: false, error: outcome.reason },
      )
    }
  }
  return { outcomes, next }
}
