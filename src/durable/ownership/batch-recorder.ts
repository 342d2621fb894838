import type { StepRun } from '../../runtime/execution/step-run.ts'
import { itemStep } from '../records/restore-batch.ts'
import { ExecutionRecorder } from './execution-recorder.ts'

/** Reports the item whose target a step has made and written. */
export class BatchRecorder extends ExecutionRecorder {
  /** Keys of items; '' stands for what they share. */
  readonly written = new Set<string>()

  override persist(run: StepRun, value: unknown, status: 'completed' | 'cached'): Promise<unknown> {
    const kept = super.persist(run, value, status)
    const { execution, planStep, persist } = run
    // A step that goes on without the store may not have been written.
    if (planStep.spec.output.name === execution.setup.part?.whole.target.name && persist?.onStoreError !== 'run')
      kept.then(
        () => this.written.add(execution.setup.itemKey ?? ''),
        () => {},
      )
    return kept
  }

  /** An item that fails alone is on record as one that will, until what it did is undone. */
  protected override noteUndoing(error: unknown, itemKey: string | undefined): Promise<void> {
    return itemKey === undefined
      ? super.noteUndoing(error, itemKey)
      : this.undoNotes.itemFailing(error, { step: itemStep, item: itemKey })
  }
}
