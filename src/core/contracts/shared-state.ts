/** What all processes have in common under one key: the holders of a limit's slots, the time of the next start under a rate, the execution that has a key. */
export interface SharedState {
  /** What it is found by. At most 100 characters of ASCII. */
  readonly key: string
  /** Names what is written: each writing has another one. At most 100 characters of ASCII. */
  readonly token: string
  /** What it is of, for people. */
  readonly name: string
  /** JSON text, which says the same when it is read. */
  readonly state: string
}

/** A state that takes the place of another one. */
export interface SharedWrite extends Pick<SharedState, 'key' | 'token' | 'name'> {
  /** The token of what was read; undefined where nothing was there. If something else is there by now, nothing is written. */
  readonly was: string | undefined
  /** What is there from now on; undefined deletes it. */
  readonly state: string | undefined
  /** Whether somebody may wait for what it changes: those that listen are given a hint. */
  readonly frees: boolean
}

/** States as they were at one moment. */
export interface SharedLook {
  /** The store's time, in milliseconds since the epoch: between question and answer. */
  readonly now: number
  /** In the order of the keys; undefined for what is not there. */
  readonly states: readonly (SharedState | undefined)[]
}

/**
 * Keeps states that processes have in common. Each is replaced only by those that know what is there, so nothing is ever lost that another
 * process has written meanwhile: whoever is refused reads again.
 */
export interface SharedStateStore {
  /** What is there. */
  readShared(keys: readonly string[]): Promise<SharedLook>
  /** Writes, each by itself, no key twice in a call. False where something else is there than was read. True, too, for what was written just so before. */
  writeShared(writes: readonly SharedWrite[]): Promise<readonly boolean[]>
  /** States that were written last before a time of the store's, the oldest first. */
  oldShared(before: number, limit: number): Promise<readonly SharedState[]>
}
