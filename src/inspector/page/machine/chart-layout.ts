import { layOut } from '../graph/layered-layout.ts'
import type { ChartState, ChartTransition } from './statechart.ts'

/** A state with its place, and the places of its transitions' lines. */
export interface ChartBox {
  readonly state: ChartState
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly depth: number
  /** Height of each transition's line, and what it says. */
  readonly lines: readonly { readonly y: number; readonly text: string; readonly transition: ChartTransition }[]
}

/** An arrow from a transition's line to the state it leads to. */
export interface ChartArrow {
  readonly from: string
  readonly to: string
  readonly path: string
  /** How deep the state lies that holds both ends: boxes that are deeper are drawn over it. */
  readonly depth: number
}

/** A machine as it is drawn. */
export interface Chart {
  readonly width: number
  readonly height: number
  readonly boxes: readonly ChartBox[]
  readonly arrows: readonly ChartArrow[]
}

const headHeight = 28
const lineHeight = 18
const padding = 14
const charWidth = 6.6

/** Lays out a statechart: each state's children in layers inside of it, below its own name and transitions. */
export function layOutChart(root: ChartState): Chart {
  const sizes = new Map<ChartState, Sized>()
  measure(root, sizes)
  const boxes: ChartBox[] = []
  place(root, 0, 0, 0, sizes, boxes)
  const { width, height } = sizes.get(root)!
  return { width, height, boxes, arrows: arrowsBetween(boxes) }
}

/** What a line of a transition says. */
function transitionText({ event, targets, guard }: ChartTransition): string {
  const names = targets.map((target) => target.split('.').at(-1)!).join(', ')
  return `${short(event)}${guard === undefined ? '' : ` [${short(guard)}]`}${names === '' ? '' : ` → ${short(names)}`}`
}

function short(text: string): string {
  return text.length > 42 ? `${text.slice(0, 41)}…` : text
}

interface Sized {
  readonly width: number
  readonly height: number
  readonly head: number
  readonly offsets: readonly { readonly x: number; readonly y: number }[]
}

function measure(state: ChartState, sizes: Map<ChartState, Sized>): Sized {
  const children = state.children.map((child) => measure(child, sizes))
  const texts = state.transitions.map(transitionText)
  const extra = state.invokes.length > 0 ? lineHeight : 0
  const head = headHeight + texts.length * lineHeight + extra + (texts.length + extra > 0 ? 6 : 0)
  const title = Math.min(state.key.length, 40) * 7.6 + 44
  const longest = texts.reduce((most, text) => Math.max(most, text.length * charWidth + 24), title)
  const least = Math.max(96, longest)
  if (children.length === 0) return keep(state, { width: least, height: head, head, offsets: [] }, sizes)
  const { from, to } = arrowsWithin(state)
  const layout = layOut({
    widths: children.map(({ width }) => width),
    heights: children.map(({ height }) => height),
    from,
    to,
    gapX: 56,
    gapY: 22,
  })
  return keep(
    state,
    {
      width: Math.max(least, layout.width + 2 * padding + 12),
      height: head + layout.height + 2 * padding,
      head,
      offsets: children.map((_, index) => ({ x: layout.x[index]! + padding, y: layout.y[index]! + head + padding })),
    },
    sizes,
  )
}

function keep(state: ChartState, size: Sized, sizes: Map<ChartState, Sized>): Sized {
  sizes.set(state, size)
  return size
}

/** Arrows between the children of a state, those of states in them included. */
function arrowsWithin({ children, path }: ChartState): { readonly from: number[]; readonly to: number[] } {
  const depth = path === '' ? 0 : path.split('.').length
  const numbers = new Map(children.map((child, index) => [child.path.split('.')[depth]!, index]))
  const from: number[] = []
  const to: number[] = []
  const visit = (state: ChartState, own: number): void => {
    for (const { targets } of state.transitions)
      for (const target of targets) {
        if (path !== '' && !target.startsWith(`${path}.`)) continue
        const other = numbers.get(target.split('.')[depth] ?? '')
        if (other === undefined || other === own) continue
        from.push(own)
        to.push(other)
      }
    for (const child of state.children) visit(child, own)
  }
  // From the first state on, so that what leads back to it is drawn as such.
  children
    .toSorted((one, two) => Number(two.isInitial) - Number(one.isInitial))
    .forEach((child) => visit(child, children.indexOf(child)))
  return { from, to }
}

function place(
  state: ChartState,
  x: number,
  y: number,
  depth: number,
  sizes: ReadonlyMap<ChartState, Sized>,
  boxes: ChartBox[],
): void {
  const { width, height, offsets } = sizes.get(state)!
  const extra = state.invokes.length > 0 ? lineHeight : 0
  const lines = state.transitions.map((transition, index) => ({
    transition,
    text: transitionText(transition),
    y: y + headHeight + extra + index * lineHeight + lineHeight / 2,
  }))
  boxes.push({ state, x, y, width, height, depth, lines })
  state.children.forEach((child, index) =>
    place(child, x + offsets[index]!.x, y + offsets[index]!.y, depth + 1, sizes, boxes),
  )
}

function arrowsBetween(boxes: readonly ChartBox[]): readonly ChartArrow[] {
  const byPath = new Map(boxes.map((box) => [box.state.path, box]))
  return boxes.flatMap((box) =>
    box.lines.flatMap((line) =>
      line.transition.targets.flatMap((target) => {
        const other = byPath.get(target)
        if (other === undefined || other === box) return []
        const depth = sharedDepth(box.state.path, target)
        // It leaves the outermost box around its line that does not hold the target too.
        const outer =
          byPath.get(
            box.state.path
              .split('.')
              .slice(0, depth + 1)
              .join('.'),
          ) ?? box
        const start = isWithin(other, box) ? box : outer
        return [{ from: box.state.path, to: target, depth, path: arrowPath(start, line.y, other) }]
      }),
    ),
  )
}

/** How many keys two paths begin with alike; one less where one leads to the other, since an arrow leaves its box then. */
function sharedDepth(one: string, other: string): number {
  if (one === '' || other === '') return 0
  const [keys, others] = [one.split('.'), other.split('.')]
  let depth = 0
  while (depth < keys.length && depth < others.length && keys[depth] === others[depth]) depth++
  return Math.min(depth, others.length - 1)
}

function arrowPath(box: ChartBox, y: number, other: ChartBox): string {
  const right = box.x + box.width
  const at = other.y + headHeight / 2
  if (isWithin(other, box)) {
    // Into a state inside: from the line's end, down to its upper edge.
    const middle = other.x + other.width / 2
    return `M${right - 8} ${y}C${right - 2} ${other.y - 24} ${middle} ${other.y - 26} ${middle} ${other.y}`
  }
  if (other.x > right - 1) {
    const middle = (right + other.x) / 2
    return `M${right} ${y}C${middle} ${y} ${middle} ${at} ${other.x} ${at}`
  }
  if (other.x + other.width < box.x + 1) {
    const end = other.x + other.width
    const middle = (box.x + end) / 2
    return `M${box.x} ${y}C${middle} ${y} ${middle} ${at} ${end} ${at}`
  }
  const end = other.x + other.width
  const out = Math.max(right, end) + 26
  return `M${right} ${y}C${out} ${y} ${out} ${at} ${end} ${at}`
}

function isWithin(inner: ChartBox, outer: ChartBox): boolean {
  return outer.state.path === '' || inner.state.path.startsWith(`${outer.state.path}.`)
}
