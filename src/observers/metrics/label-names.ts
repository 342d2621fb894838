/** What names over the limit are called. */
export const otherName = 'other'

/**
 * Names as labels. Those that a program declares are all taken; of names that are made at run time there may be any number, and each series stays in
 * memory for ever, so only so many are.
 */
export class LabelNames {
  readonly #most: number
  readonly #made = new Set<string>()

  /** `most`: how many names are taken that are made at run time. */
  constructor(most: number) {
    this.#most = most
  }

  /** The name itself, or `other`. `within`: what it is a name within, as a step is within a graph. */
  of(name: string, isDeclared: boolean, within = ''): string {
    const key = `${within}\u0000${name}`
    if (isDeclared || this.#made.has(key)) return name
    if (this.#made.size >= this.#most) return otherName
    this.#made.add(key)
    return name
  }
}
