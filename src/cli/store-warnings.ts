/** Warnings of this process about its store, but for what a command has said itself: until it is known what that says, they are held back. */
export class StoreWarnings {
  readonly #usual = process.listeners('warning')
  #held: Error[] | undefined = []
  #said: readonly string[] = []

  constructor() {
    process.removeAllListeners('warning')
    process.on('warning', (warning) => {
      if (this.#held !== undefined && warning.name === 'DocketStoreWarning') this.#held.push(warning)
      else this.#show(warning)
    })
  }

  /** Shows those that were held, and from now on each as it comes. What was said of a store that has answered since says nothing of what comes later. */
  release(said: readonly string[] = [], answers = false): void {
    this.#said = [...this.#said, ...said]
    const held = this.#held ?? []
    this.#held = undefined
    for (const warning of held) this.#show(warning)
    if (answers) this.#said = []
  }

  #show(warning: Error): void {
    if (!this.#said.some((text) => warning.message.includes(text))) for (const show of this.#usual) show(warning)
  }
}
