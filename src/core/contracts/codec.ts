/**
 * Changes the bytes of stored values on their way to the store and back: encryption, compression. Several are applied in the order
 * they are given when a value is written, and in the reverse order when it is read.
 *
 * Values that were written stay in the store: a codec must read whatever it has ever written.
 */
export interface Codec {
  /** Written beside each value, to find the codec again when it is read. At most 64 characters; never change it. */
  readonly name: string
  /**
   * Refuses to read values that did not go through this codec, as those that were written before it was configured.
   * @default false
   */
  readonly isRequired?: boolean
  /**
   * What the store is to keep in the place of `bytes`, which are not to be changed.
   * `identity` names the record (and how its bytes were made): a value that was put into another record has another one. The
   * same text is given to `decode`, so it can be authenticated, but need not be kept.
   */
  encode(bytes: Uint8Array, identity: string): Uint8Array | Promise<Uint8Array>
  /**
   * The bytes that `encode` was given.
   * @throws when they can't be had: damaged, tampered with, another record's, a key that is not known
   */
  decode(bytes: Uint8Array, identity: string): Uint8Array | Promise<Uint8Array>
  /**
   * A text's hash that can't be guessed without a secret. Keys of global results are hashes of inputs, and small inputs can be
   * guessed from a hash that anyone can compute. Must not change while results are to be found.
   */
  keyedHash?(text: string): string
}
