import type { ExecutionEvent } from '../core/contracts/events.ts'
import { errorViewOf } from './error-view.ts'
import type { StepChange } from './protocol.ts'

/** Undefined for what is of no step, of an item of a batch (which has no key there), or says nothing of where the step is. */
export function stepChangeOf(event: ExecutionEvent): StepChange | undefined {
  if (!('step' in event) || event.item !== undefined) return undefined
  const { step } = event
  const at = new Date(event.at).toISOString()
  switch (event.type) {
    case 'attempt.started':
      return { step, status: 'running', attempt: event.attempt, ...(event.attempt === 1 && { startedAt: at }) }
    case 'retry.scheduled':
      return { step, status: 'retrying', attempt: event.attempt, dueAt: new Date(event.dueAt).toISOString() }
    case 'step.ended': {
      const error = errorViewOf(event.status === 'failed' ? event.error : undefined, true)
      return { step, status: event.status, attempt: event.attempt, endedAt: at, ...(error !== undefined && { error }) }
    }
    case 'step.cancelled':
      return { step, status: event.status, attempt: event.attempt, endedAt: at }
    default:
      return undefined
  }
}
