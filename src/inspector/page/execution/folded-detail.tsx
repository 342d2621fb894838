import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { StepView } from '../../protocol.ts'
import { stepKey } from '../connection/step-key.ts'
import type { PlanNode } from '../graph/plan-graph.ts'
import { Name, StatusShape } from '../text/name.tsx'
import { lookOf } from '../text/statuses.ts'
import { countText, plural } from '../text/visible-text.ts'
import { VirtualList } from '../widgets/virtual-list.tsx'

interface FoldedDetailProps {
  readonly node: PlanNode
  readonly steps: readonly StepView[]
  readonly onStep: (step: StepView) => void
  readonly onClose: () => void
  readonly onUnfold: (() => void) | undefined
}

/** What one box stands for: items of a batch, or steps that are alike, with counts by status. */
export function FoldedDetail({ node, steps, onStep, onClose, onUnfold }: FoldedDetailProps): JSX.Element {
  const [status, setStatus] = useState<string>()
  const own = node.steps.map((place) => steps[place]!)
  const counts = new Map<string, number>()
  for (const step of own) counts.set(step.status, (counts.get(step.status) ?? 0) + 1)
  const shown = status === undefined ? own : own.filter((step) => step.status === status)
  return (
    <div class="folded">
      <div class="detail-head">
        <h2>
          <Name text={node.label} /> <span class="quiet">× {countText(own.length)}</span>
        </h2>
        <button type="button" class="link" onClick={onClose} aria-label="Close">
          ✕
        </button>
      </div>
      <p class="quiet">
        {node.isFolded
          ? `${plural(own.length, 'step')} of one kind, with the same neighbours.`
          : `The same step of ${plural(own.length, 'item')} of a batch.`}
      </p>
      <div class="progress-words">
        {[...counts].map(([each, count]) => (
          <button
            key={each}
            type="button"
            class="count"
            aria-pressed={status === each}
            onClick={() => setStatus(status === each ? undefined : each)}
          >
            <StatusShape status={each} />
            <b>{countText(count)}</b> {lookOf(each).word.toLowerCase()}
          </button>
        ))}
      </div>
      {onUnfold !== undefined && (
        <button type="button" onClick={onUnfold}>
          Unfold in the graph
        </button>
      )}
      <VirtualList
        label="Folded steps"
        class="folded-list"
        rows={shown}
        rowHeight={30}
        keyOf={stepKey}
        cursor={undefined}
        onCursor={onStep}
        columns={[
          {
            title: node.isFolded ? 'Step' : 'Item',
            class: 'c-step',
            cell: (step) => (
              <>
                <StatusShape status={step.status} />
                <Name text={node.isFolded ? step.step : (step.item ?? step.step)} />
              </>
            ),
          },
          { title: 'Status', class: 'c-word', cell: (step) => lookOf(step.status).word },
        ]}
      />
    </div>
  )
}
