import type { Cell, CellColumn, Row, TimeText } from './cells.ts'
import { toName } from './names.ts'
import type { TableName } from './tables.ts'

/** Where databases differ in the queries that they share. */
export interface Dialect {
  /** The store's name, for errors. */
  readonly store: string
  /** The table's full name, quoted. */
  table(name: TableName): string
  /** A parameter's place, from 1. */
  placeholder(index: number): string
  /** How times are written. */
  readonly timeText: TimeText
  /** What to select of a column, so that `recordOf` can read it. `source` is the column with its table's alias. */
  reading(source: string, column: CellColumn): string
  /** Whether the expression is one of texts; `add` takes a parameter and gives its place. */
  isIn(expression: string, texts: readonly string[], add: (cell: Cell | readonly Cell[]) => string): string
  /** The store's clock. */
  now(add: (cell: Cell) => string): string
  /** Whether a row of the owners, whose table has the alias, is of one that lives. */
  isLiving(alias: string, add: (cell: Cell) => string): string
  /** What was read of mailboxes as a table `p`, with the columns `execution`, `control`, `data` and `least`. */
  places(places: readonly MailPlace[], add: (cell: Cell | readonly Cell[]) => string): string
  /** What makes the server look for children or forks by their index, where it may take another one. @default nothing: it does */
  readonly lineageIndex?: (column: 'parent' | 'forked_from') => string
  /** What makes the server look for executions of a graph by their index. @default nothing: it does */
  readonly graphIndex?: string
  /** The same for executions in a status, of any graph, in the order of their ages. @default nothing: it does */
  readonly statusIndex?: string
  /** The index of what is in a queue that is not the default one, has a key, or an error with a code. @default the one that planners find by its condition */
  readonly partIndex?: (part: IndexedPart, ofGraph: boolean) => PartIndex
  /** Whether executions are sorted to be counted: a planner that expects many reads the whole table for the first of them, unless an index has them in order. @default false */
  readonly sortsCounts?: boolean
  /** What makes the server look for deadlines by their index. @default nothing: it does */
  readonly deadlineIndex?: string
  /** A JSON column as text, which has a length. @default as it is */
  readonly jsonText?: (source: string) => string
  /** The column that has the owner of executions with mail, where that is another one. @default owner */
  readonly mailOwner?: string
  /** What makes the server look for mail by its index. @default nothing: it does */
  readonly mailIndex?: string
  /** How a name is written that is part of a key, where keys can't have names of any length. @default toName */
  readonly toKey?: (name: string) => string
  /** How a queue's name is written, and a key within it, where keys of several names can't have long ones. @default as `toKey` */
  readonly toQueueKey?: (name: string) => string
  /** Whether columns come after cells, in their order, where row values can't use an index. @default they are compared as rows */
  readonly isAfter?: (columns: readonly string[], cells: readonly Cell[], add: (cell: Cell) => string) => string
  /**
   * What makes the server look up by their keys the rows that a statement changes or deletes, in the table with this name. Without it, one that takes a table for a small one reads all of
   * it, and waits for whatever others have locked. @default nothing: it does
   */
  readonly byKey?: ByKey
  /** What follows `limit`, where planners should expect to read a part of what they find. @default the place as it is */
  readonly limit?: (place: string) => string
}

/** How rows are looked up by their keys. */
export interface ByKey {
  /** What follows the table's name. */
  readonly hint: string
  /** A condition that every row of the table meets, for statements that delete. */
  isRow(name: TableName): string
}

/** Columns that have an index of the rows alone that have something there. */
export type IndexedPart = 'queue' | 'queue_key' | 'error_code'

/** An index of a part of the executions. */
export interface PartIndex {
  /** What makes the server look there. */
  readonly hint: string
  /** The column that has what is looked for, where only the rows of the index have it. @default the part's own, with the condition of the index */
  readonly column?: string
  /** Its column of statuses. @default status */
  readonly status?: string
}

/** Up to where an execution's messages were read. */
export interface MailPlace {
  /** Its id, as it stands in keys. */
  readonly execution: string
  readonly control: number
  readonly data: number
  /** The lower one of both: all that is new comes after it. */
  readonly least: number
}

/** A query with its parameters. Some drivers take lists as one. */
export interface Query {
  readonly text: string
  readonly parameters: readonly (Cell | readonly Cell[])[]
}

/** A database's answer: SQLite gives it at once, unless another process has locked the file; the others later. */
export type Answer<T> = T | Promise<T>

/** Runs a query on the database. */
export type RunQuery = (query: Query) => Answer<readonly Row[]>

/** How a name is written that is part of a key. */
export function keyOf(dialect: Dialect): (name: string) => string {
  return dialect.toKey ?? toName
}

/** How a queue's name is written, and a key within it. */
export function queueKeyOf(dialect: Dialect): (name: string) => string {
  return dialect.toQueueKey ?? keyOf(dialect)
}

/** A statement that deletes rows which the condition names by their keys. */
export function deletionOf({ table, byKey }: Dialect, name: TableName, condition: string): string {
  const of = table(name)
  return byKey === undefined
    ? `delete from ${of} where ${condition}`
    : `delete ${of} from ${of} ${byKey.hint} where ${condition} and ${byKey.isRow(name)}`
}

/** The beginning of a statement that changes rows which it names by their keys, up to its `set`. */
export function changeOf({ table, byKey }: Dialect, name: TableName): string {
  return `update ${table(name)} ${byKey?.hint ?? ''}`
}

/** Whether columns come after cells, in their order. */
export function isAfter(
  dialect: Dialect,
  columns: readonly string[],
  cells: readonly Cell[],
  add: (cell: Cell) => string,
): string {
  return dialect.isAfter?.(columns, cells, add) ?? `(${columns.join(', ')}) > (${cells.map(add).join(', ')})`
}

/** Numbers parameters while a query is put together. */
export class Parameters {
  readonly list: (Cell | readonly Cell[])[] = []
  readonly #dialect: Dialect

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  /** Takes a parameter and gives its place. */
  readonly add = (cell: Cell | readonly Cell[]): string => {
    this.list.push(cell)
    return this.#dialect.placeholder(this.list.length)
  }
}

/** The list of what to select: columns under their names, from the table with the alias. */
export function selectList(dialect: Dialect, columns: readonly CellColumn[], alias: string): string {
  return columns
    .map((column) => {
      const source = `${alias}.${column.name}`
      const read = dialect.reading(source, column)
      return read === source ? source : `${read} as ${column.name}`
    })
    .join(', ')
}

/** The columns' names. */
export function namesOf(columns: readonly CellColumn[]): string {
  return columns.map(({ name }) => name).join(', ')
}
