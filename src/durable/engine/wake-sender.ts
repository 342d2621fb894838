import { append } from '../../core/append.ts'
import type { Engine, Wake } from '../../core/contracts/engine.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** So many may be gathered while the engine takes its time. Those before them are found in the store all the same. */
const mostGathered = 10_000
const mostInFlight = 4

/** Hands wakes to an engine, those of one turn together. Nobody waits for it. */
export class WakeSender {
  readonly #engine: Engine
  readonly #onFailure: (error: unknown) => void
  #gathered: Wake[] = []
  readonly #inFlight = new Set<Promise<void>>()
  #isOpen = false
  #isSoon = false

  constructor(engine: Engine, onFailure: (error: unknown) => void) {
    this.#engine = engine
    this.#onFailure = onFailure
  }

  /** The engine is there, or could not be opened: what was gathered goes out. */
  open(): void {
    this.#isOpen = true
    this.#soon()
  }

  send(wakes: readonly Wake[]): void {
    append(this.#gathered, wakes)
    if (this.#gathered.length > mostGathered) this.#gathered.splice(0, this.#gathered.length - mostGathered)
    this.#soon()
  }

  /** Resolves when all that was given is handed over, or lost. */
  async flushed(): Promise<void> {
    while (this.#isOpen && (this.#gathered.length > 0 || this.#inFlight.size > 0)) {
      this.#flush()
      await Promise.all(this.#inFlight)
    }
  }

  /** What the same turn has to say goes together. */
  #soon(): void {
    if (this.#isSoon || !this.#isOpen) return
    this.#isSoon = true
    inMicrotask(() => {
      this.#isSoon = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#gathered.length === 0 || this.#inFlight.size >= mostInFlight) return
    const wakes = this.#gathered
    this.#gathered = []
    const waking = this.#engine
      .wake(wakes)
      .catch(this.#onFailure)
      .finally(() => {
        this.#inFlight.delete(waking)
        this.#soon()
      })
    this.#inFlight.add(waking)
  }
}
