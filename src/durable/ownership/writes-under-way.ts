/** What is on its way to the store: values, and notes whose errors a codec is still at work on. */
export class WritesUnderWay {
  #values = 0
  readonly #encoding = new Set<Promise<unknown>>()
  #waiting: (() => void)[] = []

  /** Whether no value is on its way, nor a note that is still to be encoded. */
  get isIdle(): boolean {
    return this.#values === 0 && this.#encoding.size === 0
  }

  /** A value is on its way, until `arrived` is called. */
  begin(): void {
    this.#values++
  }

  arrived(): void {
    if (--this.#values === 0) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves when all notes are encoded: what ends the execution comes after them. */
  async encoded(): Promise<void> {
    if (this.#encoding.size > 0) await Promise.allSettled(this.#encoding)
  }

  /** Resolves when no value is on its way to the store, and all notes are. */
  async idle(): Promise<void> {
    await this.encoded()
    if (this.#values > 0) await new Promise<void>((resolve) => void this.#waiting.push(resolve))
  }

  /** A note's error is being encoded. */
  async whileEncoding(stored: Promise<unknown>): Promise<void> {
    this.#encoding.add(stored)
    await Promise.allSettled([stored])
    this.#encoding.delete(stored)
  }
}
