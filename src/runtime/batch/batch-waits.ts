import { inMicrotask } from '../../core/in-microtask.ts'
/** How many steps of a part of a batch are open, how many of them wait, and how many of these for their next attempt. */
export interface OpenSteps {
  readonly open: number
  readonly waiting: number
  readonly retrying: number
}

/** A batch, as far as it is of interest whether it waits. */
interface WaitingBatch {
  readonly hasEnded: boolean
  /** Whether items may still begin before one of those that are open ends. */
  readonly intake: { readonly isOpen: boolean }
  /** What may end it: its timeout counts work, and the backoffs between attempts. */
  readonly triggers: { rest(): void; goOn(): void } | undefined
  readonly setup: { readonly onWaits?: ((waits: boolean, rests: boolean) => void) | undefined }
}

/** Whether a batch waits: all steps of all its items that have begun and not ended do. Only batches that have steps which wait have this. */
export class BatchWaits {
  readonly #batch: WaitingBatch
  #open = 0
  #waiting = 0
  #retrying = 0
  #isLooking = false
  /** Whether it waits, as the batch was informed last. */
  isWaiting = false

  constructor(batch: WaitingBatch) {
    this.#batch = batch
  }

  /** Steps of one of its parts have begun, ended, or begun to wait: what has changed. */
  add({ open, waiting, retrying }: OpenSteps): void {
    this.#open += open
    this.#waiting += waiting
    this.#retrying += retrying
    if (this.#all) this.#lookSoon()
    else this.#goOn()
  }

  get #all(): boolean {
    return this.#waiting > 0 && this.#open === this.#waiting
  }

  #goOn(): void {
    if (!this.isWaiting) return
    this.isWaiting = false
    this.#batch.triggers?.goOn()
    this.#batch.setup.onWaits?.(false, false)
  }

  /** What has just ended may let others begin in the same turn. */
  #lookSoon(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    inMicrotask(() => {
      this.#isLooking = false
      const batch = this.#batch
      if (!this.#all || this.isWaiting || batch.hasEnded || batch.intake.isOpen) return
      this.isWaiting = true
      const rests = this.#retrying === 0
      if (rests) batch.triggers?.rest()
      batch.setup.onWaits?.(true, rests)
    })
  }

  /** All items have begun that can: nothing else may say so. */
  look(): void {
    if (this.#all) this.#lookSoon()
  }
}
