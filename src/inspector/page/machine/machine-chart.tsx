import type { JSX } from 'preact'
import { useEffect, useId, useMemo, useRef } from 'preact/hooks'
import type { MachineView } from '../../protocol.ts'
import { shortText } from '../text/visible-text.ts'
import { Empty } from '../widgets/notice.tsx'
import { layOutChart } from './chart-layout.ts'
import type { Chart, ChartArrow, ChartBox } from './chart-layout.ts'
import { activePaths, statechartOf } from './statechart.ts'
import { Table } from '../widgets/table.tsx'

/** The statechart of a machine, the states that it is in highlighted; below it, the same as a table. */
export function MachineChart({ machine }: { readonly machine: MachineView }): JSX.Element {
  // Answers that are requested again are new objects with the same in them: nothing is laid out again then.
  const text = typeof machine.definition === 'string' ? machine.definition : JSON.stringify(machine.definition ?? null)
  const chart = useMemo(() => {
    const root = statechartOf(text)
    return root === undefined ? undefined : layOutChart(root)
  }, [text])
  const active = useMemo(() => activePaths(machine.value), [machine.value])
  const space = useRef<HTMLDivElement>(null)
  const id = useId()
  useEffect(() => {
    const inmost = chart?.boxes.findLast(({ state }) => active.has(state.path))
    // Moved by hand: `scrollIntoView` would move everything around it too.
    if (inmost !== undefined) space.current?.scrollTo({ left: inmost.x - 40, top: inmost.y - 60 })
  }, [chart, active])
  if (chart === undefined)
    return <Empty title="This machine can’t be drawn">Its definition is not one of XState.</Empty>
  const states = chart.boxes.filter(({ state }) => state.path !== '')
  const now = states.filter(({ state }) => active.has(state.path) && state.children.length === 0)
  return (
    <div class="machine">
      <p>
        {now.length === 0 ? (
          <span class="quiet">It is not known which state it is in.</span>
        ) : (
          <>
            In state <b>{now.map(({ state }) => shortText(state.path, 80)).join(', ')}</b>
          </>
        )}
      </p>
      <div class="machine-space" ref={space} tabIndex={0} role="group" aria-label="Statechart">
        <svg
          width={chart.width + 34}
          height={chart.height + 4}
          viewBox={`-2 -2 ${chart.width + 34} ${chart.height + 4}`}
          role="img"
          aria-label={`Statechart of ${states.length} states; the table below has the same as text.`}
        >
          <defs>
            <marker id={`${id}-tip`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M1 1l6 3-6 3" />
            </marker>
          </defs>
          {layersOf(chart).map(({ boxes, arrows }, depth) => (
            <g key={depth}>
              {boxes.map((box) => (
                <StateBox key={box.state.path} box={box} isActive={active.has(box.state.path)} />
              ))}
              {arrows.map(({ from, path }, index) => (
                <path
                  key={index}
                  class={`arrow ${active.has(from) ? 'is-active' : ''}`}
                  d={path}
                  marker-end={`url(#${id}-tip)`}
                />
              ))}
            </g>
          ))}
        </svg>
      </div>
      <details>
        <summary>States and transitions as a table</summary>
        <Table columns={['State', 'Now', 'Transitions']}>
          {states.map(({ state, lines }) => (
            <tr key={state.path}>
              <td>
                <bdi>{shortText(state.path, 200)}</bdi> {state.isInitial && <span class="quiet">(first)</span>}
              </td>
              <td>{active.has(state.path) ? 'in it' : ''}</td>
              <td>
                {lines.map(({ text }, index) => (
                  <div key={index}>
                    <bdi>{shortText(text)}</bdi>
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </Table>
      </details>
    </div>
  )
}

/** What is drawn in turn: the boxes of one depth, then the arrows between states in them, which the boxes inside lie over. */
function layersOf({ boxes, arrows }: Chart): readonly { readonly boxes: ChartBox[]; readonly arrows: ChartArrow[] }[] {
  const layers: { readonly boxes: ChartBox[]; readonly arrows: ChartArrow[] }[] = []
  const at = (depth: number): (typeof layers)[number] => {
    while (layers.length <= depth) layers.push({ boxes: [], arrows: [] })
    return layers[depth]!
  }
  for (const box of boxes) at(box.depth).boxes.push(box)
  for (const arrow of arrows) at(arrow.depth).arrows.push(arrow)
  return layers
}

function StateBox({ box, isActive }: { readonly box: ChartBox; readonly isActive: boolean }): JSX.Element {
  const { state, x, y, width, height, lines, depth } = box
  const invoked = state.invokes.length > 0 ? `invokes ${state.invokes.join(', ')}` : undefined
  return (
    <g class={`state is-${state.type} ${isActive ? 'is-active' : ''} ${depth % 2 === 1 ? 'is-odd' : ''}`}>
      <rect x={x} y={y} width={width} height={height} rx="8" />
      {state.type === 'final' && (
        <rect x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="5" class="inner" />
      )}
      {state.isInitial && <circle cx={x + 12} cy={y + 14} r="4" class="first" />}
      <text x={x + (state.isInitial ? 22 : 12)} y={y + 18} class="state-name">
        {shortText(state.key, 40)}
        {state.type === 'parallel' ? ' ∥' : ''}
      </text>
      {invoked !== undefined && (
        <text x={x + 12} y={y + 40} class="state-invokes">
          {shortText(invoked, Math.max(20, Math.floor(width / 7)))}
        </text>
      )}
      {lines.map((line, index) => (
        <text key={index} x={x + 12} y={line.y + 4} class="state-line">
          {shortText(line.text, 140)}
        </text>
      ))}
    </g>
  )
}
