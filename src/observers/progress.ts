import { checkOptions, describe } from '../core/check-options.ts'
import type { ExecutionEvent } from '../core/contracts/events.ts'

/** Where and how a progress bar is drawn. */
export interface ProgressOptions {
  /** Text before the bar. @default the target's name */
  readonly label?: string
  /** Where it is drawn. @default process.stderr */
  readonly stream?: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown }
  /** Batches that end sooner draw nothing, in milliseconds. @default 200 */
  readonly afterMs?: number
  /** Least time between two drawings, in milliseconds. @default 50 */
  readonly everyMs?: number
}

/**
 * Draws a progress bar for long batches on a terminal, and nothing at all where the stream is not one.
 *
 * @throws OptionError
 * @example executeBatch(graph, T, items, { observers: [progressObserver()] })
 */
export function progressObserver(options: ProgressOptions = {}): (event: ExecutionEvent) => void {
  checkOptions(
    'progressObserver',
    options,
    ['label', 'stream', 'afterMs', 'everyMs'],
    ({ label, stream, afterMs, everyMs }) => [
      label !== undefined && typeof label !== 'string' && `label must be a string, not ${describe(label)}`,
      stream !== undefined &&
        typeof (stream as { write?: unknown } | null)?.write !== 'function' &&
        `stream must have write(text), like process.stderr`,
      isWrongTime(afterMs) && `afterMs must be a number of milliseconds, not ${describe(afterMs)}`,
      isWrongTime(everyMs) && `everyMs must be a number of milliseconds, not ${describe(everyMs)}`,
    ],
  )
  const { label, stream = process.stderr, afterMs = 200, everyMs = 50 } = options
  if (stream.isTTY !== true) return () => {}
  const startedAt = new Map<
    string,
    { readonly at: number; readonly target: string; drawnAt: number; isDrawn: boolean }
  >()
  return (event) => {
    if (event.type === 'execution.started') {
      startedAt.set(event.executionId, { at: event.at, target: event.target, drawnAt: 0, isDrawn: false })
      return
    }
    const batch = startedAt.get(event.executionId)
    if (batch === undefined) return
    if (event.type === 'execution.ended' || event.type === 'execution.released') {
      startedAt.delete(event.executionId)
      if (batch.isDrawn) stream.write('\r\u001b[2K')
    } else if (
      event.type === 'batch.progress' &&
      event.at - batch.at >= afterMs &&
      event.at - batch.drawnAt >= everyMs
    ) {
      batch.drawnAt = event.at
      batch.isDrawn = true
      // A terminal that does not know its width says 0.
      const columns = stream.columns || 80
      stream.write(`\r\u001b[2K${barOf(oneLine(label ?? batch.target), event, columns)}`)
    }
  }
}

function isWrongTime(ms: unknown): boolean {
  return ms !== undefined && !(typeof ms === 'number' && ms >= 0)
}

/** Control characters would move the cursor out of the line that is cleared. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim()
}

/** One line: label, bar, counts; cut to the width of the terminal. */
function barOf(
  label: string,
  { succeeded, failed, total, share }: Extract<ExecutionEvent, { type: 'batch.progress' }>,
  columns: number,
): string {
  const failures = failed === 0 ? '' : `, ${failed} failed`
  if (total === undefined || share === undefined)
    return `${label} ${succeeded + failed}${failures}`.slice(0, columns - 1)
  // 29 of 100 is a share of 0.29, and 0.29 * 100 is 28.999…
  const percent = Math.floor(share * 100 + 1e-9)
  const counts = ` ${percent}% of ${total}${failures}`
  const width = Math.max(5, Math.min(40, columns - label.length - counts.length - 4))
  const full = Math.round(share * width)
  return `${label} [${'='.repeat(full)}${' '.repeat(width - full)}]${counts}`.slice(0, columns - 1)
}
