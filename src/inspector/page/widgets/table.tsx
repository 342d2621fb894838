import type { ComponentChildren, JSX } from 'preact'

/** What stands above a column. */
export interface Column {
  readonly title: string
  /** Whether there are numbers in it, which stand on the right. */
  readonly isNumber?: boolean
  /** Whether the title is for screen readers alone. */
  readonly isHidden?: boolean
}

/** A table with a title above each column; its rows are within it. */
export function Table({
  columns,
  children,
  ...look
}: {
  readonly columns: readonly (string | Column)[]
  readonly children: ComponentChildren
  readonly class?: string
}): JSX.Element {
  return (
    <table {...look}>
      <thead>
        <tr>
          {columns.map((column) => {
            const { title, isNumber, isHidden }: Column = typeof column === 'string' ? { title: column } : column
            return (
              <th key={title} scope="col" class={isNumber === true ? 'is-number' : undefined}>
                {isHidden === true ? <span class="hidden">{title}</span> : title}
              </th>
            )
          })}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  )
}

/** The same, which scrolls where it is wider than its place. */
export function WideTable({
  label,
  ...table
}: {
  /** What is in it, for screen readers. */
  readonly label: string
  readonly columns: readonly (string | Column)[]
  readonly children: ComponentChildren
  readonly class?: string
}): JSX.Element {
  return (
    <div class="table-space" tabIndex={0} role="group" aria-label={label}>
      <Table {...table} />
    </div>
  )
}
