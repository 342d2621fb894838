import type { StepView } from '../../protocol.ts'
import { durationText } from '../text/time-text.ts'
import { hasEnded, lookOf } from '../text/statuses.ts'
import { countText } from '../text/visible-text.ts'
import type { Layout } from './layered-layout.ts'
import type { NodeState, PlanGraph } from './plan-graph.ts'
import { fitted } from './theme.ts'
import type { Theme } from './theme.ts'

/** Where the window is: what is at a point of the graph stands at `point * scale + offset`. */
export interface Camera {
  readonly scale: number
  readonly x: number
  readonly y: number
}

/** The size of a box. */
export const box = { width: 196, height: 42 }

/** Below this scale no text could be read, and none is drawn. */
const nearFrom = 0.5
/** Fewer arrows than this are drawn one by one, however far away. */
const fewArrows = 800
/** From afar, so many that are in sight are drawn one by one all the same. */
const mostSeen = 2_000
/** Of arrows that only pass by, more make a grey surface. */
const mostPassing = 500

interface Scene {
  readonly camera: Camera
  readonly width: number
  readonly height: number
  readonly states: readonly NodeState[]
  readonly steps: readonly StepView[]
  /** Number of the chosen box, or -1. */
  readonly chosen: number
  readonly hovered: number
  /** Boxes that a search found; undefined where nothing is searched for. */
  readonly found?: ReadonlySet<number> | undefined
}

/** Draws the graph of one plan, in as much detail as can be seen. */
export class GraphPainter {
  readonly #graph: PlanGraph
  readonly #layout: Layout
  readonly #theme: Theme
  #far: HTMLCanvasElement | undefined
  #farScale = 1
  #farDone = 0
  #dots: { readonly canvas: HTMLCanvasElement; states: Scene['states']; found: Scene['found'] } | undefined

