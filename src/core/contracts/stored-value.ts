/**
 * A value as a store keeps it: the text of a JSON document (SQL stores put it where SQL can query it), or bytes that only
 * the core can read (made by the store's own `format`, or by a codec such as encryption).
 */
export type StoredValue = string | Uint8Array

/**
 * How a store wants values: turns plain trees (null, booleans, finite numbers, texts, arrays, records) into what it keeps, and
 * back. The core has replaced everything else (Date, Map, BigInt, NaN, …) by tagged records before.
 */
export interface ValueFormat {
  /** Is stored with each value, so that a later version can read it: 1 to 64 characters. */
  readonly name: string
  /** Makes of a tree what the store keeps. */
  encode(tree: unknown): StoredValue
  /** @throws when the stored value is damaged */
  decode(stored: StoredValue): unknown
}
