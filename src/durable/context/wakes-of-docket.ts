import type { Wake } from '../../core/contracts/engine.ts'

/** What parts of a docket hand to its engine. */
export interface WakesOfDocket {
  /** These are ready: a process with a free slot is to look. */
  send(wakes: readonly Wake[]): void
  /** Messages to these executions were accepted, which may have ended their parking: then they are ready. */
  accepted(ids: readonly string[]): void
}
