import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ExecutionModel } from '../connection/execution-model.ts'
import { usePage } from '../connection/page-context.ts'
import { hasEnded } from '../text/statuses.ts'
import { shortText } from '../text/visible-text.ts'
import { ActDialog } from './act-dialog.tsx'
import { MessageDialog } from './message-dialog.tsx'

type Open = 'cancel' | 'retry' | 'delete' | 'signal' | 'update'

const simple = {
  cancel: {
    word: 'Cancel',
    text: 'Running steps are aborted, and what is declared to be undone is undone.',
  },
  retry: {
    word: 'Retry',
    text: 'It goes on from the steps that did not complete. What completed stays as it is.',
  },
  delete: { word: 'Delete', text: 'It is removed with all its records. This can’t be undone.' },
} as const

/** What can be done with an execution in the state that it is in. */
export function ExecutionActs({ model }: { readonly model: ExecutionModel }): JSX.Element {
  const { about } = usePage()
  const [open, setOpen] = useState<Open>()
  const { id, status, kind } = model.view!
  if (!about.allowsActions)
    return (
      <span class="quiet read-only" title="Create the inspector with allowActions: true to act here.">
        Read-only: acts are switched off
      </span>
    )
  const isOver = hasEnded(status)
  const close = (): void => setOpen(undefined)
  const button = (act: Open, text: string, isDangerous = false): JSX.Element => (
    <button type="button" class={isDangerous ? 'danger' : ''} onClick={() => setOpen(act)}>
      {text}
    </button>
  )
  return (
    <div class="acts" role="group" aria-label="Acts on this execution">
      {!isOver && kind === 'execution' && button('signal', 'Signal…')}
      {!isOver && kind === 'execution' && button('update', 'Update…')}
      {(status === 'failed' || status === 'cancelled') && button('retry', 'Retry…')}
      {!isOver && button('cancel', 'Cancel…', true)}
      {isOver && button('delete', 'Delete…', true)}
      {(open === 'signal' || open === 'update') && <MessageDialog model={model} act={open} onClose={close} />}
      {(open === 'cancel' || open === 'retry' || open === 'delete') && (
        <ActDialog
          title={`${simple[open].word} this execution?`}
          verb={simple[open].word}
          isDangerous={open !== 'retry'}
          actOf={() => ({ act: open, ids: [id] })}
          onDone={() => model.reload()}
          onClose={close}
        >
          <p>
            <bdi class="id">{shortText(id, 120)}</bdi>
          </p>
          <p>{simple[open].text}</p>
        </ActDialog>
      )}
    </div>
  )
}
