import { fitted } from '../graph/theme.ts'
import type { Theme } from '../graph/theme.ts'
import { durationText } from '../text/time-text.ts'
import type { TimeScale } from './squeezed-time.ts'
import type { Bar, TimelineRow } from './timeline-rows.ts'

/** Heights of a row and of the axis above all rows. */
export const rowHeight = 24
export const axisHeight = 30

/** What is drawn of the timeline. */
export interface TimelineScene {
  readonly width: number
  readonly height: number
  /** How much of the width is for names. */
  readonly gutter: number
  readonly top: number
  readonly zoom: number
  /** Place at the left edge, from 0. */
  readonly left: number
  readonly rows: readonly TimelineRow[]
  readonly scale: TimeScale
  readonly chosen: string | undefined
}

/** Draws the rows that are in sight. */
export function drawTimeline(context: CanvasRenderingContext2D, theme: Theme, scene: TimelineScene): void {
  const { width, height, gutter, rows, top } = scene
  context.clearRect(0, 0, width, height)
  const first = Math.max(0, Math.floor(top / rowHeight))
  const last = Math.min(rows.length, Math.ceil((top + height - axisHeight) / rowHeight))
  const x = (time: number): number =>
    gutter + 2 + (scene.scale.placeOf(time) - scene.left) * (width - gutter - labelRoom(width)) * scene.zoom
  context.save()
  context.beginPath()
  context.rect(0, axisHeight, width, height - axisHeight)
  context.clip()
  for (let index = first; index < last; index++) {
    const row = rows[index]!
    const y = axisHeight + index * rowHeight - top
    if (row.key === scene.chosen) {
      context.fillStyle = theme.colour('--at')
      context.fillRect(0, y, width, rowHeight)
    }
    context.fillStyle = theme.colour('--line')
    context.fillRect(0, y + rowHeight - 1, width, 1)
  }
  drawSqueezed(context, theme, scene, x)
  context.save()
  context.beginPath()
  context.rect(gutter, axisHeight, width - gutter, height - axisHeight)
  context.clip()
  for (let index = first; index < last; index++)
    drawBars(context, theme, rows[index]!, axisHeight + index * rowHeight - top, x, width, gutter)
  context.restore()
  for (let index = first; index < last; index++)
    drawName(context, theme, rows[index]!, axisHeight + index * rowHeight - top, gutter)
  context.restore()
  drawAxis(context, theme, scene, x)
}

/** Right of the bars, for what they say about the last of them. */
function labelRoom(width: number): number {
  return width < 520 ? 70 : 150
}

function drawName(context: CanvasRenderingContext2D, theme: Theme, row: TimelineRow, y: number, gutter: number): void {
  theme.drawShape(context, row.step.status, 10, y + 5)
  context.textAlign = 'left'
  context.textBaseline = 'middle'
  context.fillStyle = theme.colour('--ink')
  const { step, item } = row.step
  const name = item === undefined ? step : `${step.slice(0, 100)} · ${item}`
  context.fillText(fitted(context, theme.font(12, 500), name, gutter - 42), 30, y + rowHeight / 2)
}

function drawBars(
  context: CanvasRenderingContext2D,
  theme: Theme,
  { bars, step }: TimelineRow,
  y: number,
  x: (time: number) => number,
  width: number,
  gutter: number,
): void {
  let right = 0
  for (const bar of bars) {
    const from = x(bar.from)
    const to = Math.max(from + 2, x(bar.to))
    right = Math.max(right, to)
    if (to < 0 || from > width) continue
    drawBar(context, theme, bar, from, to, y)
  }
  const work = bars.filter(({ sort }) => sort === 'work' || sort === 'wait')
  const delay = bars.find(({ sort }) => sort === 'delay')
  if (work.length === 0) return
  const parts = [durationText(work.at(-1)!.to - work[0]!.from)]
  if (step.attempt > 1) parts.push(`${step.attempt} attempts`)
  if (delay !== undefined && delay.to - delay.from >= 50) parts.push(`queued ${durationText(delay.to - delay.from)}`)
  context.font = theme.font(11)
  context.textAlign = 'left'
  context.textBaseline = 'middle'
  context.fillStyle = theme.colour('--quiet')
  const middle = y + rowHeight / 2
  // As much of it as there is room for, right of the bars; else left of them.
  for (let count = parts.length; count > 0; count--) {
    const text = parts.slice(0, count).join(' · ')
    const length = context.measureText(text).width
    if (right + 6 + length <= width) {
      context.fillText(text, right + 6, middle)
      return
    }
    const left = x(bars[0]!.from) - length - 6
    if (count === 1 && left > gutter) context.fillText(text, left, middle)
  }
}

