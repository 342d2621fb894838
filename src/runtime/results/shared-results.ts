import type { Claimant, SharedClaim } from './claimant.ts'
import type { ShortLivedMap } from '../collections/short-lived-map.ts'

/** A computation that is under way, which equal steps may join. */
export interface ClaimUnderWay extends SharedClaim<Claimant> {
  /** Waits for the outcome with the others. */
  join(step: Claimant): void
}

/** The right to make a result, as the store granted it. */
export interface ResultRight {
  readonly key: string
  readonly owner: string
  readonly epoch: number
}

/** What a look into a store of global results leads to. */
export type Found =
  | {
      readonly type: 'value'
      readonly value: unknown
      /** Whether another process made it meanwhile. */ readonly isNew: boolean
    }
  | { readonly type: 'right'; readonly right: ResultRight }
  /** The step that was making it has failed. */
  | { readonly type: 'failure'; readonly error: unknown }

/** Global results in a store that processes share. All may reject with a StoreError. */
export interface SharedResults {
  /** Computations under way in this process, by the result's key. */
  readonly claims: ShortLivedMap<ClaimUnderWay>
  /**
   * Gives the result, or the right to make it; waits for as long as a living process is making it and `isWaiting` says so. Where there is
   * none under the key, former ones are looked at.
   */
  find(
    run: Claimant,
    key: string,
    formerKeys: (() => readonly string[]) | undefined,
    isWaiting: () => boolean,
  ): Promise<Found>
  /** Commits a result and gives the one that holds: where the right was lost, whatever was made instead. */
  commit(run: Claimant, right: ResultRight, value: unknown): Promise<unknown>
  /** Shares a failure with whoever waits. Not waited for. */
  fail(right: ResultRight, error: unknown): void
  /** Removes some of what has expired or what nobody makes any more, if the store is in use. @returns how many */
  purge(limit: number): Promise<number>
  /** Gives the right back. Not waited for. */
  release(right: ResultRight): void
  /** Gives the right back after a lease's time, for a function that ran on when its step was cancelled. */
  releaseLater(right: ResultRight): void
}
