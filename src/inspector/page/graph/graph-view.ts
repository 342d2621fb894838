import type { StepView } from '../../protocol.ts'
import { box, GraphPainter } from './graph-painter.ts'
import type { Camera } from './graph-painter.ts'
import { layOut } from './layered-layout.ts'
import type { Layout } from './layered-layout.ts'
import { statesOf } from './plan-graph.ts'
import type { NodeState, PlanGraph } from './plan-graph.ts'
import { Theme } from './theme.ts'

const leastScale = 0.01
const mostScale = 2.5

/** The graph of one plan on a canvas: laid out once, moved and zoomed, drawn when something changed and never else. */
export class GraphView {
  readonly graph: PlanGraph
  readonly layout: Layout
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  #painter: GraphPainter
  #states: readonly NodeState[]
  #steps: readonly StepView[]
  #camera: Camera = { scale: 1, x: 0, y: 0 }
  #width = 0
  #height = 0
  #frame = 0
  #chosen = -1
  #hovered = -1
  #found: ReadonlySet<number> | undefined
  #wasMoved = false

  constructor(canvas: HTMLCanvasElement, graph: PlanGraph, steps: readonly StepView[]) {
    this.#canvas = canvas
    this.#context = canvas.getContext('2d')!
    this.graph = graph
    this.#steps = steps
    this.#states = statesOf(graph, steps)
    const count = graph.nodes.length
    this.layout = layOut({
      widths: new Array<number>(count).fill(box.width),
      heights: new Array<number>(count).fill(box.height),
      from: graph.from,
      to: graph.to,
      gapX: Math.min(110, 60 + graph.from.length / 60),
      gapY: 14,
    })
    this.#painter = new GraphPainter(graph, this.layout, new Theme())
  }

  /** After a change of the colours. */
  recolour(): void {
    this.#painter = new GraphPainter(this.graph, this.layout, new Theme())
    this.draw()
  }

  update(steps: readonly StepView[]): void {
    this.#steps = steps
    this.#states = statesOf(this.graph, steps)
    this.draw()
  }

  resize(width: number, height: number): void {
    if (width === 0 || height === 0) return
    const ratio = Math.min(2, devicePixelRatio)
    this.#canvas.width = Math.round(width * ratio)
    this.#canvas.height = Math.round(height * ratio)
    const isFirst = this.#width === 0
    this.#width = width
    this.#height = height
    if (isFirst || !this.#wasMoved) this.fit()
    if (this.#chosen >= 0) this.#show(this.#chosen)
    // A canvas is empty once its size was set: it is drawn before the next frame is shown.
    this.#drawNow()
  }

  set chosen(node: number) {
    this.#chosen = node
    this.draw()
  }

  set found(nodes: ReadonlySet<number> | undefined) {
    this.#found = nodes
    this.draw()
  }

  /** The box below the pointer gets the pointer's colours; whether there is one. */
  hover(x: number, y: number): boolean {
    const node = this.nodeAt(x, y)
    if (node !== this.#hovered) {
      this.#hovered = node
      this.draw()
    }
    return node >= 0
  }

  nodeAt(x: number, y: number): number {
    const { scale, x: left, y: top } = this.#camera
    return this.#painter.boxAt((x - left) / scale, (y - top) / scale)
  }

  move(byX: number, byY: number): void {
    this.#wasMoved = true
    const { scale, x, y } = this.#camera
    this.#look({ scale, x: x + byX, y: y + byY })
  }

  /** Nearer or farther; what is at this place stays there. */
  zoom(factor: number, x = this.#width / 2, y = this.#height / 2): void {
    this.#wasMoved = true
    const before = this.#camera
    const scale = Math.max(leastScale, Math.min(mostScale, before.scale * factor))
    const ratio = scale / before.scale
    this.#look({ scale, x: x - (x - before.x) * ratio, y: y - (y - before.y) * ratio })
  }

  /** Everything in sight; where it would be too small to read, as much of it from its beginning on as fits. */
  fit(isAll = false): void {
    const { width, height } = this.layout
    const margin = 24
    const all = Math.min((this.#width - 2 * margin) / width, (this.#height - 2 * margin) / height, 1)
    const scale = isAll || this.graph.nodes.length > 400 ? all : Math.max(all, 0.78)
    const x = width * scale < this.#width - 2 * margin ? (this.#width - width * scale) / 2 : margin
    this.#look({ scale, x, y: (this.#height - height * scale) / 2 })
  }

  /** Moves just as far as is needed to see a box. */
  reveal(node: number): void {
    if (this.#show(node)) this.#wasMoved = true
  }

  /** Whether it had to move. */
  #show(node: number): boolean {
    if (this.#width === 0) return false
    const scale = Math.max(this.#camera.scale, 0.6)
    const [x, y] = [this.layout.x[node]!, this.layout.y[node]!]
    const isSame = scale === this.#camera.scale
    const left = x * scale + this.#camera.x
    const top = y * scale + this.#camera.y
    const [wide, high] = [box.width * scale, box.height * scale]
    const margin = 30
    const isInSight =
      isSame &&
      left >= margin &&
      top >= margin &&
      left + wide <= this.#width - margin &&
      top + high <= this.#height - margin
    if (isInSight) return false
    this.#look({
      scale,
      x: this.#width / 2 - (x + box.width / 2) * scale,
      y: this.#height / 2 - (y + box.height / 2) * scale,
    })
    return true
  }

  /** The box that an arrow key leads to: along the arrows, or up and down in the same layer. */
  neighbour(node: number, key: string): number {
    const { x, y } = this.layout
    const candidates: number[] = []
    if (key === 'ArrowRight' || key === 'ArrowLeft') {
      const [own, other] = key === 'ArrowRight' ? [this.graph.from, this.graph.to] : [this.graph.to, this.graph.from]
      for (let arrow = 0; arrow < own.length; arrow++) if (own[arrow] === node) candidates.push(other[arrow]!)
    } else {
      const sign = key === 'ArrowDown' ? 1 : -1
      for (let other = 0; other < x.length; other++)
        if (x[other] === x[node] && (y[other]! - y[node]!) * sign > 0) candidates.push(other)
    }
    let nearest = node
    let best = Number.POSITIVE_INFINITY
    for (const other of candidates) {
      // The next layer first, then the height.
      const distance = Math.abs(x[other]! - x[node]!) * 1_000 + Math.abs(y[other]! - y[node]!)
      if (distance < best) [nearest, best] = [other, distance]
    }
    return nearest
  }

  draw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#drawNow())
  }

  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = -1
  }

  #look(camera: Camera): void {
    this.#camera = camera
    this.draw()
  }

  #drawNow(): void {
    if (this.#frame === -1) return
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    if (this.#width === 0) return
    const ratio = this.#canvas.width / this.#width
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0)
    const isWaiting = this.#painter.draw(this.#context, {
      camera: this.#camera,
      width: this.#width,
      height: this.#height,
      states: this.#states,
      steps: this.#steps,
      chosen: this.#chosen,
      hovered: this.#hovered,
      found: this.#found,
    })
    if (isWaiting) this.draw()
  }
}
