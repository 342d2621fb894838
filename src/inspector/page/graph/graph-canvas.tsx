import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { StepView } from '../../protocol.ts'
import { plural } from '../text/visible-text.ts'
import { usePointer } from '../widgets/use-pointer.ts'
import { useMedia, useSize } from '../widgets/use-size.ts'
import { GraphView } from './graph-view.ts'
import type { PlanGraph, PlanNode } from './plan-graph.ts'

interface GraphCanvasProps {
  readonly graph: PlanGraph
  readonly steps: readonly StepView[]
  /** Changes with every change of a step. */
  readonly version: number
  /** Number of the chosen box, or -1. */
  readonly chosen: number
  readonly onChoose: (node: PlanNode | undefined) => void
  readonly onOpen: () => void
  readonly found: ReadonlySet<number> | undefined
}

/** The plan as a graph: dragged, zoomed, and walked through with the arrow keys. The list of steps beside it has the same as text. */
export function GraphCanvas(props: GraphCanvasProps): JSX.Element {
  const { graph, steps, version, chosen, onChoose, found } = props
  const [space, setSpace] = useState<HTMLDivElement | null>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const view = useRef<GraphView | undefined>(undefined)
  const size = useSize(space)
  const isDark = useMedia('(prefers-color-scheme: dark)')
  const choose = useRef(onChoose)
  choose.current = onChoose

  useLayoutEffect(() => {
    const made = new GraphView(canvas.current!, graph, steps)
    view.current = made
    return () => made.close()
    // Laid out once for each plan: its steps' states come by `update`.
  }, [graph])
  useLayoutEffect(() => view.current?.resize(size.width, size.height), [graph, size.width, size.height])
  useEffect(() => view.current?.update(steps), [graph, version])
  useEffect(() => view.current?.recolour(), [isDark])
  useEffect(() => {
    if (view.current === undefined) return
    view.current.chosen = chosen
    if (chosen >= 0) view.current.reveal(chosen)
  }, [graph, chosen])
  useEffect(() => {
    if (view.current !== undefined) view.current.found = found
  }, [graph, found])

  const movable = useMemo(
    () => ({
      onMove: (byX: number, byY: number) => view.current?.move(byX, byY),
      onZoom: (factor: number, x: number, y: number) => view.current?.zoom(factor, x, y),
      onHover: (x: number, y: number) => view.current?.hover(x, y) ?? false,
      onClick: (x: number, y: number) => {
        const { current } = view
        if (current !== undefined) choose.current(current.graph.nodes[current.nodeAt(x, y)])
      },
    }),
    [],
  )
  usePointer(space, movable)

  const onKeyDown = (event: KeyboardEvent): void => {
    const { current } = view
    if (current === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key.startsWith('Arrow')) {
      const next = chosen < 0 ? 0 : current.neighbour(chosen, event.key)
      onChoose(graph.nodes[next])
    } else if (event.key === 'Enter' && chosen >= 0) props.onOpen()
    else if (event.key === '+' || event.key === '=') current.zoom(1.3)
    else if (event.key === '-') current.zoom(1 / 1.3)
    else if (event.key === '0') current.fit(true)
    else return
    event.preventDefault()
  }

  return (
    <div
      class="canvas-space graph-space"
      ref={setSpace}
      tabIndex={0}
      role="application"
      aria-label={`Graph of ${plural(graph.nodes.length, 'box', 'boxes')} and ${plural(graph.from.length, 'arrow')}. Arrow keys walk along the arrows, Enter opens a step, plus and minus zoom, 0 shows everything. The list of steps has the same as text.`}
      onKeyDown={onKeyDown}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <div class="canvas-tools">
        <button type="button" aria-label="Nearer" title="Nearer (+)" onClick={() => view.current?.zoom(1.3)}>
          +
        </button>
        <button type="button" aria-label="Farther" title="Farther (−)" onClick={() => view.current?.zoom(1 / 1.3)}>
          −
        </button>
        <button type="button" title="Everything in sight (0)" onClick={() => view.current?.fit(true)}>
          Fit
        </button>
      </div>
    </div>
  )
}
