import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'

const mostKept = 10_000

/**
 * Executions whose lease this process lost and survived, since it was slow, paused, or cut off from its store. Whoever has them next counts a death;
 * when this process has one again, it takes back those that it knows to have been none. What is likely to have blocked the event loop is
 * not among them: that would go on for ever.
 */
export class SurvivedLosses {
  readonly #clock: FullClock
  readonly #counts = new Map<string, number>()
  /** What this process is about to go on with, and how often. */
  readonly #goingOn = new Map<string, number>()
  #blocker: { readonly id: string; readonly until: number } | undefined

  constructor(clock: FullClock) {
    this.#clock = clock
  }

  /** The execution whose step is likely to have blocked the event loop: it is the reason if the lease is lost within `ms` from now. */
  suspect(id: string, ms: number): void {
    this.#blocker = { id, until: this.#clock.elapsed() + ms }
  }

  /** The lease of these is lost, and of all that this process is about to go on with. */
  lost(ids: Iterable<string>): void {
    const blocker = this.#blocker
    for (const id of new Set([...ids, ...this.#goingOn.keys()]))
      if (id !== blocker?.id || this.#clock.elapsed() > blocker.until) this.add(id)
  }

  add(id: string): void {
    const count = (this.#counts.get(id) ?? 0) + 1
    // The latest come last, and the first are forgotten: they are others' for long.
    this.#counts.delete(id)
    this.#counts.set(id, count)
    if (this.#counts.size > mostKept) this.#counts.delete(this.#counts.keys().next().value!)
  }

  /** Until these go on here, their lease may be lost; for some of them it is already. Gives a function to call when they are through. */
  goOnWith(records: readonly Pick<ExecutionRecord, 'id' | 'owner'>[], owner: string): () => void {
    for (const { id, owner: own } of records)
      if (own === owner) this.#goingOn.set(id, (this.#goingOn.get(id) ?? 0) + 1)
      else this.add(id)
    return () => {
      for (const { id, owner: own } of records) {
        if (own !== owner) continue
        const left = this.#goingOn.get(id)! - 1
        if (left === 0) this.#goingOn.delete(id)
        else this.#goingOn.set(id, left)
      }
    }
  }

  /** How many deaths its owners have died, without those that were none. */
  deathsOf({ id, recoveries }: Pick<ExecutionRecord, 'id' | 'recoveries'>): number {
    return Math.max(0, recoveries - (this.#counts.get(id) ?? 0))
  }

  /** It is on record that they were none. */
  forget(id: string): void {
    this.#counts.delete(id)
  }
}
