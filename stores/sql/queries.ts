import type { ExecutionQuery } from '../../src/core/contracts/execution-record.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { MailRequest } from '../../src/core/contracts/message.ts'
import { executionStatuses } from '../../src/core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import type { Cell } from './cells.ts'
import { keyOf, Parameters, queueKeyOf, selectList } from './dialect.ts'
import type { Dialect, MailPlace, Query } from './dialect.ts'
import { latest } from './times.ts'
import { executionColumns, messageColumns, resultColumns } from './tables.ts'

/** Executions by id. */
export function executionsQuery(dialect: Dialect, ids: readonly string[]): Query {
  const { list, add } = new Parameters(dialect)
  const text = `select ${selectList(dialect, executionColumns, 'e')} from ${dialect.table('executions')} e
    where ${dialect.isIn('e.id', ids.map(keyOf(dialect)), add)}`
  return { text, parameters: list }
}

/**
 * Executions for `list`. Of each status (of a graph, where one is named) an index has them in order, and of several statuses it has not: so the
 * newest of each are looked up, and the newest of those are read. Planners left to themselves read all of a graph to find the few that run.
 */
export function listQuery(dialect: Dialect, query: ExecutionQuery): Query {
  const { list, add } = new Parameters(dialect)
  const { graph, limit } = query
  const executions = dialect.table('executions')
  const read = `select ${selectList(dialect, executionColumns, 'e')} from ${executions} e`
  const newest = 'order by e.created_at desc, e.id desc limit'
  if (query.parent !== undefined || query.forkedFrom !== undefined || hasQueueIndex(query))
    return lineageQuery(dialect, query, read)
  const of = (status: ExecutionStatus | undefined): string => {
    const conditions = [
      ...inQueue(dialect, query, add),
      ...(graph === undefined ? [] : [`e.graph = ${add(keyOf(dialect)(graph))}`]),
      ...(status === undefined ? [] : [`e.status = ${add(status)}`]),
      ...withinTimes(dialect, query, add),
    ]
    return `${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`} ${newest} ${add(limit)}`
  }
  const statuses = [...new Set(query.statuses ?? (graph === undefined ? [] : executionStatuses))]
  if (statuses.length < 2) return { text: `${read} ${of(statuses[0])}`, parameters: list }
  const found = statuses.map(
    (status, index) => `select * from (select e.id, e.created_at from ${executions} e ${of(status)}) of_${index}`,
  )
  // In the order of the text: some placeholders have no number.
  const chosen = `select c.id from (${found.join(' union all ')}) c order by c.created_at desc, c.id desc limit ${add(limit)}`
  const text = `${read} join (${chosen}) f on f.id = e.id order by e.created_at desc, e.id desc`
  return { text, parameters: list }
}

/** Whether an index of its own has what is listed: what is in a queue that is not the default one, or has a key. */
function hasQueueIndex({ queue, key }: ExecutionQuery): boolean {
  return (queue ?? defaultQueue) !== defaultQueue || (key ?? '') !== ''
}

function inQueue(dialect: Dialect, { queue, key }: ExecutionQuery, add: (cell: Cell) => string): readonly string[] {
  const toKey = queueKeyOf(dialect)
  const { queueColumns } = dialect
  // Which of the indexes of a part it is, planners see by the second condition.
  const isIn = (column: 'queue' | 'queue_key', name: string | undefined, rest: string): readonly string[] => {
    if (name === undefined) return []
    const isPart = name !== rest
    const conditions = isPart && queueColumns === undefined ? [`e.${column} <> '${rest}'`] : []
    return [`e.${isPart ? (queueColumns?.[column] ?? column) : column} = ${add(toKey(name))}`, ...conditions]
  }
  return [...isIn('queue', queue, defaultQueue), ...isIn('queue_key', key, '')]
}

/** Children, forks, and what is in a queue or has a key, for `list`: they have an index of their own, and are few of all. `read` selects the columns from the table `e`. */
function lineageQuery(dialect: Dialect, query: ExecutionQuery, read: string): Query {
  const { list, add } = new Parameters(dialect)
  const { graph, parent, forkedFrom, statuses, limit } = query
  const key = keyOf(dialect)
  const hasLineage = parent !== undefined || forkedFrom !== undefined
  const index = hasLineage
    ? dialect.lineageIndex?.(parent === undefined ? 'forked_from' : 'parent')
    : dialect.queueIndex?.((query.key ?? '') === '' ? 'queue' : 'queue_key')
  const conditions = [
    ...inQueue(dialect, query, add),
    ...(parent === undefined ? [] : [`e.parent = ${add(key(parent))}`]),
    ...(forkedFrom === undefined ? [] : [`e.forked_from = ${add(key(forkedFrom))}`]),
    ...(graph === undefined ? [] : [`e.graph = ${add(key(graph))}`]),
    ...(statuses === undefined ? [] : [dialect.isIn('e.status', statuses, add)]),
    ...withinTimes(dialect, query, add),
  ]
  const text = `${read} ${index ?? ''} where ${conditions.join(' and ')} order by e.created_at desc, e.id desc limit ${add(limit)}`
  return { text, parameters: list }
}

/** Executions whose deadlines have come, by the index of those. */
export function overdueQuery(dialect: Dialect, before: number, limit: number): Query {
  const { list, add } = new Parameters(dialect)
  const id = executionColumns.filter(({ name }) => name === 'id')
  const text = `select ${selectList(dialect, id, 'e')} from ${dialect.table('executions')} e
    where e.status in ('pending', 'running', 'waiting') and e.deadline < ${add(dialect.timeText(before))}
    order by e.deadline limit ${add(limit)}`
  return { text, parameters: list }
}

function withinTimes(dialect: Dialect, query: ExecutionQuery, add: (cell: Cell) => string): readonly string[] {
  const { createdFrom, createdBefore, after } = query
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

/** Messages to an owner's executions. Where nothing came since it was read, only the execution's row is looked at. */
export function mailQuery(dialect: Dialect, { owner, executions, after, limit }: MailRequest): Query {
  const { list, add } = new Parameters(dialect)
  const key = keyOf(dialect)
  const positions = [...(after ?? [])].map(([execution, { control, data }]): MailPlace => ({
    execution: key(execution),
    control,
    data,
    least: Math.min(control, data),
  }))
  const { table, mailIndex = '' } = dialect
  // In the order of the text: some placeholders have no number.
  const known = positions.length === 0 ? '' : `left join ${dialect.places(positions, add)} on p.execution = e.id`
  const isOwn = `e.${dialect.mailOwner ?? 'owner'} = ${add(key(owner))} and e.mail_left > 0`
  const isOne = executions === undefined ? '' : `and ${dialect.isIn('e.id', executions.map(key), add)}`
  const isNew =
    positions.length === 0
      ? ''
      : `and (p.execution is null or e.last_mail > p.least) and m.seq > coalesce(p.least, 0)
        and (p.execution is null or m.seq > case m.class when 'control' then p.control else p.data end)`
  const text = `select ${selectList(dialect, messageColumns, 'm')}
    from ${table('executions')} e ${mailIndex} join ${table('mailbox')} m on m.execution = e.id ${known}
    where ${isOwn} ${isOne} ${isNew}
    order by m.class, m.seq, m.execution limit ${add(limit)}`
  return { text, parameters: list }
}

/** What of results may be returned: values that have not expired, failures, claims of the living. */
export function resultsQuery(dialect: Dialect, keys: readonly string[]): Query {
  const { list, add } = new Parameters(dialect)
  const text = `select ${selectList(dialect, resultColumns, 'r')} from ${dialect.table('results')} r
    where ${dialect.isIn('r.id', keys.map(keyOf(dialect)), add)} and (r.status = 'failed'
      or (r.status = 'completed' and (r.expires_at is null or r.expires_at > ${dialect.now(add)}))
      or (r.status = 'running' and exists (
        select 1 from ${dialect.table('owners')} o where o.owner = r.owner and ${dialect.isLiving('o', add)})))`
  return { text, parameters: list }
}
