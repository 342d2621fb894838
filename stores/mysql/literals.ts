import { StoreError } from '../../src/core/errors.ts'
import type { Cell } from '../sql/cells.ts'
import type { Query } from '../sql/dialect.ts'
import { storeName } from './errors.ts'

/**
 * A cell as SQL text, for connections that talk UTF-8 and in which a backslash escapes (`MysqlConnection` makes sure of both). Texts
 * instead of prepared statements: a statement for many rows has another text for each number of them.
 */
export function literal(cell: Cell): string {
  if (cell === null) return 'null'
  if (typeof cell === 'string') return `'${/['\\\0]/.test(cell) ? cell.replaceAll(/['\\\0]/g, escaped) : cell}'`
  if (typeof cell === 'number') {
    if (!Number.isFinite(cell)) throw new StoreError(storeName, `${cell} is not a number that a column can hold`, false)
    return String(cell)
  }
  return `x'${Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('hex')}'`
}

function escaped(one: string): string {
  return one === '\0' ? '\\0' : `\\${one}`
}

/** A list of cells, in parentheses. */
export function literals(cells: readonly Cell[]): string {
  return `(${cells.map(literal).join(',')})`
}

/** A query's text with its parameters in it. */
export function textOf({ text, parameters }: Query): string {
  let index = 0
  return text.replaceAll('?', () => literal(parameters[index++] as Cell))
}
