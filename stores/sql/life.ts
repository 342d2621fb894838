import { StoreError } from '../../src/core/errors.ts'

/** Whether a store is open, and a clear error for calls when it is not. */
export class StoreLife {
  readonly #store: string
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(store: string) {
    this.#store = store
  }

  /** @throws StoreError when it was closed meanwhile */
  opened(): void {
    this.requireUnclosed()
    this.#state = 'open'
  }

  /** The same for a store that can be closed and opened again. */
  reopened(): void {
    this.#state = 'open'
  }

  closed(): void {
    this.#state = 'closed'
  }

  /** @throws StoreError */
  requireUnclosed(): void {
    if (this.#state === 'closed')
      throw new StoreError(
        this.#store,
        'it is closed, as a store is with the last docket that uses it; make another one',
        false,
      )
  }

  /** @throws StoreError */
  requireOpen(): void {
    this.requireUnclosed()
    if (this.#state === 'new') throw new StoreError(this.#store, 'it is not open yet; call open() first', false)
  }
}
