import type { Plan } from '../../core/graph/plan.ts'
import type { ItemAdmission } from '../batch/item-admission.ts'

/** What ties an execution to its batch. */
export interface BatchPart {
  readonly item: number | undefined
  readonly admission: ItemAdmission | undefined
  /** The whole batch's plan: the way from its target down to a type may lead through the other parts. */
  readonly whole: Plan
  /** Whether the batch has ended, or is about to: then nothing of it may begin any more. */
  hasEnded(): boolean
  failedItems(): number
  /** Told before anything of the failing part is stopped. */
  onFailing(error: unknown): void
  onFilled(slot: number, value: unknown): void
  /** Tells the batch of a step that failed though the execution goes on. */
  onDenied(slot: number, error: unknown): void
}
