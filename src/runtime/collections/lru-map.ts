/** A value in the order of use. */
interface Link<Value> {
  readonly key: string
  /** Undefined once it is forgotten. */
  value: Value | undefined
  newer: Link<Value> | undefined
  older: Link<Value> | undefined
}

/**
 * A map that forgets what was not used for longest. The order is a linked list: a use moves pointers only, where deleting
 * and setting a Map's key again would hash it twice more.
 */
export class LruMap<Value> {
  readonly #nodes = new Map<string, Link<Value>>()
  #newest: Link<Value> | undefined
  #oldest: Link<Value> | undefined

  get size(): number {
    return this.#nodes.size
  }

  /** The value, which is now the most recently used. */
  get(key: string): Value | undefined {
    const node = this.#nodes.get(key)
    if (node === undefined) return undefined
    if (node !== this.#newest) {
      this.#unlink(node)
      this.#link(node)
    }
    return node.value
  }

  /** The value, without using it. */
  peek(key: string): Value | undefined {
    return this.#nodes.get(key)?.value
  }

  /** Sets a value as the most recently used, and forgets the least recently used ones beyond the capacity. */
  set(key: string, value: Value, capacity: number): void {
    this.delete(key)
    const node: Link<Value> = { key, value, newer: undefined, older: undefined }
    this.#nodes.set(key, node)
    this.#link(node)
    while (this.#nodes.size > capacity) this.delete(this.#oldest!.key)
  }

  delete(key: string): void {
    const node = this.#nodes.get(key)
    if (node === undefined) return
    this.#nodes.delete(key)
    this.#unlink(node)
    // Once one forgotten node is old, the garbage collector would keep all that come after it, as ShortLivedMap explains.
    node.newer = node.older = node.value = undefined
  }

  #link(node: Link<Value>): void {
    node.older = this.#newest
    node.newer = undefined
    if (this.#newest !== undefined) this.#newest.newer = node
    this.#newest = node
    this.#oldest ??= node
  }

  #unlink(node: Link<Value>): void {
    if (node.older === undefined) this.#oldest = node.newer
    else node.older.newer = node.newer
    if (node.newer === undefined) this.#newest = node.older
    else node.newer.older = node.older
  }
}
