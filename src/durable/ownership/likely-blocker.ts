import type { StepRun } from '../../runtime/execution/step-run.ts'

// Clocks have whole milliseconds, and timers may be early by one.
const timerSlackMs = 10

/** A step that may have kept the event loop from turning. */
export interface Suspect {
  readonly step: string
  readonly attemptStartedAt: number
}

/**
 * The step that may have kept the event loop from turning for so long, until now: of those that were under way when it stopped, the one
 * that began last.
 */
export function likelyBlocker(
  runs: readonly (StepRun | undefined)[],
  now: number,
  durationMs: number,
): Suspect | undefined {
  // Nothing begins while the event loop stands still: what began since, began after it.
  const stoodFrom = now - durationMs + timerSlackMs
  let suspect: StepRun | undefined
  for (const run of runs)
    if (run !== undefined && wasUnderWay(run, stoodFrom, now))
      if (suspect === undefined || run.attemptStartedAt > suspect.attemptStartedAt) suspect = run
  return suspect
}

function wasUnderWay(run: StepRun, stoodFrom: number, now: number): boolean {
  if (run.startedAt === undefined || run.attemptStartedAt > stoodFrom) return false
  return run.endedAt === undefined ? run.dueAt === undefined || run.dueAt <= now : run.endedAt >= stoodFrom
}
