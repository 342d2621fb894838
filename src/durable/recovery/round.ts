/** One round of looks for work: how many executions it may still acquire, and what of those it has is on its way. */
export class Round {
  #room: number
  /** Acquired, and not gone on with yet. */
  #reserved = 0
  #resumed = 0
  readonly #underWay: Promise<void>[] = []
  #mayReadAhead: boolean

  /** @param room free slots */
  constructor(room: number, mayReadAhead: boolean) {
    this.#room = room
    this.#mayReadAhead = mayReadAhead
  }

  /** How many more may be acquired. */
  get room(): number {
    return this.#room
  }

  /** How many run here because of it. */
  get resumed(): number {
    return this.#resumed
  }

  /** Whether all that the last look brought runs here. */
  get mayReadAhead(): boolean {
    return this.#mayReadAhead
  }

  /** So many slots are free by now; some of them are for what is on its way. */
  recount(free: number): void {
    this.#room = free - this.#reserved
  }

  /**
   * A look has brought so many, and `resuming` gives how many of them run here. Resolves when the next look may begin: before these run, where all
   * did that came before. What does not fit is given up meanwhile, and would be acquired again.
   */
  async add(count: number, resuming: Promise<number>): Promise<void> {
    this.#room -= count
    this.#reserved += count
    const done = this.#follow(count, resuming)
    done.catch(() => {}) // It is awaited later, or not at all where another one has failed.
    this.#underWay.push(done)
    await this.through(this.#mayReadAhead ? 1 : 0)
  }

  /** Resolves when no more looks than that are on their way. */
  async through(left = 0): Promise<void> {
    while (this.#underWay.length > left) await this.#underWay.shift()
  }

  /** Resolves when nothing is on its way any more, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.splice(0))
  }

  async #follow(count: number, resuming: Promise<number>): Promise<void> {
    let resumed = 0
    try {
      resumed = await resuming
    } finally {
      this.#reserved -= count
      this.#room += count - resumed
      this.#resumed += resumed
      this.#mayReadAhead = resumed === count
    }
  }
}
