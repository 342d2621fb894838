import type { FullClock } from '../environment/clock.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'

/** The wait before a step's next attempt: in this process it counts steady time, whatever is done to the time of day. */
export class AttemptWait {
  readonly #clock: FullClock
  readonly #timer: Timer
  readonly #dueAt: number

  constructor(clock: FullClock, ms: number, onOver: () => void) {
    this.#clock = clock
    this.#dueAt = clock.elapsed() + ms
    this.#timer = fireAfter(clock, ms, onOver)
  }

  get leftMs(): number {
    return Math.max(0, this.#dueAt - this.#clock.elapsed())
  }

  cancel(): void {
    this.#timer.cancel()
  }
}

/** How long a step has yet to wait: as it waits here, or, if that has not begun, until the time of day that is stored. */
export function waitLeft(
  wait: AttemptWait | undefined,
  dueAt: number | undefined,
  clock: FullClock,
): number | undefined {
  if (wait !== undefined) return wait.leftMs
  return dueAt === undefined ? undefined : Math.max(0, dueAt - clock.now())
}
