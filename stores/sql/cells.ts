import type { StoredValue } from '../../src/core/contracts/stored-value.ts'
import { fromName, storableJson, toName } from './names.ts'
import { fromSqlTime } from './times.ts'

/** What a driver is given for one cell. */
export type Cell = string | number | Uint8Array | null

/** A row as drivers give it. */
export type Row = Readonly<Record<string, unknown>>

/** A column's type in the database, each database has its own for it. */
export type CellKind = 'name' | 'word' | 'integer' | 'number' | 'time' | 'json' | 'bytes'

/**
 * A field of a record. A `value` has two columns: its own for JSON texts, and one with `_bytes` at its end for bytes; both are
 * NULL for undefined. A `name` can be any text, a `word` is one of this project's own.
 */
export interface Field {
  readonly field: string
  readonly column: string
  readonly kind: Exclude<CellKind, 'json' | 'bytes'> | 'value' | 'headers'
}

/** A column of a table. */
export interface CellColumn {
  readonly name: string
  readonly kind: CellKind
}

/** How a database wants times. */
export type TimeText = (ms: number) => string

/** The columns of fields. */
export function columnsOf(fields: readonly Field[]): readonly CellColumn[] {
  return fields.flatMap(({ column, kind }): CellColumn[] => {
    if (kind === 'value')
      return [
        { name: column, kind: 'json' },
        { name: `${column}_bytes`, kind: 'bytes' },
      ]
    return [{ name: column, kind: kind === 'headers' ? 'json' : kind }]
  })
}

/** A record's cells, in the order of `columnsOf`. */
export function cellsOf(fields: readonly Field[], record: object, timeText: TimeText): Cell[] {
  const cells: Cell[] = []
  const values = record as Readonly<Record<string, unknown>>
  for (const { field, kind } of fields) {
    const value = values[field]
    if (kind === 'value') {
      const isText = typeof value === 'string'
      cells.push(isText ? storableJson(value) : null, isText || value === undefined ? null : (value as Uint8Array))
    } else cells.push(value === undefined ? null : cellOf(kind, value, timeText))
  }
  return cells
}

function cellOf(kind: Field['kind'], value: unknown, timeText: TimeText): Cell {
  if (kind === 'name') return toName(value as string)
  if (kind === 'time') return timeText(value as number)
  if (kind === 'headers') return JSON.stringify(value)
  return value as Cell
}

/** The record of a row; NULL is undefined. */
export function recordOf<T>(fields: readonly Field[], row: Row): T {
  const record: Record<string, unknown> = {}
  for (const { field, column, kind } of fields) {
    const cell = row[column]
    record[field] = kind === 'value' ? valueOf(row, column) : cell === null ? undefined : fieldOf(kind, cell)
  }
  return record as T
}

/** A value from the one of its two columns that has it. */
export function valueOf(row: Row, column: string): StoredValue | undefined {
  return (row[column] ?? row[`${column}_bytes`] ?? undefined) as StoredValue | undefined
}

function fieldOf(kind: Field['kind'], cell: unknown): unknown {
  if (kind === 'name') return fromName(cell as string)
  if (kind === 'time') return fromSqlTime(cell)
  if (kind === 'headers') return JSON.parse(cell as string)
  return cell
}
