import { ExecutionExpiredError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import { endTriggersOf } from '../environment/end-triggers.ts'
import type { EndedFromOutside, EndTriggers } from '../environment/end-triggers.ts'
import { latestEnd } from '../environment/time-limit.ts'
import type { TimeBounds, TimeLimit } from '../environment/time-limit.ts'
import { abortError } from './end-reason.ts'
import type { CancelReason } from './end-reason.ts'
import type { EndEvent } from './shown-end.ts'
import type { UndoneEnd } from './undone-end.ts'

/** An execution that its caller's signal, or its time, may end. */
interface EndingExecution {
  readonly options: TimeBounds & { readonly signal: AbortSignal | undefined }
  readonly clock: FullClock
  readonly context: AsyncContext
  readonly place: ErrorPlace
  readonly isSettled: boolean
  readonly undoing: UndoneEnd | undefined
  cancel(error: CancelReason): void
  finish(event: EndEvent, error: unknown): void
}

/** What an execution does when it is ended from outside. One that is undone already has nothing to end but its caller's wait. */
class OutsideEnds implements EndedFromOutside {
  readonly #execution: EndingExecution

  constructor(execution: EndingExecution) {
    this.#execution = execution
  }

  onAbort(reason: unknown): void {
    const execution = this.#execution
    execution.undoing?.reportNow()
    execution.cancel(abortError(reason, execution.place))
  }

  onTimeOut(limit: TimeLimit): void {
    const execution = this.#execution
    execution.undoing?.reportNow()
    if (execution.isSettled) return
    const error = limit.error(execution.place)
    if (error instanceof ExecutionExpiredError) return execution.context.run(() => execution.cancel(error))
    execution.context.run(() => execution.finish({ type: 'TIME_OUT', error, at: execution.clock.now() }, error))
  }
}

/** What may end an execution from outside that begins now; undefined where nothing can. */
export function outsideEndsOf(execution: EndingExecution): EndTriggers | undefined {
  const { options, clock } = execution
  const isEndless = options.signal === undefined && options.timeoutMs === undefined && latestEnd(options) === undefined
  return isEndless ? undefined : endTriggersOf(new OutsideEnds(execution), options, clock)
}