function drawBar(
  context: CanvasRenderingContext2D,
  theme: Theme,
  { sort, status }: Bar,
  from: number,
  to: number,
  y: number,
): void {
  const colour = theme.colourOf(status)
  const [top, height] = [y + 6, rowHeight - 12]
  if (sort === 'pause') {
    context.fillStyle = colour
    context.fillRect(from, y + rowHeight / 2 - 0.5, to - from, 1)
    return
  }
  context.beginPath()
  context.roundRect(from, top, to - from, height, Math.min(3, (to - from) / 2))
  if (sort === 'delay') {
    context.fillStyle = theme.colour('--delay')
    context.fill()
    // Stripes, so that not its colour alone sets it apart from work.
    context.save()
    context.clip()
    context.strokeStyle = theme.colour('--panel')
    context.lineWidth = 1.5
    context.beginPath()
    for (let at = from - height; at < to; at += 6) {
      context.moveTo(at, top + height)
      context.lineTo(at + height, top)
    }
    context.stroke()
    context.restore()
    return
  }
  context.fillStyle = colour
  if (sort === 'wait') {
    context.globalAlpha = 0.18
    context.fill()
    context.globalAlpha = 1
    context.strokeStyle = colour
    context.lineWidth = 1
    context.setLineDash([3, 2])
    context.stroke()
    context.setLineDash([])
    return
  }
  context.fill()
  if (status === 'failed' && to - from > 12) {
    context.strokeStyle = theme.colour('--panel')
    context.lineWidth = 1.5
    const [middle, centre] = [to - 7, top + height / 2]
    context.beginPath()
    context.moveTo(middle - 2.5, centre - 2.5)
    context.lineTo(middle + 2.5, centre + 2.5)
    context.moveTo(middle + 2.5, centre - 2.5)
    context.lineTo(middle - 2.5, centre + 2.5)
    context.stroke()
  }
}

function drawSqueezed(
  context: CanvasRenderingContext2D,
  theme: Theme,
  { scale, height, gutter, width }: TimelineScene,
  x: (time: number) => number,
): void {
  context.save()
  context.beginPath()
  context.rect(gutter, 0, width - gutter, height)
  context.clip()
  for (const { from, to } of scale.squeezed) {
    const [left, right] = [x(from), x(to)]
    context.fillStyle = theme.colour('--back')
    context.fillRect(left, axisHeight, right - left, height)
    context.strokeStyle = theme.colour('--line-strong')
    context.lineWidth = 1
    context.setLineDash([2, 3])
    for (const edge of [left, right]) {
      context.beginPath()
      context.moveTo(edge, axisHeight)
      context.lineTo(edge, height)
      context.stroke()
    }
    context.setLineDash([])
  }
  context.restore()
}

const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000]
const moreSteps = [600_000, 1_800_000, 3_600_000, 10_800_000, 43_200_000, 86_400_000, 604_800_000]

/** Times since the beginning, and how long the squeezed stretches are. */
function drawAxis(
  context: CanvasRenderingContext2D,
  theme: Theme,
  scene: TimelineScene,
  x: (time: number) => number,
): void {
  const { width, gutter, scale, height } = scene
  context.fillStyle = theme.colour('--panel')
  context.fillRect(0, 0, width, axisHeight)
  context.fillStyle = theme.colour('--line-strong')
  context.fillRect(0, axisHeight - 1, width, 1)
  context.fillRect(gutter - 1, 0, 1, height)
  context.save()
  context.beginPath()
  context.rect(gutter, 0, width - gutter, axisHeight)
  context.clip()
  context.font = theme.font(11)
  context.textBaseline = 'middle'
  context.textAlign = 'left'
  let free = gutter
  const label = (text: string, at: number, isStrong: boolean): void => {
    const length = context.measureText(text).width
    if (at < free || at + length > width) return
    context.fillStyle = theme.colour(isStrong ? '--waiting' : '--quiet')
    context.fillText(text, at, axisHeight / 2)
    free = at + length + 10
  }
  for (const [from, to, isIdle] of partsOf(scale)) {
    const [left, right] = [x(from), x(to)]
    if (right < gutter || left > width) continue
    if (isIdle) {
      label(`${durationText(to - from)} idle`, Math.max(left + 3, gutter + 3), true)
      continue
    }
    const perPixel = (to - from) / Math.max(1, right - left)
    const step = [...steps, ...moreSteps].find((each) => each / perPixel >= 80) ?? 604_800_000
    const begin = Math.ceil((from - scale.from) / step) * step
    for (let offset = begin; scale.from + offset <= to; offset += step) {
      const at = x(scale.from + offset)
      if (at < gutter - 1) continue
      if (at > width) break
      context.fillStyle = theme.colour('--line-strong')
      context.fillRect(at, axisHeight - 6, 1, 5)
      label(offset === 0 ? '0' : `+${durationText(offset)}`, at + 4, false)
    }
  }
  context.restore()
}

function partsOf(scale: TimeScale): readonly (readonly [from: number, to: number, isIdle: boolean])[] {
  const parts: [number, number, boolean][] = []
  let at = scale.from
  for (const { from, to } of scale.squeezed) {
    parts.push([at, from, false], [from, to, true])
    at = to
  }
  parts.push([at, scale.to, false])
  return parts
}
