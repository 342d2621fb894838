import type { Docket, ExecutionInfo, ListQuery } from '../index.ts'
import { didYouMean } from '../core/closest-name.ts'
import type { CliCall } from './cli-call.ts'

/** The filter that a call gives; undefined where it gives none. */
export function filterOf(call: CliCall): ListQuery | undefined {
  const { status, graph, queue, key, parent, forkedFrom, waitsFor, errorCode, from, before } = call.options as {
    readonly [Name in keyof ListQuery]?: ListQuery[Name]
  }
  const given = { status, graph, queue, key, parent, forkedFrom, waitsFor, errorCode, from, before }
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as ListQuery)
}

/** All executions that a filter finds, page by page, the newest first. */
export async function* pagesOf(
  docket: Docket,
  filter: ListQuery,
  pageSize = 200,
): AsyncGenerator<readonly ExecutionInfo[], void, undefined> {
  for (let after: string | undefined; ;) {
    const page = await docket.list({ ...filter, limit: pageSize, after })
    yield page.executions
    if (page.next === undefined) return
    after = page.next
  }
}

/** Says of a graph that is not known here, and of which nothing was found, what it might have been. */
export function hintOfGraph(docket: Docket, graph: string | undefined): string | undefined {
  const names = docket.about().graphs.map(({ name }) => name)
  if (graph === undefined || names.length === 0 || names.includes(graph)) return undefined
  const hint = didYouMean(graph, names)
  return `no graph here is named "${graph}"${hint === '' ? `; there are ${names.join(', ')}` : hint}`
}
