/** What a store knows of a process that owns executions, judged by the store's clock. */
export interface OwnerState {
  /** Whether its lease has not run out. */
  readonly isAlive: boolean
  /** How long ago it renewed its lease, or was registered; undefined where that is not on record. */
  readonly sinceRenewalMs: number | undefined
  /** For how long its lease still lasts; negative where it ran out, so long ago. */
  readonly leaseLeftMs: number
}
