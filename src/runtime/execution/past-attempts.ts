import { mostAttempts } from './past-attempt.ts'
import type { PastAttempt } from './past-attempt.ts'
import type { StepExtras } from './step-extras.ts'
import type { StepState } from './step-state.ts'

/** Remembers an attempt that another one follows, of an execution that is written down: only these have anybody who may look. */
export function rememberAttempt(
  step: StepState & {
    readonly more: StepExtras
    readonly execution: { readonly recorder: { readonly owner: string } | undefined }
  },
  attempt: number,
  error: unknown,
  endedAt: number,
): void {
  const { recorder } = step.execution
  if (recorder === undefined) return
  const { more, attemptStartedAt: startedAt } = step
  const past = more.pastAttempts ?? []
  // One that an earlier process has begun is in the list, if it is.
  const others = isLast(past, attempt, startedAt) ? past.slice(0, -1) : past
  const made = { attempt, startedAt, endedAt, owner: recorder.owner, error }
  more.pastAttempts = [...others.slice(1 - mostAttempts), made]
}

/** Lets a step that begins anew have the attempts of before on its list. */
export function remindOfAttempts(
  { step, more }: StepState & { readonly more: StepExtras },
  triedBefore: ReadonlyMap<string, readonly PastAttempt[]>,
): void {
  const before = triedBefore.get(step)
  if (before !== undefined && before.length > 0) more.pastAttempts ??= before
}

/** The last attempts of a step that lives here, the one that runs, or that ended it, among them; `owner` has made that one. */
export function attemptsOf(step: StepState, owner: string | undefined): readonly PastAttempt[] {
  const { attempt, attemptStartedAt: startedAt, extras } = step
  const past = extras?.pastAttempts ?? []
  // What was restored has made none here, and one that waits for the next one has no other.
  if (attempt === 0 || startedAt === 0 || step.startedAt === undefined || isLast(past, attempt, startedAt)) return past
  const hasFailed = step.hasEnded && !step.hasOutput
  const last = { attempt, startedAt, endedAt: step.endedAt, owner, error: hasFailed ? step.error : undefined }
  return [...past.slice(1 - mostAttempts), last]
}

/** How a step was tried whose record is about to go, as far as that is known: of one that was restored, and tried once, its times say it. */
export function attemptsUntilUndone(step: StepState, owner: string): readonly PastAttempt[] {
  const { attempt, startedAt, endedAt } = step
  const known = attemptsOf(step, owner)
  const last = known.at(-1)
  if (last?.attempt === attempt && last.endedAt === undefined) return [...known.slice(0, -1), { ...last, endedAt }]
  if (last !== undefined || attempt !== 1 || startedAt === undefined) return known
  return [{ attempt, startedAt, endedAt, owner: undefined, error: undefined }]
}

/** Whether the last one on the list is that one: several may begin in one millisecond. */
export function isLast(past: readonly PastAttempt[], attempt: number, startedAt: number): boolean {
  const last = past.at(-1)
  return last?.attempt === attempt && last.startedAt === startedAt
}
