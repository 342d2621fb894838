import { clearTimeout, setTimeout } from 'node:timers'
import type { PageConnection } from './page-connection.ts'
import type { LiveFrame } from './protocol.ts'

/** A store that takes longer than this has not answered: it may be a server that is away without a word. */
const patienceMs = 3_000

/** Something that pages look at: its state as it was shown last. */
export abstract class Topic {
  readonly #pages = new Set<PageConnection>()
  readonly #nextSeq: () => number
  #isStoreAway = false

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
    if (this.#isStoreAway) page.send(this.#textOf({ type: 'store', isAway: true }))
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

  /** Looks something up, and shows pages when the store stops to answer, and when it answers again. `isAnswer`: whether what a look throws is an answer, too. */
  protected async lookUp<T>(look: () => Promise<T>, isAnswer: (thrown: unknown) => boolean = () => false): Promise<T> {
    const timer = setTimeout(() => this.#storeIs(true), patienceMs)
    timer.unref()
    try {
      const found = await look()
      this.#storeIs(false)
      return found
    } catch (thrown) {
      this.#storeIs(!isAnswer(thrown))
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }

  #storeIs(isAway: boolean): void {
    if (this.#isStoreAway === isAway) return
    this.#isStoreAway = isAway
    this.show({ type: 'store', isAway })
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
