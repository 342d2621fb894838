import type { PageConnection } from './page-connection.ts'
import type { LiveFrame } from './protocol.ts'

/** Something that pages look at: its state as it was shown last. */
export abstract class Topic {
  readonly #pages = new Set<PageConnection>()
  readonly #nextSeq: () => number

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
