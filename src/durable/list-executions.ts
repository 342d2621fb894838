import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { append } from '../core/append.ts'
import { openStatuses } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import type { DocketContext } from './context/docket-context.ts'
import { findWaiting } from './find-waiting.ts'
import type { Place, WaitQuery } from './find-waiting.ts'
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
  /** In this queue. @default any */
  readonly queue?: string | undefined
  /** With this key. @default any */
  readonly key?: string | undefined
  /** That ended with an error of this code, like `STEP_FAILED`; or are undone because of one. @default any */
  readonly errorCode?: string | undefined
  /**
   * Of which a step waits for this. There is no index of that: a call looks through a thousand executions that have not ended at the most, of those that the
   * rest of the query is about, so that a page may have fewer than `limit`, or none, and there is a next one all the same. @default any
   */
  readonly waitsFor?: WaitQuery | undefined
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

/** So many are decoded at the same time: a codec may be asynchronous. */
const shownTogether = 16

/** A page of executions, those of a graph under every name that it had. */
export async function listExecutions(context: DocketContext, query: ListQuery): Promise<ExecutionPage> {
  const { limit = 100, after, waitsFor, status } = query
  await context.connection.readyBy()
  const from = after === undefined ? undefined : placeOfText(after)
  if (waitsFor !== undefined) {
    const open = status === undefined ? { ...query, status: openStatuses } : query
    const portion = (place: Place | undefined, most: number) => recordsOf(context, open, place, most)
    const { found, last } = await findWaiting(context, waitsFor, { from, limit, portion })
    return { executions: await shown(context, found), next: last && textOfPlace(last) }
  }
  // One more than the page has shows whether there is another page.
  const records = await recordsOf(context, query, from, limit + 1)
  const page = records.slice(0, limit)
  const last = records.length === page.length ? undefined : page.at(-1)
  return { executions: await shown(context, page), next: last && textOfPlace(last) }
}

/** What a page shows. It may be as long as its caller wants, and its values are decoded: timers, I/O and renewals have their turn in between. */
async function shown(context: DocketContext, records: readonly ExecutionRecord[]): Promise<readonly ExecutionInfo[]> {
  const turn = turnOf(context.hostClock)
  const infos: ExecutionInfo[] = []
  for (let first = 0; first < records.length; first += shownTogether) {
    const some = records.slice(first, first + shownTogether)
    if (turn.mustYield(some.length)) await turn.next()
    append(infos, await Promise.all(some.map((record) => shownOne(context, record))))
  }
  return infos
}

async function shownOne(context: DocketContext, record: ExecutionRecord): Promise<ExecutionInfo> {
  const reasons = context.incompatible.misfitOfOpen(record)?.reasons
  return infoOf(await context.presentRecord(record), context.connection.encoding, reasons, context.graphOf(record))
}

/** The newest behind a place. */
export async function recordsOf(
  context: DocketContext,
  { status, graph, parent, forkedFrom, queue, key, errorCode, from, before }: ListQuery,
  after: Place | undefined,
  limit: number,
): Promise<readonly ExecutionRecord[]> {
  const { connection } = context
  const { name, formerly = [] } = (graph === undefined ? undefined : context.graphOf(graph)) ?? { name: graph }
  const pages = await Promise.all(
    [name, ...formerly].map((one) =>
      connection.patiently(() =>
        connection.store.list({
          statuses: status === undefined || typeof status !== 'string' ? status : [status as ExecutionStatus],
          graph: one,
          parent,
          forkedFrom,
          queue,
          key,
          errorCode,
          createdFrom: from?.getTime(),
          createdBefore: before?.getTime(),
          after,
          limit,
        }),
      ),
    ),
  )
  return pages.length === 1 ? pages[0]! : pages.flat().toSorted(newestFirst).slice(0, limit)
}

function newestFirst(one: ExecutionRecord, other: ExecutionRecord): number {
  return other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1)
}

/** A place as the `next` of a page. */
export function textOfPlace({ createdAt, id }: Place): string {
  return `${createdAt}:${id}`
}

/** What `next` of a page was made of. */
export function placeOfText(after: string): Place {
  const colon = after.indexOf(':')
  return { createdAt: Number(after.slice(0, colon)), id: after.slice(colon + 1) }
}
