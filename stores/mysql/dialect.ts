import type { Dialect, IndexedPart, PartIndex } from '../sql/dialect.ts'
import type { TableName } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import { collation, keyColumns, toKey, toQueueKey } from './keys.ts'
import { storeName } from './errors.ts'

const partIndexes: Readonly<Record<IndexedPart, PartIndex>> = {
  queue: { hint: 'force index (docket_queue)', column: 'other_queue', status: 'queue_status' },
  queue_key: { hint: 'force index (docket_key)', column: 'some_key', status: 'key_status' },
  error_code: { hint: 'force index (docket_error)', column: 'error_code', status: 'error_status' },
}

/** Of each table, a column that is never NULL and not in its primary key. */
const otherColumns: Readonly<Record<TableName, string>> = {
  executions: 'status',
  steps: 'status',
  checkpoints: 'status',
  mailbox: 'class',
  outbox: 'class',
  receipts: 'verdict',
  events: 'emission',
  waits: 'since',
  shared: 'token',
  acts: 'act',
  schedules: 'digest',
  results: 'status',
  owners: 'seen_at',
  queues: 'state',
  migrations: 'name',
}

/** MySQL's way with the shared queries: times are texts in UTC, both ways, so no time zone matters. */
export function mysqlDialect(prefix: string): Dialect {
  return {
    store: storeName,
    table: (name) => `\`${prefix}${name}\``,
    placeholder: () => '?',
    timeText: toSqlTime,
    reading(source, { name, kind }) {
      if (kind === 'time') return `cast(${source} as char)`
      return keyColumns.has(name) ? `coalesce(${source}_full, ${source})` : source
    },
    isIn: (expression, texts, add) =>
      texts.length === 0 ? 'false' : `${expression} in (${texts.map((text) => add(text)).join(', ')})`,
    lineageIndex: (column) => `force index (docket_${column === 'parent' ? 'parent' : 'forked'})`,
    graphIndex: 'force index (docket_graph)',
    // MySQL takes that of deadlines, which has their statuses as well, and then reads each row.
    statusIndex: 'force index (docket_status)',
    partIndex: (part) => partIndexes[part],
    byKey: {
      hint: 'force index (primary)',
      // Where a statement asks for nothing but the key, MariaDB reads all of the table in spite of the hint.
      isRow: (name) => `length(${otherColumns[name]}) >= 0`,
    },
    mailOwner: 'mail_owner',
    mailIndex: 'force index (docket_mail)',
    places(places, add) {
      // Of a table that is made of texts, the columns have the connection's collation: they would not be compared with those of keys.
      const rows = places.map(
        ({ execution, control, data, least }, index) =>
          `select ${add(execution)} ${collation}${index === 0 ? ' as execution' : ''}, ${[control, data, least]
            .map((seq, place) => `${add(seq)}${index === 0 ? ` as ${['control', 'data', 'least'][place]}` : ''}`)
            .join(', ')}`,
      )
      return `(${rows.join(' union all ')}) p`
    },
    now: () => 'utc_timestamp(3)',
    isLiving: (alias) => `${alias}.expires_at > utc_timestamp(3)`,
    toKey,
    toQueueKey,
    // Row values can't begin a range of an index here; this can.
    isAfter: (columns, cells, add) =>
      `(${columns
        .map((column, place) =>
          [
            ...columns.slice(0, place).map((same, index) => `${same} = ${add(cells[index]!)}`),
            `${column} > ${add(cells[place]!)}`,
          ].join(' and '),
        )
        .join(' or ')})`,
  }
}
