import { hash } from 'node:crypto'
import { cellsOf, columnsOf } from '../sql/cells.ts'
import type { Cell, Field } from '../sql/cells.ts'
import { toName } from '../sql/names.ts'
import {
  actFields,
  checkpointRowFields,
  claimFields,
  executionFields,
  messageFields,
  stepRowFields,
} from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'

/** How many characters a column of a key has: three of them, of four bytes a character, fit into an index (3,072 bytes). */
export const keyLength = 240

// Texts of which every character counts, trailing spaces too: MySQL and MariaDB have different names for that, and each reads its own.
export const collation = 'collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */'

const prefixLength = 170
// `toName` never leaves the mark without digits after it, so no name is like a shortened one.
const shortened = '␛#'

/** How many characters a queue and a key within it have: they stand in indexes beside a graph and an id. */
export const queueKeyLength = 60
const queuePrefixLength = 14

/** A name as a key has it: whole, or its beginning and a digest of it. Two names never have the same one. */
export function toKey(name: string): string {
  return shorten(toName(name))
}

/** The same for a queue, and a key within it. */
export function toQueueKey(name: string): string {
  return shortenQueue(toName(name))
}

function shorten(text: string): string {
  if (text.length <= keyLength) return text
  return `${text.slice(0, prefixLength).toWellFormed()}${shortened}${hash('sha256', text)}`
}

function shortenQueue(text: string): string {
  if (text.length <= queueKeyLength) return text
  return `${text.slice(0, queuePrefixLength).toWellFormed()}${shortened}${hash('sha256', text, 'base64url')}`
}

/** Columns that are part of a key. Beside each is one with `_full` at its end, for names that a key can't have whole; else it is NULL. */
export const keyColumns: ReadonlySet<string> = new Set([
  'id',
  'graph',
  'owner',
  'parent',
  'forked_from',
  'execution',
  'step',
  'item',
  'checkpoint',
  'queue',
  'queue_key',
])

/** How records of one kind are written. */
export interface RowShape {
  readonly columns: readonly string[]
  cells(record: object): readonly Cell[]
}

function rowShape(fields: readonly Field[], keys: ReadonlySet<string> = keyColumns): RowShape {
  const columns = columnsOf(fields)
  return {
    columns: columns.flatMap(({ name }) => (keys.has(name) ? [name, `${name}_full`] : [name])),
    cells: (record) =>
      cellsOf(fields, record, toSqlTime).flatMap((cell, index): Cell[] =>
        keys.has(columns[index]!.name) ? keyCells(cell as string | null, columns[index]!.name) : [cell],
      ),
  }
}

/** The two cells of a name that has been through `toName`. */
function keyCells(text: string | null, column?: string): Cell[] {
  if (text === null) return [null, null]
  const short = column === 'queue' || column === 'queue_key' ? shortenQueue(text) : shorten(text)
  return short === text ? [text, null] : [short, text]
}

/** The two cells of a name. */
export function cellsOfKey(name: string): readonly Cell[] {
  return keyCells(toName(name))
}

/** The two cells of a queue's name. */
export function cellsOfQueue(name: string): readonly Cell[] {
  return keyCells(toName(name), 'queue')
}

export const executionShape = rowShape(executionFields)
export const stepShape = rowShape(stepRowFields)
export const checkpointShape = rowShape(checkpointRowFields)
export const actShape = rowShape(actFields)
export const messageShape = rowShape(messageFields)
// `step` is no key of results.
export const claimShape = rowShape(claimFields, new Set(['id', 'owner']))
