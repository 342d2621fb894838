/** An owner whose connection was found to be gone. */
export interface Vanished {
  readonly owner: string
  /** When it was renewed last: another time says that it lives. */
  readonly seen: string
}

// Whoever has just connected may have been cut off together with all others, by a server that was started again.
const settlingMs = 5_000

/** For how long owners have been without their connections, as far as this process has seen. Times are milliseconds of steady time. */
export class VanishedOwners {
  readonly #graceMs: number
  readonly #since = new Map<string, number>()
  #watchingSince: number | undefined

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  /** What was seen now; gives those that have been gone for long enough. */
  seen<T extends Vanished>(vanished: readonly T[], now: number): readonly T[] {
    this.#watchingSince ??= now
    const keys = new Set(vanished.map(keyOf))
    for (const key of this.#since.keys()) if (!keys.has(key)) this.#since.delete(key)
    for (const key of keys) if (!this.#since.has(key)) this.#since.set(key, now)
    if (now - this.#watchingSince < settlingMs) return []
    return vanished.filter((one) => now - this.#since.get(keyOf(one))! >= this.#graceMs)
  }

  /** Nothing could be seen: what was seen before says nothing any more. */
  blind(): void {
    this.#since.clear()
    this.#watchingSince = undefined
  }
}

function keyOf({ owner, seen }: Vanished): string {
  return JSON.stringify([owner, seen])
}
