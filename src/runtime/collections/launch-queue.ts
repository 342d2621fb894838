// A burst is started in slices, a microtask apart: before any timer or I/O, but steps that are done at once are done, and
// their memory free, before more begin. Starting 100,000 in one go costs the garbage collector twice the time of a step.
const sliceSize = 1_024

/** What an execution does with its queue. */
export interface Launcher {
  readonly hasEnded: boolean
  launch(position: number): void
  /** The queue is empty again. */
  releaseIfIdle(): void
}

/** The steps of one execution that are ready to begin, in order. */
export class LaunchQueue {
  /** Whether steps are being started right now. */
  isDraining = false
  readonly #launcher: Launcher
  readonly #ready: number[] = []
  #next = 0

  constructor(launcher: Launcher) {
    this.#launcher = launcher
  }

  push(position: number): void {
    this.#ready.push(position)
  }

  /** Starts what is ready. A loop, not recursion: a chain of thousands of synchronous steps must not grow the stack. */
  drain(): void {
    if (this.isDraining) return
    this.isDraining = true
    const launcher = this.#launcher
    const until = this.#next + sliceSize
    while (this.#next < this.#ready.length && this.#next < until && !launcher.hasEnded)
      launcher.launch(this.#ready[this.#next++]!)
    if (this.#next < this.#ready.length && !launcher.hasEnded) {
      queueMicrotask(() => {
        this.isDraining = false
        this.drain()
      })
      return
    }
    this.#ready.length = 0
    this.#next = 0
    this.isDraining = false
    launcher.releaseIfIdle()
  }
}
