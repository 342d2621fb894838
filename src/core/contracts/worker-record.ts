/** A process that lives, and what it says of itself. Ages are by the store's clock. */
export interface WorkerState {
  /** What it said last, as it was given to `renewOwner`. */
  readonly worker: string
  /** How long ago it renewed its lease. */
  readonly sinceRenewalMs: number
  /** For how long its lease still lasts. */
  readonly leaseLeftMs: number
}

/** Keeps what processes say of themselves, for people: it is written with the lease, so that it costs no call of its own. */
export interface WorkerStore {
  /**
   * Says that the owner lives and will for `leaseMs`; a new owner is registered. False when its lease had run out before: it
   * is dead for good, and others may have its executions. `worker` is what the process says of itself, any text: it takes the place of what it said
   * before; without it that stays.
   */
  renewOwner(owner: string, leaseMs: number, worker?: string): Promise<boolean>
  /** What owners that live say of themselves, in an order of the store's choice, up to `limit`; those that have said nothing are left out. The cost may grow with the owners of the last day. */
  readWorkers(limit: number): Promise<readonly WorkerState[]>
}
