/** Times that timers of one execution or batch were given from outside, in the place of their own. */
export class TimerTimes {
  readonly #times = new Map<string, number>()

  /** `item`: key of the batch's item; empty outside batches, and for what its items share. */
  set(step: string, item: string, dueAt: number): void {
    this.#times.set(placeOf(step, item), dueAt)
  }

  /** When the timer is due, in milliseconds since the epoch; undefined where it was not moved. */
  of(step: string, item = ''): number | undefined {
    return this.#times.size === 0 ? undefined : this.#times.get(placeOf(step, item))
  }
}

function placeOf(step: string, item: string): string {
  return JSON.stringify([step, item])
}
