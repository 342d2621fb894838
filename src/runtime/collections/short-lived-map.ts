interface Place<Value> {
  value: Value | undefined
}

/**
 * A Map for big values that come and go all the time. Whenever V8 tidies up or enlarges a Map, the table that it had stays behind with
 * all that was in it, and points to the next one. Once one such table is old, the collections of young objects keep all that come
 * after it, with whatever was ever in them: most executions outlived their end until the next full collection, which cost a
 * third of a durable step's time. So the Map has a place for each value, which is emptied when the value goes.
 */
export class ShortLivedMap<Value> {
  readonly #places = new Map<string, Place<Value>>()

  get size(): number {
    return this.#places.size
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  get(key: string): Value | undefined {
    return this.#places.get(key)?.value
  }

  set(key: string, value: Value): void {
    const place = this.#places.get(key)
    if (place === undefined) this.#places.set(key, { value })
    else place.value = value
  }

  delete(key: string): void {
    const place = this.#places.get(key)
    if (place === undefined) return
    place.value = undefined
    this.#places.delete(key)
  }

  keys(): Iterable<string> {
    return this.#places.keys()
  }

  *values(): Iterable<Value> {
    for (const place of this.#places.values()) yield place.value!
  }
}
