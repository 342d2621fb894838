/**
 * Names of workflows of which executions are looked for. One that no open execution has had for a whole round of looks, nor one that began here, is forgotten: there may be
 * ever new ones. What schedules need is kept.
 */
export class NotedNames {
  /** With the round in which it was noted last. */
  readonly #rounds = new Map<string, number>()
  readonly #kept = new Set<string>()
  #round = 0

  /** All of them. */
  get all(): readonly string[] {
    return [...this.#rounds.keys()]
  }

  /** Those that are not forgotten. */
  get kept(): ReadonlySet<string> {
    return this.#kept
  }

  /** @returns whether it is new */
  note(name: string): boolean {
    const isNew = !this.#rounds.has(name)
    this.#rounds.set(name, this.#round)
    return isNew
  }

  /** It is not forgotten from now on, whether or not there are executions of it. */
  keep(name: string): void {
    this.#kept.add(name)
  }

  /** Every open execution has been looked at since the last call. @returns what is forgotten */
  endRound(): readonly string[] {
    const forgotten: string[] = []
    // What was noted while this round went on may have been written behind it.
    for (const [name, round] of this.#rounds) if (round < this.#round - 1 && !this.#kept.has(name)) forgotten.push(name)
    for (const name of forgotten) this.#rounds.delete(name)
    this.#round++
    return forgotten
  }
}
