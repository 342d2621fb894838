/** Items that tell how many of them were read, and whether they were closed. */
export class Source implements AsyncIterable<{ readonly Id: number }>, Iterable<{ readonly Id: number }> {
  read = 0
  closed = 0
  readonly #ids: readonly number[]

  constructor(ids: readonly number[]) {
    this.#ids = ids
  }

  *[Symbol.iterator]() {
    try {
      for (const Id of this.#ids) {
        this.read++
        yield { Id }
      }
    } finally {
      this.closed++
    }
  }

  async *[Symbol.asyncIterator]() {
    yield* this[Symbol.iterator]()
  }
}

export const range = (length: number): readonly number[] => Array.from({ length }, (_, index) => index)
export const sync = (source: Source): Iterable<{ readonly Id: number }> => ({
  [Symbol.iterator]: () => source[Symbol.iterator](),
})
