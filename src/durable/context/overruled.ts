import type { FullClock } from '../../runtime/environment/clock.ts'

/** What was seen so long ago may have changed. */
const rememberedMs = 60_000
/** Graphs that are made at run time may declare any number of limits: the oldest notes are forgotten. */
const mostRemembered = 1_000

/** What this process declares, and something else holds: of queues, of limits of steps, of schedules. */
export class Overruled {
  readonly #clock: Pick<FullClock, 'elapsed'>
  readonly #seen = new Map<string, { readonly message: string; readonly at: number }>()

  constructor(clock: Pick<FullClock, 'elapsed'>) {
    this.#clock = clock
  }

  /** It was seen now that another declaration holds. @returns whether that is news */
  note(about: string, message: string): boolean {
    const known = this.#seen.get(about)?.message
    // The latest come last.
    this.#seen.delete(about)
    this.#seen.set(about, { message, at: this.#clock.elapsed() })
    if (this.#seen.size > mostRemembered) this.#seen.delete(this.#seen.keys().next().value!)
    return known !== message
  }

  /** What was declared here holds again: that it does not would be news. */
  forget(about: string): void {
    this.#seen.delete(about)
  }

  /** What was seen in the last minute, in sentences for people. */
  messages(): readonly string[] {
    const since = this.#clock.elapsed() - rememberedMs
    return [...this.#seen.values()].flatMap(({ message, at }) => (at >= since ? [message] : []))
  }
}
