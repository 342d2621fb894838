import { checkOptions, describe } from '../core/check-options.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import type { StoredValue } from '../core/contracts/stored-value.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { isAbortSignal } from '../runtime/execution/execution-options.ts'
import { orClosed } from './context/closed-while-waiting.ts'
import type { DocketContext } from './context/docket-context.ts'
import { requireNotAborted } from './context/ended-by-signal.ts'
import { pauseBeforeLook } from './context/look-again.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { hasOutcome } from './records/known-outcome.ts'
import { findValue } from './value-of-type.ts'

const firstPollMs = 20
const longestPollMs = 500
// Commits of one millisecond look the same: what was written so short a time ago is read again.
const sameTimeMs = 1_000

/** How a value is watched. */
export interface WatchOptions {
  /** Ends the loop, with an ExecutionCancelledError. @default none */
  readonly signal?: AbortSignal | undefined
}

/** @throws OptionError with all problems */
export function checkWatchOptions(options: unknown): void {
  checkOptions('watch', options, ['signal'], ({ signal }) => [
    signal !== undefined && !isAbortSignal(signal) && `signal must be an AbortSignal, not ${describe(signal)}`,
  ])
}

/** What is watched. */
interface Watched extends WatchOptions {
  readonly id: string
  readonly type: AnyDataType
}

/** The value of a data type as of each commit, until the execution has ended. @throws as `ExecutionHandle.watch` does */
export async function* watchValue(
  context: DocketContext,
  { id, type, signal }: Watched,
  untilThere: () => Promise<void>,
): AsyncGenerator<unknown, void, undefined> {
  let last: StoredValue | undefined
  let seen: ExecutionRecord | undefined
  let pauseMs = 0
  await orClosed(context, 'watch', id, untilThere)
  const { handOver } = context
  const look = () =>
    orClosed(context, 'watch', id, () =>
      handOver.look(async () => (await isWritten(context, id, seen)) && findValue(context, 'watch', id, type)),
    )
  let lastLook: ReturnType<typeof look> | undefined
  // When the docket is being closed it looks once more, at once, whatever the reader of the values is about: the execution may have ended just before.
  const unlisten = handOver.onBegin(() => {
    lastLook = look()
    lastLook.catch(() => {})
  })
  try {
    for (;;) {
      requireNotAborted(id, signal)
      const isLast = handOver.hasBegun
      if (isLast && lastLook === undefined) throw context.closedWhileWaiting({ id })
      const looked = await (lastLook ?? look())
      // It has begun to close meanwhile, and the last look may have read less than this one: what follows that would be what was there before. An end stays one.
      const found = looked !== false && hasOutcome(looked.record) ? looked : await (lastLook ?? looked)
      if (found !== false) {
        const { record, stored, read } = found
        if (record.updatedAt !== seen?.updatedAt) pauseMs = 0
        seen = record
        if (stored !== undefined && !isSame(stored, last)) {
          last = stored
          yield await read()
          requireNotAborted(id, signal)
        }
        if (hasOutcome(record)) return
      }
      if (isLast) throw context.closedWhileWaiting({ id })
      pauseMs = Math.min(Math.max(firstPollMs, pauseMs * 2), longestPollMs)
      const here = context.owned.get(id)
      const listen = here === undefined ? undefined : (done: () => void) => here.commits.onWritten(done)
      await pauseBeforeLook(context, id, pauseMs, { signal, listen, endsHere: here === undefined })
    }
  } finally {
    unlisten()
  }
}

/** Whether something may have been written since. @throws ExecutionConflictError where it is gone */
async function isWritten(context: DocketContext, id: string, seen: ExecutionRecord | undefined): Promise<boolean> {
  if (seen === undefined) return true
  const now = await context.recordOf(id)
  if (now === undefined) throw noSuchExecution(id)
  const { updatedAt, status, epoch } = now
  const isSame = updatedAt === seen.updatedAt && status === seen.status && epoch === seen.epoch
  return !isSame || context.clock.now() - updatedAt < sameTimeMs
}

function isSame(one: StoredValue, other: StoredValue | undefined): boolean {
  if (typeof one === 'string' || typeof other !== 'object') return one === other
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}
