import type { StoreLimits } from '../../src/core/contracts/store-limits.ts'
import type { Cell, CellColumn, CellKind } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { quoteIdentifier } from '../sql/names.ts'
import { toSqlTime } from '../sql/times.ts'
import { storeName } from './errors.ts'

const arrayTypes: Readonly<Record<CellKind, string>> = {
  name: 'text[]',
  word: 'text[]',
  integer: 'bigint[]',
  number: 'float8[]',
  time: 'timestamptz[]',
  json: 'json[]',
  bytes: 'bytea[]',
}

/** PostgreSQL's way with the shared queries: times are read as numbers, so no time zone or date style matters. */
export function postgresDialect(schema: string): Dialect {
  return {
    store: storeName,
    table: (name) => `${quoteIdentifier(schema)}.docket_${name}`,
    placeholder: (index) => `$${index}`,
    timeText: (ms) => `${toSqlTime(ms)}Z`,
    reading: (source, { kind }) => (kind === 'time' ? `(extract(epoch from ${source}) * 1000)::float8` : source),
    isIn: (expression, texts, add) => `${expression} = any(${add(texts)}::text[])`,
    places: (places, add) => `unnest(${add(places.map(({ execution }) => execution))}::text[],
      ${add(places.map(({ control }) => control))}::bigint[], ${add(places.map(({ data }) => data))}::bigint[],
      ${add(places.map(({ least }) => least))}::bigint[]) as p(execution, control, data, least)`,
    jsonText: (source) => `${source}::text`,
    now: () => 'statement_timestamp()',
    isLiving: (alias) => `${alias}.expires_at > statement_timestamp()`,
    sortsCounts: true,
    // Planners don't look into it, and expect a tenth. Of a table without statistics they expect fewer rows than the limit: they would read all that
    // is left and sort it, for each page, instead of following the index.
    limit: (place) => `(select ${place}::bigint)`,
  }
}

/**
 * The rows of `unnest`, numbered by `n`, in the order of their ids: whoever locks rows in that order waits for nobody in a circle. The
 * conditions hold for every row; they make planners expect few, so that they look each of them up in an index even where the table is
 * still small when the statement is planned.
 */
export function fewRows(columns: readonly CellColumn[]): string {
  return `(select * from ${unnest(columns, 'a', 1, 'n')} where a.epoch > 0 and a.n > 0 order by a.id collate "C") a`
}

/** What says whose an execution is, and that nothing was written there that was sent later. */
export const fenceColumns: readonly CellColumn[] = [
  { name: 'id', kind: 'name' },
  { name: 'owner', kind: 'name' },
  { name: 'epoch', kind: 'integer' },
  { name: 'sequence', kind: 'integer' },
]

/** Whether that lets the row of an execution be written. */
export const isOwned = `e.id = a.id and e.owner = a.owner and e.epoch = a.epoch and e.last_sequence <= a.sequence`

/**
 * To stand in the `from` of what locks rows, before them: what somebody else holds is not waited for any longer than this, and
 * tried again apart from the others. It holds for the one statement.
 */
export function lockPatience(ms = 250): string {
  return `(select set_config('lock_timeout', '${ms}ms', true) as lock_timeout) patience`
}

/** Rows from parameters that are a column each: many rows in one statement, whose text is the same for any number of them. */
export function unnest(columns: readonly CellColumn[], alias: string, first = 1, last = ''): string {
  const places = columns.map(({ kind }, index) => `(select $${first + index}::${arrayTypes[kind]})`)
  const names = columns.map(({ name }) => name)
  return last === ''
    ? `unnest(${places.join(', ')}) as ${alias}(${names.join(', ')})`
    : `unnest(${places.join(', ')}) with ordinality as ${alias}(${[...names, last].join(', ')})`
}

/** The parameters of `unnest`, from rows. */
export function columnar(columns: readonly CellColumn[], rows: readonly (readonly Cell[])[]): Cell[][] {
  return columns.map((_, index) => rows.map((row) => row[index]!))
}

/**
 * An entry of an index takes 2,704 bytes, a third of a page. The longest ones have an execution's id, a step and an item (that took 2,640 bytes of
 * names, with their lengths), or a queue, a graph, a key, a priority, a time and an id. That texts which repeat themselves are compressed there is not counted on.
 */
export const postgresLimits: StoreLimits = {
  executionId: 1_000,
  graph: 600,
  step: 600,
  item: 1_000,
  owner: 600,
  resultKey: 2_000,
  name: 65_536,
  message: 1_000,
  checkpoint: 1_000,
  queue: 300,
  key: 300,
}
