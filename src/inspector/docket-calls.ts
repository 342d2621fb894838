import type { CountQuery } from '../durable/count-executions.ts'
import type { Docket } from '../durable/docket.ts'
import type { ExecutionDetails } from '../durable/records/execution-info.ts'
import { defined } from './defined.ts'
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
  // Of that there is no index: to count it would be to read all of them.
  if (filter.waitsFor !== undefined) return { counts: {} }
  return { counts: await docket.count(queryOf(filter) as CountQuery) }
}

/** Why an execution, or a step of it, is where it is. */
export async function whyOf(docket: Docket, id: string, step?: string, item?: string): Promise<WhyView> {
  const { text, code } = await docket.why(id, step, item === undefined ? {} : { item })
  return { text, code }
}

/** What people did to an execution, the newest first. */
export async function actsOf(docket: Docket, execution: string): Promise<readonly ActView[]> {
  const { acts } = await docket.acts.list({ execution, limit: mostActs })
  return acts.map(({ at, by, act, note }) => defined<ActView>({ at: at.toISOString(), by, act, note }))
}
