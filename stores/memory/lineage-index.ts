/** What has come from which execution, as its children or its forks: most come from none. */
export class LineageIndex {
  readonly #byOrigin = new Map<string, Set<string>>()

  of(origin: string): Iterable<string> {
    return this.#byOrigin.get(origin) ?? []
  }

  add(origin: string | undefined, id: string): void {
    if (origin === undefined) return
    const known = this.#byOrigin.get(origin)
    if (known === undefined) this.#byOrigin.set(origin, new Set([id]))
    else known.add(id)
  }

  delete(origin: string | undefined, id: string): void {
    const known = origin === undefined ? undefined : this.#byOrigin.get(origin)
    if (known?.delete(id) === true && known.size === 0) this.#byOrigin.delete(origin!)
  }
}
