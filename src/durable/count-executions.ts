import { executionStatuses } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { ListQuery } from './list-executions.ts'

/** Which executions `count` counts. */
export type CountQuery = Omit<ListQuery, 'limit' | 'after' | 'waitsFor'>

/** How many executions there are in one status. */
export interface StatusCount {
  /** So many, as far as they were counted. */
  readonly count: number
  /** Whether there are more. */
  readonly isMore: boolean
}

/** How many executions there are, by status; those that have none are left out. */
export type ExecutionCounts = Readonly<Partial<Record<ExecutionStatus, StatusCount>>>

const most = 10_000

/** Counts executions, those of a graph under every name that it had. */
export async function countExecutions(context: DocketContext, query: CountQuery): Promise<ExecutionCounts> {
  const { connection } = context
  await connection.readyBy()
  const { status, graph, from, before, ...others } = query
  const { name, formerly = [] } = (graph === undefined ? undefined : context.graphOf(graph)) ?? { name: graph }
  const statuses = status === undefined || typeof status !== 'string' ? status : [status as ExecutionStatus]
  const times = { createdFrom: from?.getTime(), createdBefore: before?.getTime() }
  const counts = await Promise.all(
    [name, ...formerly].map((one) =>
      connection.patiently(() => connection.store.count({ ...others, statuses, graph: one, ...times, upTo: most + 1 })),
    ),
  )
  const sums = executionStatuses.map((of) => [of, counts.reduce((sum, one) => sum + (one[of] ?? 0), 0)] as const)
  return Object.fromEntries(
    sums.flatMap(([of, sum]) => (sum === 0 ? [] : [[of, { count: Math.min(sum, most), isMore: sum > most }]])),
  )
}
