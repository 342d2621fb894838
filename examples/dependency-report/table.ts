/** Aligns texts in columns that fit a width. */

/** One column: its heading, its cells, and what to do with them. */
export interface Column {
  readonly heading: string
  readonly cells: readonly string[]
  readonly align: 'left' | 'right'
  /** Whether cells may be cut where the table is wider than it may be. */
  readonly shrinks: boolean
  /** Whether the column may be left out where cutting is not enough. */
  readonly isDispensable: boolean
  /** Colours a padded cell; does not change its width. */
  readonly paint?: (text: string, row: number) => string
}

const gap = '  '
/** No column is cut below this, however narrow the terminal is. */
const leastWidth = 8

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
  const line = (textOf: (column: Column) => string, paintOf: (column: Column, text: string) => string): string =>
    shown
      .map((column, index) => {
        const text = pad(cut(textOf(column), widths[index]!), widths[index]!, column.align)
        return paintOf(column, index === shown.length - 1 ? text.trimEnd() : text)
      })
      .join(gap)
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

/** Leaves out dispensable columns, the last first, until the rest can be cut to fit. */
function fitColumns(columns: readonly Column[], width: number): readonly Column[] {
  const last = columns.findLastIndex(({ isDispensable }) => isDispensable)
  const least = columns.map((column) =>
    column.shrinks ? Math.min(leastWidth, naturalWidth(column)) : naturalWidth(column),
  )
  return last === -1 || totalWidth(least) <= width ? columns : fitColumns(columns.toSpliced(last, 1), width)
}

/** Natural widths, then a character at a time off the widest column that may shrink until the table fits. */
function fitWidths(columns: readonly Column[], width: number): readonly number[] {
  const widths = columns.map(naturalWidth)
  while (totalWidth(widths) > width) {
    const widest = columns.reduce((best, { shrinks }, index) => {
      const canShrink = shrinks && widths[index]! > leastWidth
      return canShrink && (best === -1 || widths[index]! > widths[best]!) ? index : best
    }, -1)
    if (widest === -1) break
    widths[widest]!--
  }
  return widths
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

function pad(text: string, width: number, align: Column['align']): string {
  return align === 'left' ? text.padEnd(width) : text.padStart(width)
}
