import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { StepView } from '../../protocol.ts'
import type { ExecutionModel } from '../connection/execution-model.ts'
import { usePage } from '../connection/page-context.ts'
import { isoOf, localInput } from '../text/time-text.ts'
import { ActDialog } from './act-dialog.tsx'
import { ForkDialog } from './fork-dialog.tsx'
import { MessageDialog } from './message-dialog.tsx'

/** What can be done with a step: signal it, move its timer, or go on from it in a new execution. */
export function StepActs({
  model,
  step,
}: {
  readonly model: ExecutionModel
  readonly step: StepView
}): JSX.Element | null {
  const { about } = usePage()
  const [open, setOpen] = useState<'fork' | 'signal' | 'reschedule'>()
  if (!about.allowsActions) return null
  const close = (): void => setOpen(undefined)
  const isWaiting = step.status === 'waiting'
  const isOfExecution = model.view!.kind === 'execution'
  return (
    <div class="acts" role="group" aria-label="Acts on this step">
      {isWaiting && step.kind === 'signal' && (
        <button type="button" class="primary" onClick={() => setOpen('signal')}>
          Signal…
        </button>
      )}
      {isWaiting && step.kind === 'timer' && (
        <button type="button" onClick={() => setOpen('reschedule')}>
          Reschedule…
        </button>
      )}
      {isOfExecution && (
        <button type="button" onClick={() => setOpen('fork')}>
          Fork from here…
        </button>
      )}
      {open === 'fork' && <ForkDialog model={model} step={step} onClose={close} />}
      {open === 'signal' && <MessageDialog model={model} act="signal" type={step.output?.type} onClose={close} />}
      {open === 'reschedule' && <RescheduleDialog model={model} step={step} onClose={close} />}
    </div>
  )
}

function RescheduleDialog({
  model,
  step,
  onClose,
}: {
  readonly model: ExecutionModel
  readonly step: StepView
  readonly onClose: () => void
}): JSX.Element {
  const [at, setAt] = useState(localInput(step.dueAt ?? new Date().toISOString()))
  return (
    <ActDialog
      title="When should the timer fire?"
      verb="Reschedule"
      actOf={() => {
        const iso = isoOf(at)
        return iso === undefined
          ? 'Choose a day and a time.'
          : { act: 'reschedule', id: model.view!.id, timer: step.step, at: iso }
      }}
      onDone={() => model.reload()}
      onClose={onClose}
    >
      <label>
        <span class="label">Time here ({Intl.DateTimeFormat().resolvedOptions().timeZone})</span>
        <input type="datetime-local" step={1} value={at} onInput={(event) => setAt(event.currentTarget.value)} />
      </label>
      <p class="quiet">A time that is past fires it at once.</p>
    </ActDialog>
  )
}
