import { append } from '../../core/append.ts'
import type { Engine, Wake } from '../../core/contracts/engine.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** So many may be gathered while the engine takes its time. Those before them are found in the store all the same. */
const mostGathered = 10_000
const mostInFlight = 4
/**
 * Where so many wait in the engine, no more are handed over: nobody who takes wakes is free then, and whoever has no free slot, or finds another one than its wake was for, looks again until nothing is left. Far
 * more than an engine has on its way to those who are.
 */
const mostWaiting = 100

/** Hands wakes to an engine, those of one turn together. Nobody waits for it. */
export class WakeSender {
  readonly #engine: Engine
  readonly #onFailure: (error: unknown) => void
  #gathered: Wake[] = []
  readonly #inFlight = new Set<Promise<void>>()
  #isOpen = false
  #isSoon = false
  /** How many were handed over since few were seen to wait, by queue. */
  readonly #sinceCount = new Map<string, number>()

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
    const waking = this.#handOver(wakes)
      .catch(this.#onFailure)
      .finally(() => {
        this.#inFlight.delete(waking)
        this.#soon()
      })
    this.#inFlight.add(waking)
  }

  async #handOver(wakes: readonly Wake[]): Promise<void> {
    if (this.#engine.waiting === undefined) return this.#engine.wake(wakes)
    const groups = [...Map.groupBy(wakes, ({ queue }) => queue)]
    const wanted = await Promise.all(
      groups.map(async ([queue, some]) => ((await this.#areEnough(queue, some.length)) ? [] : some)),
    )
    const left = wanted.flat()
    if (left.length > 0) await this.#engine.wake(left)
  }

  /** Whether so many wakes wait already that more are of no use. These are in the store: whoever takes one of those finds them. */
  async #areEnough(queue: string, more: number): Promise<boolean> {
    const count = (this.#sinceCount.get(queue) ?? 0) + more
    const mayBeMany = count > mostWaiting
    if (mayBeMany && (await this.#engine.waiting!(queue)) >= mostWaiting) return true
    this.#sinceCount.set(queue, mayBeMany ? more : count)
    return false
  }
}
