import type { ExecutionView, StepView } from '../../protocol.ts'
import { lookOf } from '../text/statuses.ts'

/** Something that is on record with its time. */
export interface Moment {
  /** An ISO time. */
  readonly at: string
  /** The step that it is about; absent for the execution itself. */
  readonly step?: StepView
  /** What happened, as it is said after the step's name: `attempt 2 failed`. */
  readonly what: string
  readonly status: string
  /** What the error says, where there is one. */
  readonly message?: string
}

/** What is known to have happened, the newest first. Steps that leave no time on record are not in it. */
export function historyOf(view: ExecutionView): readonly Moment[] {
  const moments = view.steps.flatMap(momentsOf)
  const ofExecution = (at: string | undefined, status: string, what: string): void => {
    if (at !== undefined) moments.push({ at, status, what })
  }
  ofExecution(view.createdAt, 'pending', 'was created')
  ofExecution(view.startedAt, 'running', 'began')
  ofExecution(view.endedAt, view.status, wordOf(view.status))
  // Equal times come in the order in which they were noted.
  return moments
    .map((moment, place) => ({ moment, place, time: Date.parse(moment.at) }))
    .filter(({ time }) => !Number.isNaN(time))
    .toSorted((one, other) => other.time - one.time || other.place - one.place)
    .map(({ moment }) => moment)
}

function momentsOf(step: StepView): Moment[] {
  const { attempts, status, startedAt, endedAt, error } = step
  const moments: Moment[] = []
  if (startedAt !== undefined && attempts.length === 0)
    moments.push({ at: startedAt, step, status: 'running', what: 'began' })
  for (const { attempt, startedAt: began, endedAt: over, error: failure } of attempts) {
    moments.push({ at: began, step, status: 'running', what: attempt === 1 ? 'began' : `began attempt ${attempt}` })
    if (over !== undefined && failure !== undefined)
      moments.push({ at: over, step, status: 'failed', what: `attempt ${attempt} failed`, message: failure.message })
  }
  if (endedAt !== undefined)
    moments.push({
      at: endedAt,
      step,
      status,
      what: wordOf(status),
      ...(error !== undefined && { message: error.message }),
    })
  return moments
}

/** How it ended, as it is said after a name: `failed`, `was cached`. */
function wordOf(status: string): string {
  const word = lookOf(status).word.toLowerCase()
  return status === 'completed' || status === 'failed' ? word : `was ${word}`
}
