import type { ErrorPlace } from '../../core/docket-error.ts'
import type { PersistSpec } from '../../core/graph/graph-index.ts'
import type { PlanStep } from '../../core/graph/plan.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { CallingStep } from '../environment/current-step.ts'
import type { FullClock } from '../environment/clock.ts'

/** The one computation of a result in this process, as the steps see it that lead it or wait for it. */
export interface SharedClaim<Step> {
  readonly key: string
  /** The step that makes the result; undefined once it is known, or given up. */
  readonly leader: Step | undefined
  /** Keeps the leader's result and gives the one that holds. */
  commit(step: Step, made: unknown): unknown
  commitLate(step: Step, value: unknown): void
  fail(step: Step, error: unknown): void
  leave(step: Step, reason: unknown): void
  endedLate(step: Step): void
  /** The result does not hold any more. */
  forget(step: Step): void
}

/** A step that looks for its remembered result, or makes it for all that ask. */
export interface Claimant {
  readonly planStep: PlanStep
  readonly step: string
  readonly attempt: number
  /** Without one that has not begun yet. */
  readonly attemptsMade: number
  /** How long it has yet to wait before its next attempt, while it does. */
  readonly waitLeftMs: number | undefined
  readonly inputs: Record<string, unknown>
  /** Its policy; present in every step that claims. */
  readonly persist: PersistSpec | undefined
  readonly hasEnded: boolean
  /** Whether an attempt of it is under way. */
  readonly isWorking: boolean
  readonly execution: {
    readonly id: string
    readonly place: ErrorPlace
    readonly clock: FullClock
    readonly context: AsyncContext
    /** The step in whose function the execution was started. */
    readonly caller: CallingStep | undefined
    readonly isOver: boolean
    readonly setup: { readonly requestDigest?: string | undefined }
  }
  claim: SharedClaim<Claimant> | undefined
  /** Goes on to its next attempt: there is no result yet, and it is the one to make it. */
  proceed(): void
  cacheMissed(): void
  storeFailed(operation: 'find' | 'keep', error: unknown): void
  cached(value: unknown, shared: boolean): void
  failed(error: unknown, type: 'FAIL', policyError?: unknown, attempts?: number): void
  /** Ends the attempt that is under way. */
  closeAttempt(reason: unknown): void
  /** Takes over from an equal step that was cancelled between two attempts. */
  inherit(from: Claimant): void
  /** Hands the attempt that is under way, and its slot, over to an equal step that waits for it. */
  handOverTo(next: Claimant): void
}
