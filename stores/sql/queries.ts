import type { MailboxRequest, MailRequest } from '../../src/core/contracts/message.ts'
import { keyOf, Parameters, selectList } from './dialect.ts'
import type { Dialect, MailPlace, Query } from './dialect.ts'
import { executionColumns, messageColumns, resultColumns } from './tables.ts'

/** Executions by id. */
export function executionsQuery(dialect: Dialect, ids: readonly string[]): Query {
  const { list, add } = new Parameters(dialect)
  const text = `select ${selectList(dialect, executionColumns, 'e')} from ${dialect.table('executions')} e
    where ${dialect.isIn('e.id', ids.map(keyOf(dialect)), add)}`
  return { text, parameters: list }
}

/** Executions whose deadlines have come, by the index of those. */
export function overdueQuery(dialect: Dialect, before: number, limit: number): Query {
  const { list, add } = new Parameters(dialect)
  const id = executionColumns.filter(({ name }) => name === 'id')
  const text = `select ${selectList(dialect, id, 'e')} from ${dialect.table('executions')} e ${dialect.deadlineIndex ?? ''}
    where e.status in ('pending', 'running', 'waiting') and e.deadline < ${add(dialect.timeText(before))}
    order by e.deadline limit ${add(limit)}`
  return { text, parameters: list }
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

const columnsWithoutPayload = messageColumns.filter(({ name }) => !name.startsWith('payload'))

/** Messages to one execution, by their numbers, with the size of what each brings: by the key of their table. */
export function mailboxQuery(dialect: Dialect, { execution, after = 0, limit, payloads }: MailboxRequest): Query {
  const { list, add } = new Parameters(dialect)
  const columns = payloads === true ? messageColumns : columnsWithoutPayload
  const jsonText = dialect.jsonText ?? ((source) => source)
  const text = `select ${selectList(dialect, columns, 'm')},
      coalesce(octet_length(${jsonText('m.payload')}), octet_length(m.payload_bytes), 0) as size
    from ${dialect.table('mailbox')} m ${dialect.byKey?.hint ?? ''}
    where m.execution = ${add(keyOf(dialect)(execution))} and m.seq > ${add(after)} order by m.seq limit ${add(limit)}`
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
