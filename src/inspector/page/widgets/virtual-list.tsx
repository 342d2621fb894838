import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useLayoutEffect, useState } from 'preact/hooks'
import { useSize } from './use-size.ts'

/** One column of a list. */
export interface Column<Row> {
  readonly title: ComponentChildren
  readonly class?: string
  readonly cell: (row: Row, index: number) => ComponentChildren
}

interface VirtualListProps<Row> {
  readonly label: string
  readonly class: string
  readonly rows: readonly Row[]
  readonly columns: readonly Column<Row>[]
  readonly rowHeight: number
  readonly keyOf: (row: Row) => string
  /** Key of the row that the keyboard is at. */
  readonly cursor: string | undefined
  readonly onCursor: (row: Row, index: number) => void
  readonly onOpen?: (row: Row) => void
  /** A key that the list itself has no use for; whether it was used. */
  readonly onKey?: (event: KeyboardEvent, row: Row | undefined) => boolean
  /** The end of the list comes into sight. */
  readonly onEnd?: () => void
  readonly isSelected?: (row: Row) => boolean
  /** Shown where there are no rows. */
  readonly empty?: ComponentChildren
  readonly total?: number
}

/** A list of any length, of which only what is in sight is drawn. Arrows, Home, End and the page keys move, Enter opens. */
export function VirtualList<Row>(props: VirtualListProps<Row>): JSX.Element {
  const { rows, columns, rowHeight, keyOf, cursor, onEnd } = props
  const id = useId()
  const [space, setSpace] = useState<HTMLDivElement | null>(null)
  const { height } = useSize(space)
  const [top, setTop] = useState(0)
  const first = Math.max(0, Math.floor(top / rowHeight) - 6)
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + 6)
  const place = cursor === undefined ? -1 : rows.findIndex((row) => keyOf(row) === cursor)

  useEffect(() => {
    if (last >= rows.length - 10) onEnd?.()
  }, [last, rows.length, onEnd])

  useLayoutEffect(() => {
    if (space !== null && place >= 0) scrollInto(space, place, rowHeight)
    // The cursor alone moves the list: rows that come in above it must not.
  }, [space, cursor, rowHeight])

  const move = (to: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, to))
    const row = rows[next]
    if (row !== undefined) props.onCursor(row, next)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget && event.key !== 'Escape' && !event.key.startsWith('Arrow')) return
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor(height / rowHeight) - 1)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: place + 1,
      ArrowUp: Math.max(0, place - 1),
      PageDown: place + page,
      PageUp: place - page,
      Home: 0,
      End: rows.length - 1,
    }
    const row = rows[place]
    if (Object.hasOwn(steps, event.key)) move(steps[event.key]!)
    else if (event.key === 'Enter' && row !== undefined && props.onOpen !== undefined) props.onOpen(row)
    else if (props.onKey?.(event, row) !== true) return
    event.preventDefault()
  }

  return (
    <div
      class={`list ${props.class}`}
      role="grid"
      aria-label={props.label}
      aria-rowcount={(props.total ?? rows.length) + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      ref={setSpace}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      aria-activedescendant={place >= first && place < last ? `${id}-${place}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" class="list-head-group">
        <div role="row" class="list-row list-head" aria-rowindex={1}>
          {columns.map((column, index) => (
            <div key={index} role="columnheader" class={`cell ${column.class ?? ''}`}>
              {column.title}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" class="list-body">
        {rows.length === 0 && (
          <div role="row" class="list-empty">
            <div role="gridcell">{props.empty}</div>
          </div>
        )}
        <div role="presentation" class="list-space" style={{ height: `${rows.length * rowHeight}px` }}>
          {rows.slice(first, last).map((row, index) => {
            const at = first + index
            const key = keyOf(row)
            return (
              <div
                key={key}
                id={`${id}-${at}`}
                role="row"
                aria-rowindex={at + 2}
                aria-selected={props.isSelected === undefined ? key === cursor : props.isSelected(row)}
                class={`list-row ${key === cursor ? 'at-cursor' : ''} ${props.isSelected?.(row) === true ? 'is-selected' : ''}`}
                style={{ transform: `translateY(${at * rowHeight}px)`, height: `${rowHeight}px` }}
                onClick={(event) => {
                  if (event.target instanceof Element && event.target.closest('a, button, input') !== null) return
                  props.onCursor(row, at)
                  if (!isTouchingText()) props.onOpen?.(row)
                }}
              >
                {columns.map((column, place) => (
                  <div key={place} role="gridcell" class={`cell ${column.class ?? ''}`}>
                    {column.cell(row, at)}
                  </div>
                ))}
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

function scrollInto(space: HTMLElement, place: number, rowHeight: number): void {
  const from = place * rowHeight
  // The head stays above the rows.
  const height = space.clientHeight - (space.firstElementChild?.clientHeight ?? 0)
  if (from < space.scrollTop) space.scrollTop = from
  else if (from + rowHeight > space.scrollTop + height) space.scrollTop = from + rowHeight - height
}

/** Whether the click was the end of marking text, to copy it. */
function isTouchingText(): boolean {
  const marked = getSelection()
  return marked !== null && !marked.isCollapsed
}
