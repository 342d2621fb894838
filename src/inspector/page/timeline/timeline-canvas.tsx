import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { StepView } from '../../protocol.ts'
import { Theme } from '../graph/theme.ts'
import { useClock } from '../text/name.tsx'
import { plural } from '../text/visible-text.ts'
import { Empty } from '../widgets/notice.tsx'
import { useMedia, useSize } from '../widgets/use-size.ts'
import { squeezedTime } from './squeezed-time.ts'
import { axisHeight, drawTimeline, rowHeight } from './timeline-painter.ts'
import { timelineRows } from './timeline-rows.ts'

interface TimelineCanvasProps {
  readonly steps: readonly StepView[]
  readonly version: number
  readonly isOpen: boolean
  readonly chosen: string | undefined
  readonly onChoose: (step: StepView) => void
  readonly onOpen: () => void
}

/** When each step waited for its turn, worked, failed and tried again; idle stretches are squeezed. The list of steps has the same as text. */
export function TimelineCanvas(props: TimelineCanvasProps): JSX.Element {
  const { steps, version, isOpen, chosen } = props
  const [space, setSpace] = useState<HTMLDivElement | null>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(space)
  const isDark = useMedia('(prefers-color-scheme: dark)')
  const theme = useMemo(() => new Theme(), [isDark])
  useClock(isOpen)
  const [top, setTop] = useState(0)
  const [{ zoom, left }, setWindow] = useState({ zoom: 1, left: 0 })
  const now = isOpen ? Math.floor(Date.now() / 1_000) * 1_000 : 0
  const { rows, scale } = useMemo(() => {
    const { rows, busy } = timelineRows(steps, Math.max(now, lastTime(steps)))
    return { rows, scale: squeezedTime(busy) }
  }, [steps, version, now])
  const gutter = size.width < 560 ? 120 : 210

  useLayoutEffect(() => {
    const { current } = canvas
    if (current === null || size.width === 0) return
    const ratio = Math.min(2, devicePixelRatio)
    if (current.width !== Math.round(size.width * ratio)) current.width = Math.round(size.width * ratio)
    if (current.height !== Math.round(size.height * ratio)) current.height = Math.round(size.height * ratio)
    const context = current.getContext('2d')!
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    drawTimeline(context, theme, { ...size, gutter, top, zoom, left, rows, scale, chosen })
  }, [size, theme, gutter, top, zoom, left, rows, scale, chosen])

  const place = rows.findIndex(({ key }) => key === chosen)
  useEffect(() => {
    if (space === null || place < 0) return
    const from = place * rowHeight
    const seen = space.clientHeight - axisHeight - rowHeight
    if (from < space.scrollTop) space.scrollTop = from
    else if (from > space.scrollTop + seen) space.scrollTop = from - seen
  }, [space, place])

  const zoomBy = (factor: number, at = 0.5): void => {
    setWindow((before) => {
      const next = Math.max(1, Math.min(2_000, before.zoom * factor))
      const fixed = before.left + at / before.zoom
      return { zoom: next, left: clamped(fixed - at / next, next) }
    })
  }
  const moveBy = (by: number): void => {
    setWindow((before) => ({ ...before, left: clamped(before.left + by / before.zoom, before.zoom) }))
  }
  useEffect(() => {
    if (space === null) return
    const onWheel = (event: WheelEvent): void => {
      const room = space.clientWidth - gutter
      if (event.ctrlKey || event.metaKey) {
        const at = (event.clientX - space.getBoundingClientRect().left - gutter) / room
        zoomBy(Math.exp(-event.deltaY / 200), Math.max(0, Math.min(1, at)))
      } else if (event.shiftKey || event.deltaX !== 0) moveBy((event.shiftKey ? event.deltaY : event.deltaX) / room)
      else return
      event.preventDefault()
    }
    space.addEventListener('wheel', onWheel, { passive: false })
    return () => space.removeEventListener('wheel', onWheel)
  }, [space, gutter])

  const move = (to: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))]
    if (row !== undefined) props.onChoose(row.step)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const keys: Readonly<Record<string, () => void>> = {
      ArrowDown: () => move(place + 1),
      ArrowUp: () => move(Math.max(0, place - 1)),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowLeft: () => moveBy(-0.1),
      ArrowRight: () => moveBy(0.1),
      Enter: () => place >= 0 && props.onOpen(),
      '+': () => zoomBy(1.4),
      '=': () => zoomBy(1.4),
      '-': () => zoomBy(1 / 1.4),
      '0': () => setWindow({ zoom: 1, left: 0 }),
    }
    if (!Object.hasOwn(keys, event.key)) return
    keys[event.key]!()
    event.preventDefault()
  }

  if (rows.length === 0)
    return (
      <Empty title="No step has begun yet">
        The timeline shows when steps waited for their turn, worked and tried again.
      </Empty>
    )
  return (
    <div class="timeline">
      <div
        class="canvas-space timeline-space"
        ref={setSpace}
        tabIndex={0}
        role="application"
        aria-label={`Timeline of ${plural(rows.length, 'step')}. Up and down choose a step, Enter opens it, plus and minus zoom, left and right move, 0 shows everything. The list of steps has the same as text.`}
        onKeyDown={onKeyDown}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        onClick={(event) => {
          const y = event.clientY - event.currentTarget.getBoundingClientRect().top
          const row = rows[Math.floor((y - axisHeight + event.currentTarget.scrollTop) / rowHeight)]
          if (y > axisHeight && row !== undefined) props.onChoose(row.step)
        }}
      >
        <canvas ref={canvas} aria-hidden="true" />
        <div style={{ height: `${Math.max(0, rows.length * rowHeight + axisHeight - size.height)}px` }} />
      </div>
      <p class="legend quiet">
        {colours.map(([name, words]) => (
          <span key={name} class="colour">
            <span class={`swatch ${name}`} />
            {words}
          </span>
        ))}
        {scale.squeezed.length > 0 && <span>idle time is squeezed</span>}
        <span class="push" />
        <span class="keys">
          <kbd>Ctrl</kbd> wheel zooms
        </span>
      </p>
    </div>
  )
}

/** What the bars of a timeline are. */
const colours = [
  ['is-delay', 'waits for its turn'],
  ['is-work', 'works'],
  ['is-failed', 'failed attempt'],
  ['is-wait', 'waits for something outside'],
] as const

function clamped(left: number, zoom: number): number {
  return Math.max(0, Math.min(1 - 1 / zoom, left))
}

/** The latest time that is known: what is still open is drawn up to there at least, also where this machine's clock is behind. */
function lastTime(steps: readonly StepView[]): number {
  let last = 0
  for (const { startedAt, endedAt, queuedAt } of steps)
    for (const time of [startedAt, endedAt, queuedAt])
      if (time !== undefined) last = Math.max(last, Date.parse(time) || 0)
  return last
}
