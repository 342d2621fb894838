/** The names of the verbs of one branch of a durable function. */
export class VerbNames {
  readonly prefix: string
  readonly #counts = new Map<string, number>()
  /** How many verbs and branches of this branch are open. */
  open = 0

  constructor(prefix: string) {
    this.prefix = prefix
  }

  /** The name of the next verb; undefined where it would have to be numbered while others are open, so that the numbers could be mixed up. */
  next(name: string, key: string | undefined): string | undefined {
    const whole = this.prefix + escaped(name) + (key === undefined ? '' : `[${escaped(key)}]`)
    const count = (this.#counts.get(whole) ?? 0) + 1
    if (count > 1 && this.open > 0) return undefined
    this.#counts.set(whole, count)
    return count === 1 ? whole : `${whole}#${count}`
  }
}

/** What branches, keys and numbers are marked by does not stand in names. */
function escaped(name: string): string {
  return /[%/#[\]$]/.test(name) ? name.replaceAll(/[%/#[\]$]/g, (mark) => encodeURIComponent(mark)) : name
}
