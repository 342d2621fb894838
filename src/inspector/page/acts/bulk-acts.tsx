import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ExecutionFilter } from '../../protocol.ts'
import { countText, plural } from '../text/visible-text.ts'
import { ActDialog } from './act-dialog.tsx'

type Verb = 'cancel' | 'retry' | 'delete'

/** How many the server works through at most in one act. */
const most = 10_000

const explained: Readonly<Record<Verb, { readonly word: string; readonly text: string }>> = {
  cancel: { word: 'Cancel', text: 'Their steps are aborted, and what is declared to be undone is undone.' },
  retry: { word: 'Retry', text: 'Those that failed or were cancelled go on from the steps that did not complete.' },
  delete: { word: 'Delete', text: 'Those that have ended are removed with all their records. This can’t be undone.' },
}

interface BulkActsProps {
  readonly chosen: readonly string[]
  readonly filter: ExecutionFilter
  readonly isFiltered: boolean
  /** How many match the filter, as far as it is known. */
  readonly total: number | undefined
  readonly onDone: () => void
  readonly onClear: () => void
}

/** Acts on the executions that were chosen, or on all that match the filter. */
export function BulkActs(props: BulkActsProps): JSX.Element | null {
  const { chosen, filter, isFiltered, total, onDone, onClear } = props
  const [open, setOpen] = useState<{ readonly verb: Verb; readonly isAll: boolean }>()
  const [isAll, setAll] = useState(false)
  if (chosen.length === 0 && open === undefined && !isAll) {
    if (!isFiltered || total === undefined || total === 0) return null
    return (
      <div class="bulk is-offer">
        <button type="button" class="link" onClick={() => setAll(true)}>
          Act on all {countText(total)} that match
        </button>
      </div>
    )
  }
  const count = isAll ? (total ?? 0) : chosen.length
  const { word, text } = explained[open?.verb ?? 'cancel']
  return (
    <div class="bulk" role="region" aria-label="Acts on several executions">
      <b>{isAll ? `All ${countText(count)} that match` : `${plural(count, 'execution')} chosen`}</b>
      {(['cancel', 'retry', 'delete'] as const).map((verb) => (
        <button
          key={verb}
          type="button"
          class={verb === 'delete' ? 'danger' : ''}
          onClick={() => setOpen({ verb, isAll })}
        >
          {explained[verb].word}…
        </button>
      ))}
      <button type="button" class="link" onClick={() => (setAll(false), onClear())}>
        Clear
      </button>
      {open !== undefined && (
        <ActDialog
          title={`${word} ${plural(count, 'execution')}?`}
          verb={`${word} ${plural(count, 'execution')}`}
          isDangerous={open.verb !== 'retry'}
          actOf={() => (open.isAll ? { act: open.verb, filter, most } : { act: open.verb, ids: chosen })}
          onDone={onDone}
          onClose={() => setOpen(undefined)}
        >
          <p>{text}</p>
          <p class="quiet">
            Each gets an outcome of its own; those that it does not apply to are skipped.
            {open.isAll && count > most && ` At most ${countText(most)} at a time.`}
          </p>
        </ActDialog>
      )}
    </div>
  )
}
