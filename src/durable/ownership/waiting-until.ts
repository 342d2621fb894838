import type { StepState } from '../../runtime/execution/step-state.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'

/** Whether all that is left of what has begun are attempts that are not due before. */
export function isWaitingUntil(runs: readonly (StepState | undefined)[], at: number): boolean {
  let isWaiting = false
  for (const run of runs) {
    if (run === undefined || run.endedAt !== undefined || (run.startedAt === undefined && !run.restsInLine)) continue
    const rests = run.dueAt === undefined ? statusOf(run) === 'waiting' || run.restsInLine : run.dueAt >= at
    if (!rests) return false
    isWaiting = true
  }
  return isWaiting
}
