import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import type { WorkPlace } from './step-work.ts'

/** The limit of work that waits now and then: only the time counts in which it does not. */
export class WorkTimeout {
  readonly #execution: WorkPlace
  readonly #limitMs: number | undefined
  readonly #onOver: () => void
  #spentMs = 0
  /** Since when it works, in steady time; undefined while it does not. */
  #since: number | undefined
  #timer: Timer | undefined

  constructor(execution: WorkPlace, limitMs: number | undefined, onOver: () => void) {
    this.#execution = execution
    this.#limitMs = limitMs
    this.#onOver = onOver
  }

  get hasLimit(): boolean {
    return this.#limitMs !== undefined
  }

  /** How long it has worked, in milliseconds. */
  get spentMs(): number {
    return this.#spentMs + (this.#since === undefined ? 0 : this.#execution.clock.elapsed() - this.#since)
  }

  /** `spentMs`: how long it has worked elsewhere. */
  begin(spentMs: number): void {
    this.#spentMs = spentMs
    this.goOn()
  }

  goOn(): void {
    if (this.#limitMs === undefined || this.#since !== undefined) return
    const { clock, context } = this.#execution
    this.#since = clock.elapsed()
    this.#timer = fireAfter(clock, Math.max(0, this.#limitMs - this.#spentMs), () => context.run(this.#onOver))
  }

  rest(): void {
    this.#spentMs = this.spentMs
    this.end()
  }

  end(): void {
    this.#since = undefined
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
