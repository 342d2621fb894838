import type { StepView } from '../../protocol.ts'
import { stepKey } from '../connection/step-key.ts'
import type { Stretch } from './squeezed-time.ts'

/** A bar of a row. */
export interface Bar extends Stretch {
  /** `delay`: ready, and waits for its turn; `work`: an attempt; `wait`: waits for something from outside; `pause`: until the next attempt. */
  readonly sort: 'delay' | 'work' | 'wait' | 'pause'
  readonly status: string
}

/** One step in the timeline. */
export interface TimelineRow {
  readonly key: string
  readonly step: StepView
  readonly bars: readonly Bar[]
}

/** Kinds that wait for something from outside, however long: the time in between is idle. */
const waiting = new Set(['timer', 'signal', 'event', 'subgraph', 'remote', 'durable', 'machine'])

/** The rows of all steps that have begun, in the order in which they did, and the stretches in which something happened. */
export function timelineRows(
  steps: readonly StepView[],
  now: number,
): { readonly rows: readonly TimelineRow[]; readonly busy: readonly Stretch[] } {
  const rows: TimelineRow[] = []
  const busy: Stretch[] = []
  for (const step of steps) {
    const bars = barsOf(step, now)
    if (bars.length === 0) continue
    rows.push({ key: stepKey(step), step, bars })
    for (const { sort, from, to } of bars) {
      if (sort === 'work' || sort === 'delay') busy.push({ from, to })
      // Of a wait, that it began and ended is what happened.
      else busy.push({ from, to: from }, { from: to, to })
    }
    for (const { at } of step.checkpoints ?? []) busy.push({ from: Date.parse(at), to: Date.parse(at) })
  }
  rows.sort((one, two) => one.bars[0]!.from - two.bars[0]!.from)
  return { rows, busy: busy.filter(({ from, to }) => !Number.isNaN(from) && !Number.isNaN(to)) }
}

function barsOf(step: StepView, now: number): readonly Bar[] {
  const isWait = waiting.has(step.kind ?? '') || step.status === 'waiting'
  const end = time(step.endedAt)
  const attempts = step.attempts.map(({ startedAt, endedAt, error }) => ({
    from: time(startedAt)!,
    to: time(endedAt),
    isFailed: error !== undefined,
  }))
  const started = time(step.startedAt)
  if (attempts.length === 0 && started !== undefined)
    attempts.push({ from: started, to: end, isFailed: step.status === 'failed' })
  const bars: Bar[] = []
  const queued = time(step.queuedAt)
  const first = attempts[0]?.from ?? (step.status === 'queued' ? now : end)
  if (queued !== undefined && first !== undefined && first > queued)
    bars.push({ sort: 'delay', from: queued, to: first, status: 'queued' })
  attempts.forEach(({ from, to, isFailed }, index) => {
    const isLast = index === attempts.length - 1
    const until = to ?? (isLast ? (end ?? now) : attempts[index + 1]!.from)
    const status = isFailed ? 'failed' : isLast ? step.status : 'failed'
    bars.push({ sort: isWait && !isFailed ? 'wait' : 'work', from, to: Math.max(from, until), status })
    const next = attempts[index + 1]
    if (next !== undefined && next.from > until)
      bars.push({ sort: 'pause', from: until, to: next.from, status: 'retrying' })
    else if (isLast && step.status === 'retrying' && to !== undefined)
      bars.push({ sort: 'pause', from: until, to: time(step.dueAt) ?? now, status: 'retrying' })
  })
  return bars
}

function time(iso: string | undefined): number | undefined {
  const parsed = iso === undefined ? Number.NaN : Date.parse(iso)
  return Number.isNaN(parsed) ? undefined : parsed
}
