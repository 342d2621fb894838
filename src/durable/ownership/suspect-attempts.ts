import type { FullClock } from '../../runtime/environment/clock.ts'

/**
 * Attempts after a death that one of them may have caused: they go on record and begin one at a time, each in a turn of the event loop of its
 * own. Recorded together, they would all count when the process dies of the first, and a step could use up its attempts without
 * ever being called. What takes its time runs beside the others all the same.
 */
export class SuspectAttempts {
  readonly #clock: Pick<FullClock, 'setImmediate'>
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: Pick<FullClock, 'setImmediate'>) {
    this.#clock = clock
  }

  /** Records an attempt when those before it have begun; it begins as soon as the promise resolves. */
  begin(note: () => Promise<void>): Promise<void> {
    const noted = this.#last.then(note)
    const turn = (): Promise<void> =>
      new Promise((resolve) => {
        this.#clock.setImmediate(resolve)
      })
    this.#last = noted.then(turn, turn)
    return noted
  }
}
