import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** What a page has to know to be answered. */
export class Token {
  /** The token itself: for the URL's fragment, and nothing else. */
  readonly text: string
  readonly #key = randomBytes(32)
  readonly #digest: Buffer

  /** @param text the user's own @default 128 random bits */
  constructor(text: string = randomBytes(16).toString('base64url')) {
    this.text = text
    this.#digest = this.#digestOf(text)
  }

  /** Takes as long whatever is given, so that the time says nothing of how much of it is right. */
  matches(given: unknown): boolean {
    return timingSafeEqual(this.#digestOf(typeof given === 'string' ? given : ''), this.#digest)
  }

  /** Another token, for another right; this one can't be found from it. */
  derived(right: string): Token {
    return new Token(createHmac('sha256', this.text).update(right).digest('base64url').slice(0, 22))
  }

  #digestOf(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}