  constructor(graph: PlanGraph, layout: Layout, theme: Theme) {
    this.#graph = graph
    this.#layout = layout
    this.#theme = theme
    const { width, height } = layout
    this.#farScale = Math.min(
      nearFrom,
      4_096 / (width + 1),
      4_096 / (height + 1),
      Math.sqrt(6e6 / (width * height + 1)),
    )
  }

  /** Draws one frame. Returns whether another has to follow, since a part of it was not ready yet. */
  draw(context: CanvasRenderingContext2D, scene: Scene): boolean {
    const { camera, width, height } = scene
    context.clearRect(0, 0, width, height)
    context.save()
    context.translate(camera.x, camera.y)
    context.scale(camera.scale, camera.scale)
    const isNear = camera.scale >= nearFrom
    let isWaiting = false
    if (isNear || this.#graph.from.length <= fewArrows || this.#fewAreSeen(scene)) this.#drawArrows(context, scene)
    else isWaiting = this.#drawFarArrows(context)
    this.#drawChosenArrows(context, scene)
    if (isNear) this.#drawBoxes(context, scene)
    else this.#drawDots(context, scene)
    context.restore()
    return isWaiting
  }

  /** The box at a point of the graph, or -1. */
  boxAt(x: number, y: number): number {
    const { x: left, y: top } = this.#layout
    for (let node = 0; node < left.length; node++)
      if (x >= left[node]! && x <= left[node]! + box.width && y >= top[node]! && y <= top[node]! + box.height)
        return node
    return -1
  }

  /** Whether what is in sight can be drawn one by one. */
  #fewAreSeen(scene: Scene): boolean {
    // As sharp as the picture of all arrows is, nothing is won by drawing them.
    if (scene.camera.scale <= this.#farScale * 2) return false
    const { from, to } = this.#graph
    const view = viewOf(scene)
    let seen = 0
    for (let arrow = 0; arrow < from.length && seen <= mostSeen; arrow++)
      if (this.#crosses(arrow, from[arrow]!, to[arrow]!, view)) seen++
    return seen <= mostSeen
  }

  #drawArrows(context: CanvasRenderingContext2D, scene: Scene): void {
    const { from, to } = this.#graph
    const view = viewOf(scene)
    context.beginPath()
    let passing = 0
    for (let arrow = 0; arrow < from.length; arrow++) {
      const [start, end] = [from[arrow]!, to[arrow]!]
      if (!this.#crosses(arrow, start, end, view)) continue
      const isHere = this.#isIn(start, view) || this.#isIn(end, view)
      if (!isHere && ++passing > mostPassing) continue
      this.#trace(context, arrow)
    }
    context.strokeStyle = this.#theme.colour('--line-strong')
    context.lineWidth = Math.max(1, 0.8 / scene.camera.scale)
    context.stroke()
  }

  #drawChosenArrows(context: CanvasRenderingContext2D, { chosen, camera }: Scene): void {
    if (chosen < 0) return
    const { from, to } = this.#graph
    context.beginPath()
    for (let arrow = 0; arrow < from.length; arrow++)
      if (from[arrow] === chosen || to[arrow] === chosen) this.#trace(context, arrow)
    context.strokeStyle = this.#theme.colour('--accent')
    context.lineWidth = 1.6 / Math.min(1, camera.scale)
    context.stroke()
  }

  /** All arrows as one picture, made once, a few thousand a frame. */
  #drawFarArrows(context: CanvasRenderingContext2D): boolean {
    const { width, height } = this.#layout
    if (this.#far === undefined) {
      this.#far = this.#farCanvas()
    }
    const total = this.#graph.from.length
    if (this.#farDone < total) {
      const far = this.#far.getContext('2d')!
      far.setTransform(this.#farScale, 0, 0, this.#farScale, 0, 0)
      far.beginPath()
      const end = Math.min(total, this.#farDone + 1_500)
      for (; this.#farDone < end; this.#farDone++) {
        const [start, stop] = [this.#graph.from[this.#farDone]!, this.#graph.to[this.#farDone]!]
        far.moveTo(this.#layout.x[start]! + box.width, this.#layout.y[start]! + box.height / 2)
        far.lineTo(this.#layout.x[stop]!, this.#layout.y[stop]! + box.height / 2)
      }
      far.strokeStyle = this.#theme.colour('--line-strong')
      far.globalAlpha = total > 10_000 ? 0.35 : 0.6
      far.lineWidth = 0.7 / this.#farScale
      far.stroke()
    }
    context.drawImage(this.#far, 0, 0, width, height)
    return this.#farDone < total
  }

  #crosses(arrow: number, start: number, end: number, view: View): boolean {
    const { x, y } = this.#layout
    const [x1, x2] = [x[start]! + box.width, x[end]!]
    if (Math.max(x1, x2) < view.left || Math.min(x1, x2) > view.right) return false
    let [top, bottom] = [Math.min(y[start]!, y[end]!), Math.max(y[start]!, y[end]!) + box.height]
    const bends = this.#layout.bends.get(arrow)
    if (bends !== undefined)
      for (let index = 1; index < bends.length; index += 2) {
        top = Math.min(top, bends[index]!)
        bottom = Math.max(bottom, bends[index]!)
      }
    return bottom >= view.top && top <= view.bottom
  }

  #isIn(node: number, { left, right, top, bottom }: View): boolean {
    const [x, y] = [this.#layout.x[node]!, this.#layout.y[node]!]
    return x + box.width >= left && x <= right && y + box.height >= top && y <= bottom
  }

  #trace(context: CanvasRenderingContext2D, arrow: number): void {
    const { x, y, bends } = this.#layout
    const [start, end] = [this.#graph.from[arrow]!, this.#graph.to[arrow]!]
    let [atX, atY] = [x[start]! + box.width, y[start]! + box.height / 2]
    context.moveTo(atX, atY)
    const curve = (toX: number, toY: number): void => {
      const middle = (atX + toX) / 2
      if (atY === toY) context.lineTo(toX, toY)
      else context.bezierCurveTo(middle, atY, middle, toY, toX, toY)
      ;[atX, atY] = [toX, toY]
    }
    const points = bends.get(arrow)
    if (points !== undefined)
      for (let index = 0; index < points.length; index += 2) curve(points[index]!, points[index + 1]!)
    curve(x[end]! - 5, y[end]! + box.height / 2)
    context.lineTo(atX + 5, atY)
    context.moveTo(atX, atY - 3)
    context.lineTo(atX + 5, atY)
    context.lineTo(atX, atY + 3)
  }

  #farCanvas(): HTMLCanvasElement {
    const canvas = document.createElement('canvas')
    canvas.width = Math.ceil(this.#layout.width * this.#farScale) + 1
    canvas.height = Math.ceil(this.#layout.height * this.#farScale) + 1
    return canvas
  }

  /** Boxes as filled rectangles: where all are in sight, as one picture that is made when a state changes. */
  #drawDots(context: CanvasRenderingContext2D, scene: Scene): void {
    const { camera, states, found } = scene
    if (camera.scale > this.#farScale * 1.5 || states.length < 1_000) this.#fillDots(context, scene)
    else {
      this.#dots ??= { canvas: this.#farCanvas(), states: [], found: undefined }
      const dots = this.#dots
      if (dots.states !== states || dots.found !== found) {
        const own = dots.canvas.getContext('2d')!
        own.setTransform(1, 0, 0, 1, 0, 0)
        own.clearRect(0, 0, dots.canvas.width, dots.canvas.height)
        own.scale(this.#farScale, this.#farScale)
        const all = { scale: this.#farScale, x: 0, y: 0 }
        this.#fillDots(own, { ...scene, camera: all, width: dots.canvas.width, height: dots.canvas.height })
        dots.states = states
        dots.found = found
      }
      context.drawImage(dots.canvas, 0, 0, dots.canvas.width / this.#farScale, dots.canvas.height / this.#farScale)
    }
    for (const node of [scene.hovered, scene.chosen]) if (node >= 0) this.#outline(context, node, camera.scale)
  }

  /** One colour after the other. */
  #fillDots(context: CanvasRenderingContext2D, scene: Scene): void {
    const view = viewOf(scene)
    const byStatus = new Map<string, number[]>()
    scene.states.forEach(({ status }, node) => {
      if (!this.#isIn(node, view)) return
      const own = byStatus.get(status)
      if (own === undefined) byStatus.set(status, [node])
      else own.push(node)
    })
    const { x, y } = this.#layout
    // However far away, a box is seen.
    const height = Math.max(box.height, 1.2 / scene.camera.scale)
    for (const [status, nodes] of byStatus) {
      context.fillStyle = this.#theme.colourOf(status)
      for (const node of nodes) {
        context.globalAlpha = scene.found === undefined || scene.found.has(node) ? 1 : 0.15
        context.fillRect(x[node]!, y[node]!, box.width, height)
      }
    }
    context.globalAlpha = 1
  }

  #drawBoxes(context: CanvasRenderingContext2D, scene: Scene): void {
    const view = viewOf(scene)
    for (let node = 0; node < this.#graph.nodes.length; node++)
      if (this.#isIn(node, view)) {
        context.globalAlpha = scene.found === undefined || scene.found.has(node) ? 1 : 0.3
        this.#drawBox(context, node, scene)
      }
    context.globalAlpha = 1
    if (scene.chosen >= 0) this.#outline(context, scene.chosen, 1)
  }

  #drawBox(context: CanvasRenderingContext2D, node: number, scene: Scene): void {
    const theme = this.#theme
    const { label, kind, steps: own, isFolded } = this.#graph.nodes[node]!
    const { status, counts } = scene.states[node]!
    const [x, y] = [this.#layout.x[node]!, this.#layout.y[node]!]
    const isMany = own.length > 1
    const colour = theme.colourOf(status)
    if (isMany)
      for (const offset of [6, 3]) {
        this.#card(context, x + offset, y + offset)
        this.#fill(context, theme.colour('--line'))
      }
    this.#card(context, x, y)
    this.#fill(context, theme.colour(node === scene.hovered ? '--hover' : '--panel'), isPlain(status) ? '' : colour)
    context.fillStyle = colour
    context.beginPath()
    context.roundRect(x, y, 4, box.height, [6, 0, 0, 6])
    context.fill()
    theme.drawShape(context, status, x + 11, y + 6)
    context.textBaseline = 'alphabetic'
    context.textAlign = 'left'
    context.fillStyle = theme.colour('--ink')
    const name = isMany ? `${label.slice(0, 100)} × ${countText(own.length)}` : label
    context.fillText(fitted(context, theme.font(12, 600), name, box.width - 40), x + 31, y + 17)
    context.fillStyle = theme.colour('--quiet')
    const text = isMany ? countsText(counts) : stepText(scene.steps[own[0]!]!, kind)
    context.fillText(fitted(context, theme.font(11), text, box.width - (isFolded ? 40 : 24)), x + 13, y + 33)
    if (isMany) this.#drawShares(context, counts, own.length, x, y)
  }

  #drawShares(
    context: CanvasRenderingContext2D,
    counts: ReadonlyMap<string, number>,
    total: number,
    x: number,
    y: number,
  ): void {
    let at = x + 4
    for (const [status, count] of counts) {
      const width = ((box.width - 10) * count) / total
      context.fillStyle = this.#theme.colourOf(status)
      context.fillRect(at, y + box.height - 3, width, 2)
      at += width
    }
  }

  #card(context: CanvasRenderingContext2D, x: number, y: number): void {
    context.beginPath()
    context.roundRect(x + 0.5, y + 0.5, box.width - 1, box.height - 1, 6)
  }

  #fill(context: CanvasRenderingContext2D, fill: string, edge = ''): void {
    context.fillStyle = fill
    context.fill()
    context.lineWidth = 1
    context.strokeStyle = edge === '' ? this.#theme.colour('--line-strong') : edge
    context.stroke()
  }

  #outline(context: CanvasRenderingContext2D, node: number, scale: number): void {
    const gap = 3 / scale
    context.strokeStyle = this.#theme.colour('--accent')
    context.lineWidth = 2 / scale
    context.beginPath()
    const [x, y] = [this.#layout.x[node]!, this.#layout.y[node]!]
    context.roundRect(x - gap, y - gap, box.width + 2 * gap, box.height + 2 * gap, 8)
    context.stroke()
  }
}

interface View {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

function viewOf({ camera, width, height }: Scene): View {
  return {
    left: -camera.x / camera.scale,
    right: (width - camera.x) / camera.scale,
    top: -camera.y / camera.scale,
    bottom: (height - camera.y) / camera.scale,
  }
}

/** Whether a box of this status needs no coloured edge. */
function isPlain(status: string): boolean {
  return ['pending', 'completed', 'cached', 'skipped', 'cancelled'].includes(status)
}

/** How many are in which status, in words: those first that people look for. */
function countsText(counts: ReadonlyMap<string, number>): string {
  const order = ['failed', 'retrying', 'running', 'waiting', 'queued']
  const rank = (status: string): number => (order.includes(status) ? order.indexOf(status) : order.length)
  return [...counts]
    .toSorted(([one], [two]) => rank(one) - rank(two))
    .map(([status, count]) => `${countText(count)} ${lookOf(status).word.toLowerCase()}`)
    .join(', ')
}

function stepText(step: StepView, kind: string | undefined): string {
  const parts = [lookOf(step.status).word.toLowerCase()]
  if (kind !== undefined && kind !== 'function' && kind !== 'step') parts.unshift(kind)
  if (step.status === 'waiting' && step.waitsFor !== undefined) return `waits for ${step.waitsFor}`
  if (step.startedAt !== undefined && step.endedAt !== undefined)
    parts.push(durationText(Date.parse(step.endedAt) - Date.parse(step.startedAt)))
  if (step.attempt > 1) parts.push(hasEnded(step.status) ? `${step.attempt} attempts` : `attempt ${step.attempt}`)
  return parts.join(' · ')
}
