import type { Claimant, SharedClaim } from '../results/claimant.ts'
import type { SlotPool, StopWaiting } from '../collections/slot-pool.ts'
import type { AwaitedLimit, LimitTicket } from '../steps/shared-limits.ts'
import type { First } from '../../core/language/race.ts'
import type { HeldWait } from './held-wait.ts'
import type { PastAttempt } from './past-attempt.ts'
import type { AttemptWait } from './attempt-wait.ts'

/** What few steps need. Most never have it: a hundred thousand of them are under way at the same time. */
export class StepExtras {
  /** The right to compute the result, or the wait for the step that has it. */
  claim: SharedClaim<Claimant> | undefined = undefined
  /** The slot of the step's own concurrency limit that the attempt holds. */
  slot: SlotPool | undefined = undefined
  /** What the attempt has of limits that all processes share, or waits for. */
  ticket: LimitTicket | undefined = undefined
  /** The limits that it waits for, as far as the store has said that it has to. */
  awaitedLimits: readonly AwaitedLimit[] | undefined = undefined
  /** Whether it holds nothing of the worker while it waits for them. */
  restsInLine = false
  /** Since when it waits for them, by the store's time: in earlier processes too. */
  queuedSince: number | undefined = undefined
  /** The attempt is on its way to the records, and has not begun. */
  isBeingNoted = false
  /** Where it waits in line for a slot. */
  awaitedSlots: SlotPool | undefined = undefined
  wait: AttemptWait | undefined = undefined
  /** Since when it waits for its next attempt, or for a slot. */
  waitsSince: number | undefined = undefined
  stopWaiting: StopWaiting | undefined = undefined
  /** What it waited for in an earlier process: the time, and since when. */
  held: HeldWait | undefined = undefined
  /** The key of the event that it waits for. */
  awaitedKey: string | undefined = undefined
  /** What its work was at when that was kept last: the state of a machine. */
  keptState: unknown = undefined
  /** What came first, of a race that is decided. */
  first: First | undefined = undefined
  /** When its inputs were there, where it could not begin at once. */
  queuedAt: number | undefined = undefined
  /** Attempts that another one has followed, or is to follow; undefined where there are none. */
  pastAttempts: readonly PastAttempt[] | undefined = undefined
  /** The attempt that repeats one of an earlier process. */
  repeated = 0
  /** It failed for good in an earlier process: what is left is its fallback. */
  exhausted: { readonly error: unknown } | undefined = undefined
}
