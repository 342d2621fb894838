import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import type { DocketContext } from './context/docket-context.ts'
import { infoOf } from './records/execution-info.ts'
import type { ExecutionInfo } from './records/execution-info.ts'

/** Which executions `list` returns. */
export interface ListQuery {
  /** In one of these. @default any */
  readonly status?: ExecutionStatus | readonly ExecutionStatus[] | undefined
  /** Of the graph of this name, whatever it was called when they began. @default any */
  readonly graph?: string | undefined
  /** Children of the execution with this id. @default any */
  readonly parent?: string | undefined
  /** Forks of the execution with this id. @default any */
  readonly forkedFrom?: string | undefined
  /** Created at this time or later. @default any time */
  readonly from?: Date | undefined
  /** Created before this time. @default any time */
  readonly before?: Date | undefined
  /** How many at most. @default 100 */
  readonly limit?: number | undefined
  /** `next` of the page before. @default the first page */
  readonly after?: string | undefined
}

/** A page of executions, the newest first. */
export interface ExecutionPage {
  /** The newest first. */
  readonly executions: readonly ExecutionInfo[]
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined
}

/** A page of executions, those of a graph under every name that it had. */
export async function listExecutions(context: DocketContext, query: ListQuery): Promise<ExecutionPage> {
  const { status, graph, parent, forkedFrom, from, before, limit = 100, after } = query
  const { connection, incompatible } = context
  await connection.readyBy()
  const { name, formerly = [] } = (graph === undefined ? undefined : context.graphOf(graph)) ?? { name: graph }
  const pages = await Promise.all(
    [name, ...formerly].map((one) =>
      connection.patiently(() =>
        connection.store.list({
          statuses: status === undefined || typeof status !== 'string' ? status : [status as ExecutionStatus],
          graph: one,
          parent,
          forkedFrom,
          createdFrom: from?.getTime(),
          createdBefore: before?.getTime(),
          after: after === undefined ? undefined : placeOf(after),
          // One more than the page has shows whether there is another page.
          limit: limit + 1,
        }),
      ),
    ),
  )
  const records = pages.length === 1 ? pages[0]! : pages.flat().toSorted(newestFirst)
  const page = records.slice(0, limit)
  const executions = await Promise.all(
    page.map(async (record) =>
      infoOf(await context.presentRecord(record), connection.encoding, incompatible.misfitOfOpen(record)?.reasons),
    ),
  )
  const last = page.at(-1)
  const next = last === undefined || records.length === page.length ? undefined : `${last.createdAt}:${last.id}`
  return { executions, next }
}

function newestFirst(one: ExecutionRecord, other: ExecutionRecord): number {
  return other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1)
}

function placeOf(after: string): { readonly createdAt: number; readonly id: string } {
  const colon = after.indexOf(':')
  return { createdAt: Number(after.slice(0, colon)), id: after.slice(colon + 1) }
}
