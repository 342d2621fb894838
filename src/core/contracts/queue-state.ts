import type { QueueChange, QueueLimits, QueueState } from './queue-record.ts'

/** What a change makes of a queue's state, the same in every store. */
export function changedQueue(before: QueueState | undefined, change: QueueChange): QueueState {
  const { queue, at, pause, limits, declared } = change
  const was = before ?? { queue, pausedAt: undefined, note: undefined, declared: undefined, limits: undefined }
  const isOlder = declared !== undefined && was.declared !== undefined && declared.version < was.declared.version
  return {
    queue,
    ...(pause === undefined
      ? { pausedAt: was.pausedAt, note: was.note }
      : pause === null
        ? { pausedAt: undefined, note: undefined }
        : { pausedAt: was.pausedAt ?? at, note: pause.note }),
    declared: declared === undefined || isOlder ? was.declared : declared,
    limits: limits === undefined ? was.limits : (limits ?? undefined),
  }
}

/** What limits a queue: what an operator has set, and of the others what is declared. */
export function limitsOf(state: Pick<QueueState, 'declared' | 'limits'> | undefined): QueueLimits {
  const { declared, limits } = state ?? {}
  return {
    concurrency: limits?.concurrency ?? declared?.limits.concurrency,
    rate: limits?.rate ?? declared?.limits.rate,
  }
}

/** Whether something is to be judged before anything of a queue may be acquired. */
export function isRestricted(state: QueueState | undefined): boolean {
  if (state === undefined) return false
  const { concurrency, rate } = limitsOf(state)
  return state.pausedAt !== undefined || concurrency !== undefined || rate !== undefined
}

/** A queue's state as text, for stores that keep it so. */
export function queueStateText(state: QueueState): string {
  return JSON.stringify(state)
}

/** What `queueStateText` was given. */
export function queueStateOf(queue: string, text: string): QueueState {
  const { pausedAt, note, declared, limits } = JSON.parse(text) as Partial<QueueState>
  return { queue, pausedAt, note, declared, limits }
}
