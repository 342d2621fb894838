import type { MissingSession, SessionLook } from '../../core/contracts/store.ts'

/** For how long a connection must be missing: a process that lost nothing else has renewed by then. */
export const graceMs = 500
// A process that has just connected may have been cut off together with all others, by a server that was started again.
const settlingMs = 5_000

/** For how long others' connections have been missing, as far as this process has seen. Times are milliseconds of steady time. */
export class MissingSessions {
  readonly #since = new Map<string, { readonly missing: MissingSession; readonly at: number }>()
  #connection: string | undefined
  #watchingSince = 0

  /** What was seen now; gives those that have been missing for long enough. */
  seen({ connection, others }: SessionLook, now: number): readonly MissingSession[] {
    if (connection !== this.#connection) {
      this.blind()
      this.#connection = connection
      this.#watchingSince = now
    }
    if (others === undefined) return []
    const found = new Map(others.missing.map((missing) => [keyOf(missing), missing]))
    for (const key of this.#since.keys()) if (!found.has(key)) this.#since.delete(key)
    for (const [key, missing] of found) if (!this.#since.has(key)) this.#since.set(key, { missing, at: now })
    const due = [...this.#since].filter(([, { at }]) => now >= this.#dueAt(at))
    // The store judges once more; for an owner that it finds there the grace begins anew.
    for (const [key] of due) this.#since.delete(key)
    return due.map(([, { missing }]) => missing)
  }

  /** When the next of them will have been missing for long enough; Infinity where none is missing. */
  get nextDueAt(): number {
    let next = Infinity
    for (const { at } of this.#since.values()) next = Math.min(next, this.#dueAt(at))
    return next
  }

  /** Nothing could be seen: what was seen before says nothing any more. */
  blind(): void {
    this.#since.clear()
    this.#connection = undefined
  }

  #dueAt(missingSince: number): number {
    return Math.max(missingSince + graceMs, this.#watchingSince + settlingMs)
  }
}

function keyOf({ owner, session }: MissingSession): string {
  return JSON.stringify([owner, session])
}
