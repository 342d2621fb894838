/** Why a call may take long: it is a part of one that met a lock, the repetition of one that was locked or failed, or large. */
export type SlowCall = 'part' | 'again' | 'large'

const mostAtOnce = 4

/**
 * The calls that may take long, of all kinds that go to one store: each holds a connection, so there are a few at a time, and the pool has
 * some left for all others. Parts go first: most of them are of what is not sick.
 */
export class SlowCalls {
  readonly #max: number
  readonly #waiting: Record<SlowCall, (() => Promise<void>)[]> = { part: [], again: [], large: [] }
  readonly #inFlight: Record<SlowCall, number> = { part: 0, again: 0, large: 0 }
  #last: SlowCall = 'large'
  #isWaiting = false

  /** `connections`: how many the store has, where that is known. */
  constructor(connections: number | undefined) {
    this.#max = connections === undefined ? mostAtOnce : Math.min(mostAtOnce, Math.max(1, connections >> 1))
  }

  /** Makes a call when there is room for it. It must not reject. */
  add(kind: SlowCall, call: () => Promise<void>): void {
    this.#waiting[kind].push(call)
    this.#next()
  }

  /** Whether a call may wait for somebody else's lock: one at a time does. It ends with `endWait`. */
  tryWait(): boolean {
    if (this.#isWaiting) return false
    this.#isWaiting = true
    return true
  }

  endWait(): void {
    this.#isWaiting = false
  }

  #next(): void {
    for (;;) {
      const kind = this.#nextKind()
      if (kind === undefined) return
      const call = this.#waiting[kind].shift()!
      this.#inFlight[kind]++
      if (kind !== 'part') this.#last = kind
      void call().then(() => {
        this.#inFlight[kind]--
        this.#next()
      })
    }
  }

  /** Of what is repeated, and what is large, in turn; one place is kept for parts, where there are several. */
  #nextKind(): SlowCall | undefined {
    const { part, again, large } = this.#inFlight
    if (part + again + large >= this.#max) return undefined
    if (this.#waiting.part.length > 0) return 'part'
    if (again + large >= Math.max(1, this.#max - 1)) return undefined
    const mayBeLarge = this.#waiting.large.length > 0 && large < Math.max(1, this.#max >> 1)
    if (this.#waiting.again.length > 0 && !(mayBeLarge && this.#last === 'again')) return 'again'
    return mayBeLarge ? 'large' : undefined
  }
}
