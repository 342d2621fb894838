import { durationMs } from '../../core/duration.ts'
import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { DocketContext } from './docket-context.ts'
import type { CallerOptions } from './start-options.ts'

const longestHoldMs = 100

/** When something that lives here is parked, and what becomes of those that follow it. */
export function parkingOf(
  context: DocketContext,
  place: { readonly id: string; readonly graph: string; readonly queue: string },
  caller: CallerOptions,
): {
  readonly parkMs: number | undefined
  onParked(callers: AsyncContext): void
  onUnread(): void
  onRest(): void
} {
  return {
    // What this process would not wake again stays with it.
    parkMs: context.options.takeOver === false ? undefined : parkMsOf(context, place.queue),
    onParked: (callers) => context.parkedCallers.keep(place, caller, callers),
    onUnread: () => context.lookSoon(place.id),
    onRest: () => context.queues.rested(place.queue),
  }
}

/** Where others wait for its place in a queue, one that only waits gives it up soon: it counts for the limit as long as a process owns it. */
function parkMsOf({ options, queues }: DocketContext, queue: string): number {
  const parkMs = durationMs(options.park ?? '10s')!
  return queues.isLimited(queue) ? Math.min(parkMs, longestHoldMs) : parkMs
}
