import { clearTimeout, setTimeout } from 'node:timers'
import { StoreError } from '../core/errors.ts'
import type { PageConnection } from './page-connection.ts'
import type { LiveFrame } from './protocol.ts'

/** A store that takes longer than this has not answered: it may be a server that is away without a word. */
const patienceMs = 3_000

/** Something that pages look at: its state as it was shown last. */
export abstract class Topic {
  readonly #pages = new Set<PageConnection>()
  readonly #nextSeq: () => number
  /** Not known before the first look. */
  #isStoreAway: boolean | undefined

  constructor(nextSeq: () => number) {
    this.#nextSeq = nextSeq
  }

  get isWatched(): boolean {
    return this.#pages.size > 0
  }

  /** One more page: it gets what is known by now. */
  join(page: PageConnection): void {
    this.#pages.add(page)
    for (const frame of this.frames()) page.send(this.#textOf(frame))
    if (this.#isStoreAway !== undefined) this.#showStore(page, this.#isStoreAway)
    this.call()
  }

  leave(page: PageConnection): void {
    this.#pages.delete(page)
  }

  /** Something may have changed. */
  abstract call(): void
  abstract stop(): void
  /** What a page has to know that comes now. */
  protected abstract frames(): readonly Unnumbered[]

  /** Looks something up, and shows pages when the store stops to answer, and when it answers again. That something can't be read is an answer, too. */
  protected async lookUp<T>(look: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#storeIs(true), patienceMs)
    timer.unref()
    try {
      const found = await look()
      this.#storeIs(false)
      return found
    } catch (thrown) {
      this.#storeIs(thrown instanceof StoreError && thrown.isTransient)
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }

  #storeIs(isAway: boolean): void {
    this.#isStoreAway = isAway
    for (const page of this.#pages) this.#showStore(page, isAway)
  }

  /** A page may have been shown something else by what it looked at before. */
  #showStore(page: PageConnection, isAway: boolean): void {
    if (page.isStoreAway === isAway) return
    if (page.send(this.#textOf({ type: 'store', isAway }))) page.isStoreAway = isAway
  }

  /** To all pages, as one text. */
  protected show(frame: Unnumbered): void {
    if (this.#pages.size === 0) return
    const text = this.#textOf(frame)
    for (const page of this.#pages) page.send(text)
  }

  #textOf(frame: Unnumbered): string {
    return JSON.stringify({ ...frame, seq: this.#nextSeq() })
  }
}

/** A frame that has no number yet. */
export type Unnumbered =
  | Omit<Extract<LiveFrame, { readonly type: 'rows' }>, 'seq'>
  | Omit<Extract<LiveFrame, { readonly type: 'steps' }>, 'seq'>
  | Omit<Extract<LiveFrame, { readonly type: 'store' }>, 'seq'>
