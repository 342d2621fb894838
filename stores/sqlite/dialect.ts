import type { CellColumn } from '../sql/cells.ts'
import type { Dialect, IndexedPart } from '../sql/dialect.ts'
import { toSqlTime } from '../sql/times.ts'
import { storeName } from './errors.ts'
import { isLiving } from './owners.ts'
import type { SqliteOwners } from './owners.ts'

const partIndexes: Readonly<Record<IndexedPart, (ofGraph: boolean) => string>> = {
  queue: () => 'queue',
  queue_key: () => 'key',
  error_code: (ofGraph) => (ofGraph ? 'graph_error' : 'error'),
}

/** SQLite's way with the shared queries: times are texts in UTC, lists are JSON. */
export function sqliteDialect(now: () => number, owners: SqliteOwners): Dialect {
  return {
    store: storeName,
    table: (name) => `docket_${name}`,
    placeholder: () => '?',
    timeText: toSqlTime,
    reading: (source) => source,
    isIn: (expression, texts, add) => `${expression} in (select value from json_each(${add(JSON.stringify(texts))}))`,
    lineageIndex: (column) => `indexed by docket_executions_${column === 'parent' ? 'parent' : 'forked'}`,
    graphIndex: 'indexed by docket_executions_graph',
    partIndex: (part, ofGraph) => ({ hint: `indexed by docket_executions_${partIndexes[part](ofGraph)}` }),
    deadlineIndex: 'indexed by docket_executions_deadline',
    // The limit makes a table of it, which is looked up: else its text would be read once for each row that it is joined with.
    places: (
      places,
      add,
    ) => `(select value ->> 0 as execution, value ->> 1 as control, value ->> 2 as data, value ->> 3 as least
      from json_each(${add(JSON.stringify(places.map(({ execution, control, data, least }) => [execution, control, data, least])))}) limit -1) p`,
    now: (add) => add(toSqlTime(now())),
    isLiving: (_, add) => {
      for (const cell of owners.livingCells()) add(cell)
      return isLiving
    },
  }
}

/** A placeholder for each column. */
export function placesOf(columns: readonly CellColumn[]): string {
  return columns.map(() => '?').join(', ')
}
