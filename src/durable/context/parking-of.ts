import { durationMs } from '../../core/duration.ts'
import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { DocketContext } from './docket-context.ts'
import type { CallerOptions } from './start-options.ts'

/** When something that lives here is parked, and what becomes of those that follow it. */
export function parkingOf(
  context: DocketContext,
  place: { readonly id: string; readonly graph: string },
  caller: CallerOptions,
): {
  readonly parkMs: number | undefined
  onParked(callers: AsyncContext): void
  onUnread(): void
} {
  return {
    // What this process would not wake again stays with it.
    parkMs: context.options.takeOver === false ? undefined : durationMs(context.options.park ?? '10s')!,
    onParked: (callers) => context.parkedCallers.keep(place, caller, callers),
    onUnread: () => context.lookSoon(place.id),
  }
}
