/** Aligns texts in columns that fit a width. */

/** One column: its heading, its cells, and what to do with them. */
export interface Column {
  readonly heading: string
  readonly cells: readonly string[]
  readonly align: 'left' | 'right'
  /** Cells are cut down to this width where the table is too wide; without it they are never cut. */
  readonly leastWidth?: number
  /** Where cutting is not enough, the column with the highest number is left out first; without it it stays. */
  readonly dispensable?: number
  /** Colours a padded cell; does not change its width. */
  readonly paint?: (text: string, row: number) => string
}

const gap = '  '

/** The table's lines, the headings first. Columns that are empty from top to bottom are left out. */
export function tableLines(
  columns: readonly Column[],
  width: number,
  paintHeading: (text: string) => string,
): readonly string[] {
  const shown = fitColumns(
    columns.filter(({ cells }) => cells.some((cell) => cell !== '')),
    width,
  )
  const widths = fitWidths(shown, width)
  const rowCount = shown[0]?.cells.length ?? 0
  const line = (textOf: (column: Column) => string, paintOf: (column: Column, text: string) => string): string => {
    const cells = shown.map((column, index) => {
      const isLast = index === shown.length - 1
      const text = pad(
        cut(textOf(column), widths[index]!),
        isLast && column.align === 'left' ? 0 : widths[index]!,
        column.align,
      )
      return text === '' ? text : paintOf(column, text)
    })
    return cells.join(gap).trimEnd()
  }
  return [
    line(
      ({ heading }) => heading,
      (_, text) => paintHeading(text),
    ),
    ...Array.from({ length: rowCount }, (_, row) =>
      line(
        ({ cells }) => cells[row]!,
        ({ paint }, text) => paint?.(text, row) ?? text,
      ),
    ),
  ]
}

/** Leaves out columns until the rest can be cut to fit. */
function fitColumns(columns: readonly Column[], width: number): readonly Column[] {
  const order = columns.map(({ dispensable }) => dispensable ?? 0)
  const first = order.indexOf(Math.max(...order))
  const canFit = totalWidth(columns.map(leastWidthOf)) <= width
  return canFit || !(order[first]! > 0) ? columns : fitColumns(columns.toSpliced(first, 1), width)
}

/** Natural widths, then a character at a time off the widest column that may shrink until the table fits. */
function fitWidths(columns: readonly Column[], width: number): readonly number[] {
  const widths = columns.map(naturalWidth)
  while (totalWidth(widths) > width) {
    const widest = columns.reduce((best, column, index) => {
      const canShrink = widths[index]! > leastWidthOf(column)
      return canShrink && (best === -1 || widths[index]! > widths[best]!) ? index : best
    }, -1)
    if (widest === -1) break
    widths[widest]!--
  }
  return widths
}

function leastWidthOf(column: Column): number {
  return Math.min(column.leastWidth ?? Infinity, naturalWidth(column))
}

function naturalWidth({ heading, cells }: Column): number {
  return cells.reduce((most, cell) => Math.max(most, cell.length), heading.length)
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one + gap.length, -gap.length)
}

/** The text, or its beginning and an ellipsis. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

/** The text without line breaks and control characters: what packages write of themselves must not move the cursor. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim()
}

function pad(text: string, width: number, align: Column['align']): string {
  return align === 'left' ? text.padEnd(width) : text.padStart(width)
}
