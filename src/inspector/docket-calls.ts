import { readOf } from '../core/thrown.ts'
import type { Docket } from '../durable/docket.ts'
import type { ExecutionDetails } from '../durable/records/execution-info.ts'
import type { ActView, ExecutionFilter, StatusCounts, WhyView } from './protocol.ts'
import { queryOf } from './read-query.ts'
import { RequestProblem } from './request-problem.ts'

const mostActs = 100
/** For the process that runs an execution to say what its steps do. */
const patience = '500ms'

/** All that is known of an execution. @throws RequestProblem where there is none, and what the docket throws */
export async function detailsOf(docket: Docket, id: string): Promise<ExecutionDetails> {
  const handle = await docket.get(id)
  if (handle === undefined) throw new RequestProblem(404, `there is no execution "${id}"`)
  return handle.details({ live: patience })
}

/** How many there are in each status. */
export async function countsOf(docket: Docket, filter: ExecutionFilter): Promise<StatusCounts> {
  const { count } = docket as unknown as { count?: (query: object) => Promise<StatusCounts['counts']> }
  return { counts: (await count?.call(docket, queryOf(filter))) ?? {} }
}

/** Why an execution, or a step of it, is where it is. */
export async function whyOf(docket: Docket, id: string, step?: string, item?: string): Promise<WhyView> {
  const { text, code } = await docket.why(id, step, item === undefined ? {} : { item })
  return { text, code }
}

/** What people did to an execution, the newest first. */
export async function actsOf(docket: Docket, execution: string): Promise<readonly ActView[]> {
  const acts = readOf(docket, 'acts') as { list(query: object): Promise<unknown> } | undefined
  if (acts === undefined) return []
  const found = await acts.list({ execution, limit: mostActs })
  const list = (Array.isArray(found) ? found : readOf(found, 'acts')) as readonly {
    at: Date
    by: string
    act: string
    note?: string
  }[]
  return list.map(({ at, by, act, note }) => ({ at: at.toISOString(), by, act, ...(note !== undefined && { note }) }))
}
