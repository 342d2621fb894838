import { isRecord } from '../is-record.ts'
import type { QueueChange, QueueConcurrency, QueueLimits, QueueRate, QueueState } from './queue-record.ts'

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

/** What `queueStateText` was given. Of a text that somebody has changed, what is still of use: a queue must not hold up all others. */
export function queueStateOf(queue: string, text: string): QueueState {
  const { pausedAt, note, declared, limits } = recordIn(text)
  const version = isRecord(declared) ? declared['version'] : undefined
  const declaredLimits = isRecord(declared) ? readLimits(declared['limits']) : undefined
  return {
    queue,
    pausedAt: isNumber(pausedAt) ? pausedAt : undefined,
    note: typeof note === 'string' ? note : undefined,
    declared: isNumber(version) && declaredLimits !== undefined ? { version, limits: declaredLimits } : undefined,
    limits: readLimits(limits),
  }
}

function recordIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text)
    return isRecord(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

function readLimits(given: unknown): QueueLimits | undefined {
  if (!isRecord(given)) return undefined
  const { concurrency, rate } = given
  return { concurrency: readConcurrency(concurrency), rate: readRate(rate) }
}

function readConcurrency(given: unknown): QueueConcurrency | undefined {
  if (!isRecord(given)) return undefined
  const { limit, isPerKey } = given
  return isAboveZero(limit) ? { limit, isPerKey: isPerKey === true } : undefined
}

function readRate(given: unknown): QueueRate | undefined {
  if (!isRecord(given)) return undefined
  const { limit, perMs, burst } = given
  return isAboveZero(limit) && isAboveZero(perMs) && isAboveZero(burst) ? { limit, perMs, burst } : undefined
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function isAboveZero(value: unknown): value is number {
  return isNumber(value) && value > 0
}
