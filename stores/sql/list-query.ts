import type { CountRequest } from '../../src/core/contracts/execution-count.ts'
import type { ExecutionQuery } from '../../src/core/contracts/execution-record.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import { executionStatuses } from '../../src/core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import type { Cell } from './cells.ts'
import { keyOf, Parameters, queueKeyOf, selectList } from './dialect.ts'
import type { Dialect, IndexedPart, PartIndex, Query } from './dialect.ts'
import { toName } from './names.ts'
import { executionColumns } from './tables.ts'
import { latest } from './times.ts'

type Add = (cell: Cell | readonly Cell[]) => string
type Wanted = Omit<ExecutionQuery, 'limit'>

/**
 * Executions for `list`. Of each status (of a graph, a queue, a key or a code, where one is named) an index has them in order, and of several statuses it has
 * not: so the newest of each are looked up, and the newest of those are read. Planners left to themselves read all of a graph to find the few that run.
 */
export function listQuery(dialect: Dialect, query: ExecutionQuery): Query {
  const { list, add } = new Parameters(dialect)
  const { limit } = query
  const executions = dialect.table('executions')
  const columns = selectList(dialect, executionColumns, 'e')
  const read = `select ${columns} from ${executions} e`
  const newest = 'order by e.created_at desc, e.id desc limit'
  if (hasLineage(query)) {
    const { statuses } = query
    const conditions = conditionsOf(dialect, query, undefined, add)
    if (statuses !== undefined) conditions.push(dialect.isIn('e.status', statuses, add))
    return {
      text: `${read} ${hintOf(dialect, query, undefined)} where ${conditions.join(' and ')} ${newest} ${add(limit)}`,
      parameters: list,
    }
  }
  const of = (status: ExecutionStatus | undefined): string => {
    const conditions = conditionsOf(dialect, query, status, add)
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
    return `${hintOf(dialect, query, status)} ${where} ${newest} ${add(limit)}`
  }
  const hasIndex = query.graph !== undefined || partOf(query) !== undefined
  const statuses = [...new Set(query.statuses ?? (hasIndex ? executionStatuses : []))]
  if (statuses.length < 2) return { text: `${read} ${of(statuses[0])}`, parameters: list }
  const found = statuses.map(
    (status, index) => `select * from (select e.id, e.created_at from ${executions} e ${of(status)}) of_${index}`,
  )
  // In the order of the text: some placeholders have no number.
  const chosen = `select c.id from (${found.join(' union all ')}) c order by c.created_at desc, c.id desc limit ${add(limit)}`
  // In this order, also for SQLite with statistics: by those it reads all executions by age, and looks whether each was chosen.
  const text = `select ${columns} from (${chosen}) f cross join ${executions} e where e.id = f.id
    order by e.created_at desc, e.id desc`
  return { text, parameters: list }
}

/** How many executions there are in each status, as `status` and `many`: of none more is read than is counted. */
export function countQuery(dialect: Dialect, request: CountRequest): Query {
  const { list, add } = new Parameters(dialect)
  const counts = [...new Set(request.statuses ?? executionStatuses)].map((status, index) => {
    const conditions = conditionsOf(dialect, request, status, add)
    const found = `select 1 as one from ${dialect.table('executions')} e ${hintOf(dialect, request, status)}
      where ${conditions.join(' and ')} ${dialect.sortsCounts === true ? 'order by e.created_at, e.id' : ''} limit ${add(request.upTo)}`
    return `select '${status}' as status, count(*) as many from (${found}) of_${index}`
  })
  return { text: counts.join(' union all '), parameters: list }
}

function hasLineage({ parent, forkedFrom }: Wanted): boolean {
  return parent !== undefined || forkedFrom !== undefined
}

/** What an index of its own has: what is in a queue that is not the default one, has a key, or a code. */
function partOf({ queue, key, errorCode }: Wanted): IndexedPart | undefined {
  if ((key ?? '') !== '') return 'queue_key'
  if (errorCode !== undefined) return 'error_code'
  return (queue ?? defaultQueue) === defaultQueue ? undefined : 'queue'
}

function indexOf(dialect: Dialect, query: Wanted, part: IndexedPart): PartIndex {
  return dialect.partIndex?.(part, query.graph !== undefined) ?? { hint: '' }
}

/** What makes the server look for executions by the index that has them. */
function hintOf(dialect: Dialect, query: Wanted, status: ExecutionStatus | undefined): string {
  if (hasLineage(query)) return dialect.lineageIndex?.(query.parent === undefined ? 'forked_from' : 'parent') ?? ''
  const part = partOf(query)
  if (part !== undefined) return indexOf(dialect, query, part).hint
  if (query.graph !== undefined) return dialect.graphIndex ?? ''
  return status === undefined ? '' : (dialect.statusIndex ?? '')
}

/** `status`: only those in it, by the index of the part. */
function conditionsOf(dialect: Dialect, query: Wanted, status: ExecutionStatus | undefined, add: Add): string[] {
  const { graph, parent, forkedFrom, queue, key, errorCode } = query
  const [toKey, toQueueKey] = [keyOf(dialect), queueKeyOf(dialect)]
  const part = hasLineage(query) ? undefined : partOf(query)
  const index = part === undefined ? undefined : indexOf(dialect, query, part)
  const conditions: string[] = []
  const isIn = (column: IndexedPart, cell: string | undefined, ofIndex: string): void => {
    if (cell === undefined) return
    conditions.push(`e.${(column === part ? index?.column : undefined) ?? column} = ${add(cell)}`)
    // By this, planners see that the index has it.
    if (column === part && index?.column === undefined) conditions.push(`e.${column} ${ofIndex}`)
  }
  isIn('queue', queue === undefined ? undefined : toQueueKey(queue), `<> '${defaultQueue}'`)
  isIn('queue_key', key === undefined ? undefined : toQueueKey(key), `<> ''`)
  isIn('error_code', errorCode === undefined ? undefined : toName(errorCode), 'is not null')
  if (parent !== undefined) conditions.push(`e.parent = ${add(toKey(parent))}`)
  if (forkedFrom !== undefined) conditions.push(`e.forked_from = ${add(toKey(forkedFrom))}`)
  if (graph !== undefined) conditions.push(`e.graph = ${add(toKey(graph))}`)
  if (status !== undefined) conditions.push(`e.${index?.status ?? 'status'} = ${add(status)}`)
  return [...conditions, ...withinTimes(dialect, query, add)]
}

function withinTimes(dialect: Dialect, { createdFrom, createdBefore, after }: Wanted, add: Add): readonly string[] {
  const conditions: string[] = []
  if (createdFrom !== undefined) conditions.push(`e.created_at >= ${add(dialect.timeText(createdFrom))}`)
  // What is later than the latest time is kept as that, and before all that is later still.
  if (createdBefore !== undefined && createdBefore <= latest)
    conditions.push(`e.created_at < ${add(dialect.timeText(createdBefore))}`)
  if (after !== undefined) {
    const time = dialect.timeText(after.createdAt)
    // The first half lets an index begin where the page does.
    conditions.push(`e.created_at <= ${add(time)}`)
    conditions.push(`(e.created_at < ${add(time)} or e.id < ${add(keyOf(dialect)(after.id))})`)
  }
  return conditions
}
