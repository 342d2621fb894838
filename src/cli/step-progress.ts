import type { ExecutionEvent } from '../index.ts'
import { describeThrown } from '../core/thrown.ts'
import { plain } from './plain-text.ts'
import type { Printer } from './printer.ts'

/** Says of each step of an execution, on stderr, when it begins and how it ends. */
export function stepProgress(printer: Printer): (event: ExecutionEvent) => void {
  return (event) => {
    const line = progressLine(event)
    if (line !== undefined) printer.say(line)
  }
}

/** What an event says to a person that watches; undefined for one that says nothing new. */
function progressLine(event: ExecutionEvent): string | undefined {
  // Of batches there is a bar.
  if ('item' in event && event.item !== undefined) return undefined
  switch (event.type) {
    case 'attempt.started':
      return `  ${plain(event.step)} ${event.attempt === 1 ? 'runs' : `runs, attempt ${event.attempt}`}`
    case 'attempt.failed':
      return `  ${plain(event.step)} attempt ${event.attempt} failed: ${plain(describeThrown(event.error))}`
    case 'retry.scheduled':
      return `  ${plain(event.step)} waits ${Math.round(event.delayMs)} ms for attempt ${event.attempt + 1}`
    case 'step.waiting':
      return `  ${plain(event.step)} waits${event.dueAt === undefined ? '' : ` until ${new Date(event.dueAt).toISOString()}`}`
    case 'step.ended':
      return `  ${plain(event.step)} ${event.status}`
    case 'step.cancelled':
      return event.status === 'skipped' ? `  ${plain(event.step)} skipped` : undefined
    case 'undo.ended':
      return `  ${plain(event.step)} ${event.status === 'undone' ? 'undone' : 'could not be undone'}`
    default:
      return undefined
  }
}
