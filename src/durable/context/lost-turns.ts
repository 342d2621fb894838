import type { ShortLivedMap } from '../../runtime/collections/short-lived-map.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { Owned } from '../ownership/owned.ts'
import type { DocketObservers } from './docket-observers.ts'
import type { SurvivedLosses } from './survived-losses.ts'

/** What is needed of a docket whose process was held up. */
interface HeldUp {
  readonly clock: FullClock
  readonly connection: Pick<StoreConnection, 'session'>
  readonly observers: DocketObservers
  readonly owned: ShortLivedMap<Owned>
  readonly survived: SurvivedLosses
  /** Notes what was lost. */
  readonly onLost: (ones: Iterable<Owned>) => void
}

/** The process has lost its lease, and with it all that it runs. */
export function loseAll({ owned, survived, onLost }: HeldUp, cause: unknown): void {
  survived.lost(owned.keys())
  onLost(owned.values())
  for (const one of owned.values()) one.lose(cause)
}

/** Something kept the event loop from turning for longer than the lease allows: reports that to all that live here, with the step that is likely to be the reason. */
export function reportBlocked({ clock, connection, observers, owned, survived }: HeldUp, durationMs: number): void {
  observers.onProcess?.({ type: 'process.blocked', durationMs })
  const at = clock.now()
  let last: { readonly id: string; readonly since: number } | undefined
  for (const one of owned.values()) {
    const suspect = one.suspect(durationMs)
    one.emitter?.durable(at, { type: 'loop.blocked', durationMs, suspect: suspect?.step })
    const since = suspect?.attemptStartedAt ?? 0
    if (suspect !== undefined && since >= (last?.since ?? 0)) last = { id: one.id, since }
  }
  if (last !== undefined) survived.suspect(last.id, connection.session.leaseMs)
}
