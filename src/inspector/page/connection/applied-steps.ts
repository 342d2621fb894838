import type { ExecutionRow, StepChange, StepView } from '../../protocol.ts'

/** A step after something has happened to it: the times of its life stay, what it was at is over. */
export function changedStep(before: StepView, change: StepChange): StepView {
  // Where it had ended, that was in a life before this one.
  const { waitsFor: _, error: __, dueAt: ___, endedAt: ____, ...known } = before
  return { ...known, ...change }
}

/** What is known of an execution, with its own line as it is now: what that does not have any more is gone. */
export function withRow<View extends ExecutionRow>(view: View, row: ExecutionRow): View {
  const { key: _, startedAt: __, endedAt: ___, owner: ____, error: _____, parent: ______, ...rest } = view
  return { ...rest, ...row } as View
}
