// How many taken places are carried along before the array is cut.
const maxTaken = 1_024

/**
 * Outcomes on their way to their consumer, taken in the order of their places; they may be put in any order. An array whose
 * taken head is cut off now and then: a Map with endless sets and deletes keeps its old tables, and what they hold, alive
 * until a full garbage collection.
 */
export class OutcomeQueue<Outcome> {
  #outcomes: (Outcome | undefined)[] = []
  #head = 0
  #first = 0

  /** Puts an outcome into its place, numbered from 0. */
  put(place: number, outcome: Outcome): void {
    this.#outcomes[place - this.#first] = outcome
  }

  /** Takes the next outcome, if it is there. */
  take(): Outcome | undefined {
    const outcome = this.#outcomes[this.#head]
    if (outcome === undefined) return undefined
    this.#outcomes[this.#head++] = undefined
    if (this.#head === maxTaken) {
      this.#outcomes = this.#outcomes.slice(maxTaken)
      this.#first += maxTaken
      this.#head = 0
    }
    return outcome
  }
}
