import type { JSX } from 'preact'
import type { StepView } from '../../protocol.ts'
import { stepKey } from '../connection/step-key.ts'
import { Name, StatusShape, Took } from '../text/name.tsx'
import { hasEnded, lookOf } from '../text/statuses.ts'
import { plural } from '../text/visible-text.ts'
import { VirtualList } from '../widgets/virtual-list.tsx'
import type { Column } from '../widgets/virtual-list.tsx'

interface StepListProps {
  readonly steps: readonly StepView[]
  readonly total: number
  readonly search: string
  readonly onSearch: (text: string) => void
  readonly cursor: string | undefined
  readonly onChoose: (step: StepView) => void
  readonly onOpen: () => void
}

/** All steps as a list: what the graph and the timeline show, for search, keyboards and screen readers. */
export function StepList(props: StepListProps): JSX.Element {
  const { steps, total, search, onSearch } = props
  return (
    <section class="steps" aria-label="Steps">
      <label class="steps-search">
        <span class="hidden">Search steps</span>
        <input
          data-search
          type="search"
          placeholder="Search steps   /"
          spellcheck={false}
          value={search}
          onInput={(event) => onSearch(event.currentTarget.value)}
        />
        <span class="quiet" role="status">
          {steps.length === total ? plural(total, 'step') : `${steps.length} of ${plural(total, 'step')}`}
        </span>
      </label>
      <VirtualList
        label="Steps"
        class="steps-list"
        rows={steps}
        columns={columns}
        rowHeight={30}
        keyOf={stepKey}
        cursor={props.cursor}
        onCursor={props.onChoose}
        onKey={(event) => {
          if (event.key !== 'Enter') return false
          props.onOpen()
          return true
        }}
        empty={<p class="quiet">{total === 0 ? 'No steps are known.' : 'No step matches.'}</p>}
      />
    </section>
  )
}

const columns: readonly Column<StepView>[] = [
  {
    title: 'Step',
    class: 'c-step',
    cell: ({ step, item, status }) => (
      <>
        <StatusShape status={status} />
        <Name text={step} />
        {item !== undefined && <Name text={item} class="quiet" />}
      </>
    ),
  },
  {
    title: 'Status',
    class: 'c-word',
    cell: ({ status, attempt }) => (
      <span class={`step-word is-${/^[a-z]+$/.test(status) ? status : 'unknown'}`}>
        {lookOf(status).word}
        {attempt > 1 && ` ×${attempt}`}
      </span>
    ),
  },
  {
    title: 'Took',
    class: 'c-took is-number',
    cell: ({ startedAt, endedAt, status }) => <Took from={startedAt} to={endedAt} isOpen={!hasEnded(status)} />,
  },
]
